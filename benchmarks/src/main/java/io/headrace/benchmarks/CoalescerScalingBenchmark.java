package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What a call costs while more and more keys are in flight: it begins, and ends at once. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // JMH calls setUp first
public class CoalescerScalingBenchmark {
  /** The contender. */
  @Param({"HEADRACE", "CAFFEINE", "MAP"})
  public CoalescerContender contender;

  /** How many keys are in flight all the time. */
  @Param({"1", "100", "10000", "100000"})
  public int keys;

  private CoalescerCalls coalescing;
  private Integer next;

  /** Puts the keys in flight; those below zero end at once. */
  @Setup(Level.Trial)
  public void setUp() {
    coalescing =
        contender.start(
            key -> key < 0 ? CompletableFuture.completedFuture(key) : new CompletableFuture<>());
    for (int i = 0; i < keys; i++) {
      if (coalescing.submit(i).isDone()) {
        throw new IllegalStateException("key " + i + " is done");
      }
    }
    if (coalescing.keys() != keys) {
      throw new IllegalStateException(coalescing.keys() + " keys, not " + keys);
    }
    next = -1;
  }

  /** A call of one more key, to its result. */
  @Benchmark
  public Integer beginAndEnd() {
    Integer key = next;
    next = key == -1_000_000 ? -1 : key - 1;
    Integer result = coalescing.submit(key).join();
    Results.check(key, result);
    return result;
  }
}
