package io.headrace.benchmarks;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
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
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/** What a permit costs, granted or denied. An operation is one permit. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ThrottleBenchmark {
  /** Virtual threads that compete for slots. */
  static final int CALLERS = 1000;

  /** Permits that each takes in one invocation. */
  static final int CALLS = 100;

  /** Limiters of a rate. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH calls setUp first
  public static class Rate {
    /** The contender. */
    @Param public ThrottleContender contender;

    ThrottleContender.Limiter generous;
    ThrottleContender.Limiter exhausted;

    /** One that never denies, and one that denies for longer than the benchmark lasts. */
    @Setup(Level.Trial)
    public void setUp() {
      generous = contender.limiter(1e9);
      exhausted = contender.limiter(0.000_1);
      while (exhausted.tryAcquire()) {
        Thread.onSpinWait();
      }
    }
  }

  /** Limiters of how many run at once. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH calls setUp first
  public static class Slots {
    /** The contender. */
    @Param public ThrottleContender.AtOnce contender;

    Runnable free;
    Runnable scarce;

    /** One with a slot for everybody, and one with a hundred. */
    @Setup(Level.Trial)
    public void setUp() {
      free = contender.task(CALLERS);
      scarce = contender.task(100);
    }
  }

  /** One thread, and a permit is always due. */
  @Benchmark
  @Threads(1)
  public boolean grantedToOne(Rate rate) {
    return rate.generous.tryAcquire();
  }

  /** Two threads, and a permit is always due. */
  @Benchmark
  @Threads(2)
  public boolean grantedToTwo(Rate rate) {
    return rate.generous.tryAcquire();
  }

  /** Two threads, and none is due. */
  @Benchmark
  @Threads(2)
  public boolean deniedToTwo(Rate rate) {
    return rate.exhausted.tryAcquire();
  }

  /** One thread, and a slot is always free. */
  @Benchmark
  @Threads(1)
  public void slotForOne(Slots slots) {
    slots.free.run();
  }

  /** Two threads, and a slot is always free. */
  @Benchmark
  @Threads(2)
  public void slotForTwo(Slots slots) {
    slots.free.run();
  }

  /** A thousand virtual threads for a hundred slots. */
  @Benchmark
  @Threads(1)
  @OperationsPerInvocation(CALLERS * CALLS)
  public void slotsForThousand(Slots slots) {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int caller = 0; caller < CALLERS; caller++) {
        threads.execute(
            () -> {
              for (int i = 0; i < CALLS; i++) {
                slots.scarce.run();
              }
            });
      }
    }
  }
}
