package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.testkit.ArrivalTrace;
import io.headrace.testkit.Simulation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.ToDoubleFunction;

/**
 * One handler under one load, and what the policies make of it.
 *
 * @param draws how often the noise of a handler is drawn for one trace
 */
record PolicyCell(
    Handler handler, Arrivals arrivals, double load, Duration length, long seed, int draws) {
  /** The largest batch of every policy. */
  static final int MAX_SIZE = 64;

  private static final long DRAW_STEP = 1_000;
  private static final double LITTLE = 1e-9;
  private static final double NANOS_PER_MILLI = 1e6;
  private static final double MEAN_GROUP = 10;
  private static final Duration ON_OFF = Duration.ofMillis(500);
  private static final double DAILY_SWING = 0.8;
  private static final int[] GRID_SIZES = {2, 4, 8, 16, 32, 64};
  private static final double[] GRID_DELAYS = {0, 0.02, 0.05, 0.1, 0.25, 0.5};

  enum Handler {
    /** A fixed cost, little for each item, padded to multiples of 8. */
    GPU(100),
    /** The same with an objective that two batches do not fit into. */
    GPU_TIGHT(40),
    /** Batches gain next to nothing. */
    LINEAR(30),
    /**
     * As GPU, with a factor that has a log-normal distribution, and a stall in one of 200 batches.
     */
    NOISY(100);

    private static final double NOISE = 0.25;
    private static final int STALL_ONE_IN = 200;
    private static final double STALL = 6;

    final Duration objective;

    Handler(int objectiveMillis) {
      objective = Duration.ofMillis(objectiveMillis);
    }

    private double plainNanos(int size) {
      double millis = this == LINEAR ? 0.1 + size : 10 + 0.25 * ((size + 7) / 8 * 8);
      return millis * NANOS_PER_MILLI;
    }

    long nanos(int size, Random random) {
      double factor = 1;
      if (this == NOISY) {
        factor = Math.exp(NOISE * random.nextGaussian());
        factor *= random.nextInt(STALL_ONE_IN) == 0 ? STALL : 1;
      }
      return (long) (factor * plainNanos(size));
    }

    /** Items per second in the best batches that fit into the objective. */
    double capacity() {
      double best = 0;
      for (int n = 1; n <= MAX_SIZE && plainNanos(n) <= objective.toNanos(); n++) {
        best = Math.max(best, n / plainNanos(n));
      }
      double slower =
          this == NOISY ? Math.exp(NOISE * NOISE / 2) * (1 + (STALL - 1) / STALL_ONE_IN) : 1;
      return best / slower * 1e9;
    }
  }

  enum Arrivals {
    POISSON,
    BURSTY,
    ON_OFF,
    DAILY;

    ArrivalTrace trace(double perSecond, Duration length, long seed) {
      return switch (this) {
        case POISSON -> ArrivalTrace.poisson(perSecond, length, seed);
        case BURSTY -> ArrivalTrace.bursty(perSecond, MEAN_GROUP, length, seed);
        case ON_OFF ->
            ArrivalTrace.onOff(perSecond, PolicyCell.ON_OFF, PolicyCell.ON_OFF, length, seed);
        case DAILY -> ArrivalTrace.daily(perSecond, DAILY_SWING, length.dividedBy(2), length, seed);
      };
    }
  }

  /** What a policy has made of it, once for each draw of the handler's noise. */
  record Entry(String policy, List<Simulation.Result> results) {
    double share() {
      return mean(Simulation.Result::share);
    }

    double mean(ToDoubleFunction<Simulation.Result> value) {
      return results.stream().mapToDouble(value).average().orElse(0);
    }
  }

  /**
   * The same arrivals, with other durations in each if the handler is noisy.
   *
   * @param first which of the draws of noise is the first
   */
  private List<Simulation> simulations(int first) {
    ArrivalTrace trace = arrivals.trace(load * handler.capacity(), length, seed);
    List<Simulation> simulations = new ArrayList<>();
    for (int i = first; i < first + (handler == Handler.NOISY ? draws : 1); i++) {
      simulations.add(
          new Simulation(trace, handler::nanos, 1, handler.objective, seed + DRAW_STEP * i));
    }
    return simulations;
  }

  Entry entry(String name, BatchPolicy policy) {
    return new Entry(name, simulations(0).stream().map(each -> each.run(policy)).toList());
  }

  Entry adaptive() {
    return entry("adaptive", BatchPolicy.adaptive(MAX_SIZE, handler.objective));
  }

  /** The others, the best of the grid last. */
  List<Entry> rivals() {
    List<Entry> entries = new ArrayList<>();
    entries.add(entry("Clipper", new ClipperPolicy(MAX_SIZE, handler.objective)));
    entries.add(entry("BentoML", new BentoPolicy(MAX_SIZE, handler.objective)));
    entries.add(entry("TensorFlow", new TensorFlowPolicy(MAX_SIZE, 1)));
    entries.add(bestFixed());
    return entries;
  }

  /**
   * The best of the policies with a fixed size and delay for this very trace and these durations,
   * chosen after the fact.
   */
  private Entry bestFixed() {
    Fixed best = bestFixed(0);
    Entry entry = entry(best.toString(), best.policy());
    if (Math.abs(entry.share() - best.replayed(simulations(0))) > LITTLE) {
      throw new IllegalStateException("a replay of " + best + " differs in " + this);
    }
    return entry;
  }

  /** The share, with these durations, of the pair that is the best for this trace with others. */
  double blindlyFixedShare() {
    return bestFixed(draws).replayed(simulations(0));
  }

  private Fixed bestFixed(int firstDraw) {
    List<Simulation> simulations = simulations(firstDraw);
    Fixed best = new Fixed(1, Duration.ZERO);
    double most = best.replayed(simulations);
    for (Fixed fixed : grid()) {
      double share = fixed.replayed(simulations);
      if (share > most) {
        most = share;
        best = fixed;
      }
    }
    return best;
  }

  /** All pairs but that of single items. */
  List<Fixed> grid() {
    List<Fixed> grid = new ArrayList<>();
    for (int size : GRID_SIZES) {
      for (double share : GRID_DELAYS) {
        long delayNanos = (long) (share * handler.objective.toNanos());
        grid.add(new Fixed(size, Duration.ofNanos(delayNanos)));
      }
    }
    return grid;
  }

  /** A size and a delay that stay. */
  record Fixed(int size, Duration delay) {
    BatchPolicy policy() {
      return BatchPolicy.fixed(size, delay);
    }

    double replayed(List<Simulation> simulations) {
      BatchPolicy policy = policy();
      return simulations.stream()
          .mapToDouble(each -> new PolicyReplay(each, policy).share())
          .average()
          .orElse(0);
    }
  }
}
