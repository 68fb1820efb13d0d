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
import org.openjdk.jmh.infra.ThreadParams;

/**
 * From {@code submit} to the completion of every item, through batches of at most 32 for a function
 * that does nothing. An operation is one item.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class BatcherBenchmark {
  /** Items of a burst: what a producer has in flight at most. */
  static final int BURST = 2048;

  /** Virtual threads that wait. */
  static final int CALLERS = 1000;

  /** Calls of each in one invocation, so that starting the threads counts for little. */
  static final int CALLS = 100;

  private static final Integer LONE_ITEM = 1_000;

  /** Who batches; one instance for all threads. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH calls setUp first
  public static class Batching {
    /** The contender. */
    @Param public BatcherContender contender;

    Contender started;

    /** Starts the contender. */
    @Setup(Level.Trial)
    public void setUp() {
      started = contender.start(BatchFunction.NO_OP);
    }

    /** Ends it. */
    @TearDown(Level.Trial)
    public void tearDown() {
      started.close();
    }
  }

  /** What a producer submits. */
  @State(Scope.Thread)
  @SuppressWarnings("NullAway.Init") // JMH calls setUp first
  public static class Producer {
    Bursts bursts;

    /** Makes the items. */
    @Setup(Level.Trial)
    public void setUp(ThreadParams thread) {
      bursts = new Bursts(1_000_000 * (1 + thread.getThreadIndex()), BURST);
    }
  }

  /** One thread that submits bursts and waits for each. */
  @Benchmark
  @Threads(1)
  @OperationsPerInvocation(BURST)
  public void oneProducer(Batching batching, Producer producer) throws Exception {
    producer.bursts.run(batching.started);
  }

  /** Two threads that submit bursts to the same contender; each waits for its own. */
  @Benchmark
  @Threads(2)
  @OperationsPerInvocation(BURST)
  public void twoProducers(Batching batching, Producer producer) throws Exception {
    producer.bursts.run(batching.started);
  }

  /** 1,000 virtual threads that each submit an item and wait for its result. */
  @Benchmark
  @Threads(1)
  @OperationsPerInvocation(CALLERS * CALLS)
  public void thousandCallers(Batching batching) throws Exception {
    Callers.run(batching.started, CALLERS, CALLS);
  }

  /**
   * One thread that submits an item and waits for its result before it submits the next one: what
   * batching adds to the latency of an item that is alone. The delay is 1 ms where there is one.
   */
  @Benchmark
  @BenchmarkMode(Mode.SampleTime)
  @Threads(1)
  public void loneItem(Batching batching) throws Exception {
    Results.check(LONE_ITEM, batching.started.call(LONE_ITEM));
  }
}
