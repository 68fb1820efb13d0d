package io.headrace;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How many items some steps can do in a time, and so how many may be ahead of one that has to be
 * done in time. Thread safe.
 *
 * <p>By Little's law an item that finds n others before it leaves after n / x, if the slowest of
 * the steps does x items in a unit of time. That is measured for each step, in windows during which
 * it always had work for all its workers: what it did then is what it can do.
 */
final class Capacity {
  /*
   * Limits that watch the latency (TCP Vegas, the gradient of Netflix's concurrency-limits) take it
   * for a sign of congestion when it rises with the number of items in flight. Where items are
   * batched it rises because batches grow, and throughput with it. So this watches the throughput.
   * If n items in flight have the latency s(n), which grows with n, the limit n' = share * time * n
   * / s(n) grows while s(n) is below that share of the time and falls while it is above: it settles
   * where they are equal, whatever the curve.
   *
   * An item counts as done when a step has handled it, whatever its outcome: one that fails, or
   * that its caller cancels in its batch, has taken the same work. If only results counted, a
   * handler that fails for a while would look slow, and items would be refused that it has time
   * for. What leaves before it was handled does not count.
   *
   * Items of a lower priority do not delay those of a higher one, except by the batch that runs. So
   * an item counts only those of its own priority and higher, and of the rate only what the items
   * leave it that are going to overtake it, of higher priorities: lower ones are refused first.
   *
   * If an item has the time of a few batches only, how many are ahead of it says little of when it
   * is done: that depends on when the batch began that runs. An adaptive policy knows, and refuses
   * itself what is late.
   *
   * As long as little is known the windows are short: what is let in before the first has ended may
   * be much more than can be done in time, and has to be worked off. All workers may be busy for so
   * short a time with next to nothing, in small batches; so windows count then only if each batch
   * has left something waiting.
   */

  /** What share of its time an item may be expected to need; the rest is for what varies. */
  private static final double SHARE = 0.75;

  /** What was seen in more windows than this counts as if it had been as many. */
  private static final int MEMORY = 2;

  /** How many short windows one of the usual length is worth. */
  private static final int SHORT = 8;

  /** So many batches for each worker are few. */
  private static final int FEW = 2;

  private static final long SHORTEST_WINDOW_NANOS = 1_000_000;
  private static final long LONGEST_WINDOW_NANOS = 1_000_000_000;

  /**
   * What a step can do.
   *
   * @param rate items per nanosecond
   * @param fewItems its policy refuses itself what misses its deadline, and knows better than a
   *     limit below this; 0 if it refuses nothing
   */
  private record Limit(double rate, double fewItems) {}

  /** What is known at a moment. */
  private static final class Known {
    /** Of the steps of which something is known, the slowest first. */
    private final List<Limit> limits;

    /** How many items per nanosecond come that overtake those of each priority. */
    private final double[] overtaking;

    Known(List<Limit> limits, double[] overtaking) {
      this.limits = limits;
      this.overtaking = overtaking;
    }

    boolean hasTime(int priority, boolean hasDeadline, long timeNanos, long ahead) {
      for (int i = 0; i < limits.size(); i++) {
        Limit step = limits.get(i);
        double limit = Math.max(1, (step.rate - overtaking[priority]) * timeNanos * SHARE);
        if (!hasDeadline || limit >= step.fewItems) {
          return ahead < limit;
        } // else its policy decides, and the next step counts
      }
      return true;
    }
  }

  private final TimeSource time;
  private final long windowNanos;
  private final long shortWindowNanos;

  private final AtomicBoolean isMeasuring = new AtomicBoolean();
  private volatile long windowEndNanos;
  private volatile Known known;

  /** How many items of each priority were let in since the last window began. */
  private final AtomicLongArray entered;

  // Of who measures.

  private final List<Throughput> throughputs = new ArrayList<>(1);
  private long windowStartNanos;

  /** Items of each priority per nanosecond that were let in. */
  private final double[] arrivalRates;

  /** How long they were counted, up to the memory. */
  private long countedNanos;

  Capacity(Flow<?, ?> flow, long objectiveNanos) {
    time = flow.time;
    windowNanos = Math.clamp(objectiveNanos, SHORTEST_WINDOW_NANOS, LONGEST_WINDOW_NANOS);
    shortWindowNanos = Math.max(SHORTEST_WINDOW_NANOS, windowNanos / SHORT);
    entered = new AtomicLongArray(flow.priorities());
    arrivalRates = new double[flow.priorities()];
    known = new Known(List.of(), arrivalRates);
    windowStartNanos = time.nanoTime();
    windowEndNanos = windowStartNanos + shortWindowNanos;
  }

  /** Adds a step that each item goes through; before there are items. */
  void add(Station station) {
    throughputs.add(new Throughput(station));
  }

  /**
   * Whether one more item is going to be done in time; it is taken to be let in then.
   *
   * @param hasDeadline whether policies know how much time it has
   * @param timeNanos how much it has
   * @param ahead how many items of its priority and higher are before it
   */
  boolean hasTime(int priority, boolean hasDeadline, long timeNanos, long ahead, long nowNanos) {
    measure(nowNanos);
    if (!known.hasTime(priority, hasDeadline, timeNanos, ahead)) {
      return false;
    }
    entered.getAndIncrement(priority);
    return true;
  }

  private void measure(long nowNanos) {
    if (nowNanos - windowEndNanos < 0 || !isMeasuring.compareAndSet(false, true)) {
      return;
    }
    try {
      if (nowNanos - windowEndNanos < 0) {
        return; // another thread has measured since
      }
      long elapsedNanos = nowNanos - windowStartNanos;
      windowStartNanos = nowNanos;
      List<Limit> limits = new ArrayList<>(throughputs.size());
      Throughput slowest = null;
      for (Throughput step : throughputs) {
        step.measure(elapsedNanos);
        if (step.isKnown()) {
          limits.add(step.limit());
          slowest = slowest == null || step.rate < slowest.rate ? step : slowest;
        }
      }
      if (limits.size() > 1) {
        limits.sort(Comparator.comparingDouble(Limit::rate));
      }
      known = new Known(limits, overtaking(elapsedNanos));
      boolean isSure = slowest != null && slowest.isSure();
      windowEndNanos = nowNanos + (isSure ? windowNanos : shortWindowNanos);
    } finally {
      isMeasuring.set(false);
    }
  }

  private double[] overtaking(long elapsedNanos) {
    double[] overtaking = new double[arrivalRates.length];
    double gain = gain(elapsedNanos, countedNanos);
    countedNanos = remembered(countedNanos + elapsedNanos);
    double higher = 0;
    for (int p = overtaking.length - 1; p >= 0; p--) {
      overtaking[p] = higher;
      double arrivals = (double) entered.getAndSet(p, 0) / elapsedNanos;
      arrivalRates[p] += gain * (arrivals - arrivalRates[p]);
      higher += arrivalRates[p];
    }
    return overtaking;
  }

  /** The weight of a window among what was seen before. */
  private static double gain(long elapsedNanos, long beforeNanos) {
    return elapsedNanos / ((double) elapsedNanos + beforeNanos);
  }

  private long remembered(long nanos) {
    return Math.min(nanos, MEMORY * windowNanos);
  }

  /** What one step can do. Of who measures. */
  private final class Throughput {
    private final Station station;

    /** Items per nanosecond; 0 if nothing is known. */
    private double rate;

    /** How many items a batch has. */
    private double batchSize;

    /** How long the step was busy, up to the memory. */
    private long busyNanos;

    private long endedBefore;
    private long begunBefore;
    private long batchesBefore;

    Throughput(Station station) {
      this.station = station;
    }

    void measure(long elapsedNanos) {
      long ended = station.itemsEnded();
      long begun = station.itemsBegun();
      long batches = station.batchesBegun();
      double seen = (double) (ended - endedBefore) / elapsedNanos;
      boolean wasSaturated = station.wasSaturated();
      boolean hadBacklog = station.hadBacklog();
      boolean isTelling = wasSaturated && (hadBacklog || isSure());
      if (isTelling || (isKnown() && seen > rate)) {
        double gain = gain(elapsedNanos, busyNanos);
        busyNanos = remembered(busyNanos + elapsedNanos);
        rate += gain * (seen - rate);
        if (batches > batchesBefore) {
          double seenSize = (double) (begun - begunBefore) / (batches - batchesBefore);
          batchSize += gain * (seenSize - batchSize);
        }
      }
      endedBefore = ended;
      begunBefore = begun;
      batchesBefore = batches;
    }

    boolean isKnown() {
      return rate > 0;
    }

    /** Whether it was busy for some time. */
    boolean isSure() {
      return busyNanos >= windowNanos;
    }

    Limit limit() {
      boolean refusesLate = station.refusesLate();
      return new Limit(rate, refusesLate ? FEW * station.workers() * batchSize : 0);
    }
  }
}
