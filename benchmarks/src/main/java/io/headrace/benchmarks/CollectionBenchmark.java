package io.headrace.benchmarks;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A million tasks that do nothing, 100 at once. An operation is one task; run it with {@code -prof
 * gc} for the bytes allocated per task.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // JMH sets the parameter first
public class CollectionBenchmark {
  /** How many tasks. */
  static final int TASKS = 1_000_000;

  /** The way to execute them. */
  @Param public CollectionContender contender;

  private final List<Integer> inputs = IntStream.range(0, TASKS).boxed().toList();

  /** All of them. */
  @Benchmark
  @OperationsPerInvocation(TASKS)
  public long tasks() throws Exception {
    return contender.run(inputs);
  }
}
