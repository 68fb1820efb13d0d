package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.LearningPolicy;
import io.headrace.QueueState;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** What a decision of the adaptive policy costs, and what it costs to tell it of a batch. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PolicyBenchmark {
  private static final int SIZES = 256;
  private static final long NANOS_OF_BATCH = 1_000_000;
  private static final long NANOS_PER_ITEM = 10_000;
  private static final Duration OBJECTIVE = Duration.ofMillis(100);

  private final LearningPolicy policy =
      ((LearningPolicy) BatchPolicy.adaptive(OBJECTIVE)).forQueue();

  private final Queue queue = new Queue();
  private int size;
  private int decisions;

  /** It has learned. */
  @Setup
  public void learn() {
    for (int i = 0; i < 100 * SIZES; i++) {
      tell();
    }
  }

  /** The engine asks what to drop, and then what to send. */
  @Benchmark
  public BatchPolicy.Decision decide() {
    queue.now += NANOS_PER_ITEM;
    queue.arrived += 10;
    decisions = decisions % SIZES + 1;
    queue.waiting = decisions;
    queue.drop(policy.dropBeforeNanos(queue));
    return policy.decide(queue);
  }

  /**
   * The same with items that cannot all be in time: a batch of one is, and one of most of the
   * others would be late. It looks at what each size would do.
   */
  @Benchmark
  public BatchPolicy.Decision decideUnderPressure() {
    queue.firstSlackNanos = 2 * NANOS_OF_BATCH;
    return decide();
  }

  /** A batch was handled. */
  @Benchmark
  public void tell() {
    size = size % SIZES + 1;
    policy.handled(size, NANOS_OF_BATCH + NANOS_PER_ITEM * size);
  }

  /** An item arrives. */
  @Benchmark
  public long expected() {
    return policy.expectedNanos(queue.waiting, queue.now);
  }

  private static final class Queue implements QueueState {
    private static final long APART_NANOS = NANOS_PER_ITEM;

    private long firstSlackNanos = OBJECTIVE.toNanos();
    private int waiting = 1;
    private long now;
    private long arrived;

    /** Those that are late leave, all but the last. */
    void drop(long beforeNanos) {
      long late = (beforeNanos - now - firstSlackNanos) / APART_NANOS + 1;
      waiting -= (int) Math.clamp(late, 0L, waiting - 1L);
    }

    @Override
    public int waiting() {
      return waiting;
    }

    @Override
    public long oldestArrivalNanos() {
      return now - NANOS_PER_ITEM;
    }

    @Override
    public int deadlines(long[] into) {
      int n = Math.min(into.length, waiting);
      for (int i = 0; i < n; i++) {
        into[i] = now + firstSlackNanos + i * APART_NANOS;
      }
      return n;
    }

    @Override
    public long arrivals() {
      return arrived;
    }

    @Override
    public double meanWeight() {
      return 1;
    }

    @Override
    public int workers() {
      return 1;
    }

    @Override
    public int idleWorkers() {
      return 1;
    }

    @Override
    public long nowNanos() {
      return now;
    }
  }
}
