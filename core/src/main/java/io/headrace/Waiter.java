package io.headrace;

import java.util.ArrayDeque;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Somebody who waits for a permit: a thread that is parked, or a future. */
final class Waiter {
  /*
   * All but isGranted and hasEnded is guarded by the lock of the gate, until the gate has let the waiter go. Then after
   * links those who were granted a permit in one go, and belongs to the thread that tells them.
   *
   * Whoever tells futures runs the continuations of their callers, which may close permits and so have more waiters
   * to be told. Those are told by the first call on this thread, in a loop, for a long queue of
   * short tasks would otherwise nest as deeply as it is long.
   */

  /** Who has to be told by a call further up on this thread. */
  private static final ThreadLocal<@Nullable ArrayDeque<Waiter>> TELLING = new ThreadLocal<>();

  private final @Nullable Thread thread;
  private final @Nullable PermitFuture future;

  @Nullable Waiter before;
  @Nullable Waiter after;
  boolean isQueued;
  TimeSource.@Nullable Alarm timeout;

  /** False if it ended without a permit. Written before {@link #hasEnded}. */
  private boolean isGranted;

  private volatile boolean hasEnded;

  /** The calling thread, which goes on to {@link #await}. */
  Waiter() {
    thread = Thread.currentThread();
    future = null;
  }

  Waiter(PermitFuture future) {
    thread = null;
    this.future = future;
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

  /** Tells a chain of waiters, linked by after, that their wait is over. */
  static void tell(@Nullable Waiter first) {
    @Nullable Waiter waiter = first;
    while (waiter != null) {
      Waiter next = waiter.after;
      waiter.after = null;
      if (waiter.future == null) {
        LockSupport.unpark(waiter.thread);
      } else {
        tellFuture(waiter);
      }
      waiter = next;
    }
  }

  /** The same on a thread that must not run continuations. */
  static void tellFromAlarm(@Nullable Waiter first, TimeSource time) {
    @Nullable Waiter waiter = first;
    while (waiter != null && waiter.future == null) {
      Waiter next = waiter.after;
      waiter.after = null;
      LockSupport.unpark(waiter.thread);
      waiter = next;
    }
    if (waiter != null) {
      Waiter rest = waiter;
      time.execute(() -> tell(rest));
    }
  }

  private static void tellFuture(Waiter waiter) {
    ArrayDeque<Waiter> telling = TELLING.get();
    if (telling != null) {
      telling.add(waiter);
      return;
    }
    telling = new ArrayDeque<>();
    TELLING.set(telling);
    try {
      Waiter next = waiter;
      while (next != null) {
        next.completeFuture();
        next = telling.poll();
      }
    } finally {
      TELLING.remove();
    }
  }

  /** The wait is over: the future completes. */
  private void completeFuture() {
    if (future != null) {
      future.end(isGranted);
    }
  }
}
