package io.headrace.testkit;

import static java.util.Objects.requireNonNull;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.CallOptions;
import io.headrace.QueueFullException;
import io.headrace.RejectedException;
import io.headrace.Workers;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * What a batch policy makes of some arrivals: a {@link Batcher} in {@link VirtualTime}, with a
 * handler that takes as long as a cost says. Hours pass in seconds, and the same arguments give the
 * same result. Each item is a call whose timeout is the objective.
 *
 * {@snippet class="io.headrace.testkit.SnippetsTest" region="simulation"}
 *
 * @param trace when items arrive
 * @param cost how long a batch takes
 * @param workers how many batches run at once, at least 1
 * @param objective within which time an item is to be answered, above zero
 * @param seed the seed of the random numbers that the cost is given
 */
public record Simulation(
    ArrivalTrace trace, Cost cost, int workers, Duration objective, long seed) {
  /** How long a handler takes for a batch. */
  @FunctionalInterface
  public interface Cost {
    /**
     * How long one batch takes.
     *
     * @param size how many items it has
     * @param random for costs that vary
     * @return nanoseconds, at least 1
     */
    long nanos(int size, Random random);
  }

  /**
   * Checks what it is given.
   *
   * @throws IllegalArgumentException if the workers are below 1 or the objective is not above zero
   */
  public Simulation {
    requireNonNull(trace, "trace");
    requireNonNull(cost, "cost");
    if (workers < 1) {
      throw new IllegalArgumentException("workers is " + workers + ", it has to be at least 1");
    }
    if (!requireNonNull(objective, "objective").isPositive()) {
      throw new IllegalArgumentException("objective is " + objective + ", it has to be above zero");
    }
  }

  /**
   * Lets a policy deal with the trace. Runs on the calling thread.
   *
   * @param policy the policy
   * @return what became of the items
   */
  public Result run(BatchPolicy policy) {
    return new Run(this, policy).result();
  }

  /**
   * What became of the items.
   *
   * @param offered how many arrived
   * @param inTime how many were answered before the objective had passed
   * @param refused how many were refused when they arrived
   * @param dropped how many left the queue without being handled
   * @param late how many were handled in vain: not before that
   * @param batches how many batches were handled
   * @param p50Nanos the median of the time that those answered in time took
   * @param p99Nanos its 99th percentile
   * @param goodput how many were answered in time, in each second of the trace
   */
  public record Result(
      int offered,
      int inTime,
      int refused,
      int dropped,
      int late,
      int batches,
      long p50Nanos,
      long p99Nanos,
      double goodput) {
    /**
     * How many of those that arrived were answered within the objective.
     *
     * @return a share from 0 to 1; 1 if none arrived
     */
    public double share() {
      return offered == 0 ? 1 : (double) inTime / offered;
    }

    /**
     * How large batches were on average.
     *
     * @return items per batch, 0 if there was none
     */
    public double meanBatch() {
      return batches == 0 ? 0 : (double) (inTime + late) / batches;
    }
  }

  private static final class Run {
    private final Simulation simulation;
    private final VirtualTime time = new VirtualTime();
    private final long startNanos = time.nanoTime();
    private final Random random;
    private final CallOptions options;
    private final Batcher<Integer, Integer> batcher;
    private final long[] tookNanos;
    private int inTime;
    private int refused;
    private int handled;
    private int batches;

    Run(Simulation simulation, BatchPolicy policy) {
      this.simulation = simulation;
      random = new Random(simulation.seed);
      options = CallOptions.timeout(simulation.objective);
      tookNanos = new long[simulation.trace.size()];
      batcher =
          Batcher.<Integer, Integer>asyncBuilder(this::handle)
              .batch(policy)
              .workers(Workers.executor(Runnable::run, simulation.workers))
              .timeSource(time)
              .build();
    }

    private CompletableFuture<List<Integer>> handle(List<Integer> items) {
      batches++;
      handled += items.size();
      long nanos = simulation.cost.nanos(items.size(), random);
      return time.after(items, Duration.ofNanos(Math.max(1, nanos)));
    }

    private void arrive(int index) {
      if (index == simulation.trace.size()) {
        return;
      }
      long dueNanos = startNanos + simulation.trace.atNanos(index);
      time.schedule(dueNanos - time.nanoTime(), () -> submit(index));
    }

    private void submit(int index) {
      long nowNanos = time.nanoTime();
      var _ =
          batcher
              .submit(index, options)
              .whenComplete((result, failure) -> ended(time.nanoTime() - nowNanos, failure));
      arrive(index + 1);
    }

    private void ended(long nanos, @Nullable Throwable failure) {
      Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
      if (cause == null) {
        if (nanos < simulation.objective.toNanos()) { // or its alarm rings in the same moment
          tookNanos[inTime++] = nanos;
        }
      } else if (cause instanceof RejectedException || cause instanceof QueueFullException) {
        refused++;
      }
    }

    Result result() {
      arrive(0);
      boolean more = true;
      while (more) {
        more = time.advanceToNext();
      }
      batcher.close();
      Arrays.sort(tookNanos, 0, inTime);
      int offered = simulation.trace.size();
      double seconds = simulation.trace.length().toNanos() / 1e9;
      return new Result(
          offered,
          inTime,
          refused,
          offered - refused - handled,
          handled - inTime,
          batches,
          percentile(0.5),
          percentile(0.99),
          inTime / seconds);
    }

    private long percentile(double share) {
      return inTime == 0 ? 0 : tookNanos[Math.min(inTime - 1, (int) (share * inTime))];
    }
  }
}
