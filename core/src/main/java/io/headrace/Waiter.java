package io.headrace;

import java.util.ArrayDeque;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Somebody who waits for a permit: a thread that is parked, or a future. */
final class Waiter {
  /*
   * All but isGranted and hasEnded is guarded by the lock of the gate, until the gate has let the
   * waiter go. Then after links those who were granted a permit in one go, and belongs to the
   * thread that tells them.
   *
   * Whoever tells futures runs the continuations of their callers, which may close permits and so
   * have more waiters to be told. Those are told by the first call on this thread, in a loop, for a
   * long queue of short tasks would otherwise nest as deeply as it is long.
   *
   * Threads are told before futures: to wake one takes no time, and what a continuation takes
   * nobody knows. Futures are told on the thread that closes a permit, or that completes the result
   * of a throttled call. All others, who ask for a permit or run tasks, have something to do or to
   * wait for that must not depend on strangers.
   */

  /** Who has to be told by a call further up on this thread. */
  private static final ThreadLocal<@Nullable ArrayDeque<Waiter>> TELLING = new ThreadLocal<>();

  private final @Nullable Thread thread;
  private final @Nullable PermitFuture future;

  /** For how many its permit counts by the rate. */
  final int cost;

  @Nullable Waiter before;
  @Nullable Waiter after;
  boolean isQueued;
  TimeSource.@Nullable Alarm timeout;

  /** False if it ended without a permit. Written before {@link #hasEnded}. */
  private boolean isGranted;

  private volatile boolean hasEnded;

  /** The calling thread, which goes on to {@link #await}. */
  Waiter(int cost) {
    thread = Thread.currentThread();
    future = null;
    this.cost = cost;
  }

  Waiter(PermitFuture future, int cost) {
    thread = null;
    this.future = future;
    this.cost = cost;
  }

  /** The gate: the wait is over, with a permit or without. {@link #tell} follows. */
  void end(boolean isGranted) {
    this.isGranted = isGranted;
    hasEnded = true;
    if (timeout != null) {
      timeout.cancel();
    }
  }

  /** Whether it was granted a permit, up to now. */
  boolean isGranted() {
    return hasEnded && isGranted;
  }

  /**
   * Blocks until the wait is over, and gives up if the thread is interrupted before.
   *
   * @return whether it was granted a permit
   */
  boolean await(Gate gate) throws InterruptedException {
    while (!hasEnded) {
      LockSupport.park(gate);
      if (Thread.interrupted()) {
        if (gate.withdraw(this)) {
          throw new InterruptedException();
        }
        Thread.currentThread().interrupt();
        break;
      }
    }
    return isGranted();
  }

  /**
   * Tells a chain of waiters, linked by after, that their wait is over. Futures run continuations.
   */
  static void tell(@Nullable Waiter first) {
    Waiter future = wakeThreads(first);
    if (future == null) {
      return;
    }
    ArrayDeque<Waiter> telling = TELLING.get();
    if (telling != null) {
      addChain(telling, future);
      return;
    }
    telling = new ArrayDeque<>();
    addChain(telling, future);
    TELLING.set(telling);
    try {
      Waiter next;
      while ((next = telling.poll()) != null) {
        next.completeFuture();
      }
    } finally {
      TELLING.remove();
    }
  }

  /** The same on a thread that must not run continuations: they run on one of their own. */
  static void tellElsewhere(@Nullable Waiter first, TimeSource time) {
    Waiter futures = wakeThreads(first);
    if (futures == null) {
      return;
    }
    try {
      time.execute(() -> tell(futures));
    } catch (Throwable noThread) {
      tell(futures); // or their slots would be lost
    }
  }

  /** Tells the threads among a chain. Returns the others, as a chain. */
  private static @Nullable Waiter wakeThreads(@Nullable Waiter first) {
    Waiter firstFuture = null;
    Waiter lastFuture = null;
    Waiter waiter = first;
    while (waiter != null) {
      Waiter next = waiter.after;
      waiter.after = null;
      if (waiter.future == null) {
        LockSupport.unpark(waiter.thread);
      } else {
        if (lastFuture == null) {
          firstFuture = waiter;
        } else {
          lastFuture.after = waiter;
        }
        lastFuture = waiter;
      }
      waiter = next;
    }
    return firstFuture;
  }

  private static void addChain(ArrayDeque<Waiter> telling, Waiter first) {
    Waiter waiter = first;
    while (waiter != null) {
      Waiter next = waiter.after;
      waiter.after = null;
      telling.add(waiter);
      waiter = next;
    }
  }

  /** The wait is over: the future completes. */
  private void completeFuture() {
    if (future != null) {
      future.end(isGranted);
    }
  }
}
