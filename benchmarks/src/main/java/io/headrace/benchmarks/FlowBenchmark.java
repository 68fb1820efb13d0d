package io.headrace.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Steps that do nothing, from {@code submit} to the completion of every item's future. An operation
 * is one item.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Threads(1)
public class FlowBenchmark {
  /** Items in flight. */
  static final int BURST = 1024;

  /** Virtual threads that wait. */
  static final int CALLERS = 1000;

  /** Calls of each in one invocation, so that starting the threads counts for little. */
  static final int CALLS = 100;

  /** The flow and what is submitted to it. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH calls setUp first
  public static class Steps {
    /** The contender. */
    @Param public FlowContender contender;

    /** How many steps. */
    @Param({"1", "3"})
    public int steps;

    Contender started;
    Bursts bursts;

    /** Starts the contender. */
    @Setup(Level.Trial)
    public void setUp() {
      started = contender.start(BatchFunction.NO_OP, steps);
      bursts = new Bursts(1_000_000, BURST);
    }

    /** Ends it. */
    @TearDown(Level.Trial)
    public void tearDown() {
      started.close();
    }
  }

  /** One thread that submits 1,024 items and waits for them. */
  @Benchmark
  @OperationsPerInvocation(BURST)
  public void oneProducer(Steps steps) throws Exception {
    steps.bursts.run(steps.started);
  }

  /** 1,000 virtual threads that each submit an item and wait for its result. */
  @Benchmark
  @OperationsPerInvocation(CALLERS * CALLS)
  public void thousandCallers(Steps steps) throws Exception {
    Callers.run(steps.started, CALLERS, CALLS);
  }
}
