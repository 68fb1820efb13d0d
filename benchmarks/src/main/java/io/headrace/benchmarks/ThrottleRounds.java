package io.headrace.benchmarks;

import io.headrace.Permit;
import io.headrace.Throttle;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Waiters that come while the only slot is taken, and then have their turn one by one. */
final class ThrottleRounds implements Scaling.Rounds {
  private static final long SECOND_NANOS = 1_000_000_000;

  private final Throttle throttle = Throttle.atMost(1);
  private final CompletableFuture<Permit>[] waiters;
  private final Kind kind;

  /** How they wait. */
  enum Kind {
    /** With futures. */
    FUTURES,
    /** With futures and a timeout. */
    TIMEOUTS,
    /** With futures, and all give up, the last one first. */
    GIVE_UP,
    /** On virtual threads. */
    VIRTUAL_THREADS
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // an array of a generic type
  ThrottleRounds(int n, Kind kind) {
    waiters = new CompletableFuture[n];
    this.kind = kind;
  }

  /** Waiters for the permits of a rate, in a time of their own. */
  static Scaling.Rounds ofRate(int n) {
    ManualTime time = new ManualTime();
    Throttle throttle = Throttle.builder().perSecond(1).timeSource(time).build();
    CompletableFuture<?>[] waiters = new CompletableFuture<?>[n];
    return () -> {
      for (int i = 0; i < n; i++) {
        waiters[i] = throttle.acquireAsync();
      }
      for (CompletableFuture<?> waiter : waiters) {
        while (!waiter.isDone()) {
          time.advance(SECOND_NANOS);
        }
      }
    };
  }

  @Override
  public void round() throws InterruptedException {
    Permit taken = throttle.acquire();
    if (kind == Kind.VIRTUAL_THREADS) {
      threads(taken);
      return;
    }
    for (int i = 0; i < waiters.length; i++) {
      waiters[i] =
          kind == Kind.TIMEOUTS
              ? throttle.acquireAsync(Duration.ofHours(1))
              : throttle.acquireAsync();
    }
    if (kind == Kind.GIVE_UP) {
      for (int i = waiters.length - 1; i >= 0; i--) {
        var _ = waiters[i].cancel(false);
      }
    }
    taken.close();
    if (kind != Kind.GIVE_UP) {
      for (CompletableFuture<Permit> waiter : waiters) {
        waiter.join().close();
      }
    }
    check(throttle.waiting() == 0 && throttle.running() == 0);
  }

  private void threads(Permit taken) {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < waiters.length; i++) {
        threads.execute(this::waitForTurn);
      }
      while (throttle.waiting() < waiters.length) {
        Thread.onSpinWait();
      }
      taken.close();
    }
    check(throttle.waiting() == 0 && throttle.running() == 0);
  }

  private void waitForTurn() {
    try (Permit permit = throttle.acquire()) {
      check(permit != null);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void check(boolean isRight) {
    if (!isRight) {
      throw new IllegalStateException("not everybody had a turn: " + throttle);
    }
  }
}
