package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;
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
 * From the call to its result, for a function that does nothing and ends when the callers are
 * there. An operation is one call.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CoalescerBenchmark {
  /** Calls of a burst. */
  static final int BURST = 64;

  /** Virtual threads that wait. */
  static final int CALLERS = 1000;

  /** Calls of each in one invocation, so that starting the threads counts for little. */
  static final int CALLS = 100;

  /** Who coalesces; one instance for all threads. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH calls setUp first
  public static class Coalescing {
    /** The contender. */
    @Param public CoalescerContender contender;

    final CoalescerFunction function = new CoalescerFunction();
    CoalescerCalls started;

    /** Starts the contender. */
    @Setup(Level.Trial)
    public void setUp() {
      started = contender.start(function);
    }

    /** Ends what another thread has begun last. */
    @TearDown(Level.Iteration)
    public void tearDown() {
      function.endAll();
    }
  }

  /** The keys of a thread. */
  @State(Scope.Thread)
  public static class Keys {
    final Integer[] own = new Integer[BURST];

    @SuppressWarnings({"unchecked", "rawtypes"})
    final CompletableFuture<Integer>[] futures = new CompletableFuture[BURST];

    /** Makes them. */
    @Setup(Level.Trial)
    public void setUp(ThreadParams thread) {
      for (int i = 0; i < BURST; i++) {
        own[i] = 1_000_000 * (1 + thread.getThreadIndex()) + i;
      }
    }
  }

  private static final Integer SAME = 1_000;

  private static void burst(Coalescing coalescing, Keys keys, boolean isSame) throws Exception {
    for (int i = 0; i < BURST; i++) {
      keys.futures[i] = coalescing.started.submit(isSame ? SAME : keys.own[i]);
    }
    coalescing.function.endAll();
    for (int i = BURST - 1; i >= 0; i--) {
      CompletableFuture<Integer> future = keys.futures[i];
      while (!future.isDone()) {
        coalescing.function.endAll(); // the other thread may have begun it since
      }
      Results.check(isSame ? SAME : keys.own[i], future.join());
    }
  }

  /** One thread, bursts of calls of one key. */
  @Benchmark
  @Threads(1)
  @OperationsPerInvocation(BURST)
  public void sameKeyOneThread(Coalescing coalescing, Keys keys) throws Exception {
    burst(coalescing, keys, true);
  }

  /** Two threads, bursts of calls of one key. */
  @Benchmark
  @Threads(2)
  @OperationsPerInvocation(BURST)
  public void sameKey(Coalescing coalescing, Keys keys) throws Exception {
    burst(coalescing, keys, true);
  }

  /** Two threads, bursts of calls of keys that are all different. */
  @Benchmark
  @Threads(2)
  @OperationsPerInvocation(BURST)
  public void distinctKeys(Coalescing coalescing, Keys keys) throws Exception {
    burst(coalescing, keys, false);
  }

  /** 1,000 virtual threads that call one key and wait. */
  @Benchmark
  @Threads(1)
  @OperationsPerInvocation(CALLERS * CALLS)
  public void thousandCallers(Coalescing coalescing) throws Exception {
    CoalescerCallers.run(coalescing.started, coalescing.function, CALLERS, CALLS);
  }
}
