package io.headrace;

import static java.lang.invoke.ConstantBootstraps.fieldVarHandle;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The results that wait for the one consumer of a run. Whoever adds one has room for it: the window
 * of the run sees to that.
 */
final class ResultRing {
  /*
   * Producers count the tail up and then set the slot that is theirs, so the ring never overflows
   * and neither loops nor fails. The consumer takes slots in order; an empty slot at the head means
   * that nothing is there or that its producer is between its two steps, and is waited for either
   * way.
   *
   * To sleep, the consumer names itself and looks once more before it parks; a producer sets its
   * slot and then looks for a consumer. Both are volatile, so at least one sees the other.
   */
  private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Object[].class);
  private static final VarHandle TAIL =
      fieldVarHandle(MethodHandles.lookup(), "tail", VarHandle.class, ResultRing.class, long.class);
  private static final VarHandle CONSUMER =
      fieldVarHandle(
          MethodHandles.lookup(), "consumer", VarHandle.class, ResultRing.class, Thread.class);

  private static final int SPINS = 1 << 8;

  private final @Nullable Object[] slots;
  private final int mask;

  @SuppressWarnings("UnusedVariable") // reached through TAIL
  private volatile long tail;

  private volatile @Nullable Thread consumer;

  private volatile boolean closed;

  /** Of the consumer. */
  private long head;

  /** A ring for this many results. */
  ResultRing(int capacity) {
    int slotCount = Integer.highestOneBit(Math.max(2, capacity) - 1) << 1;
    slots = new @Nullable Object[slotCount];
    mask = slotCount - 1;
  }

  /** Adds a result. Any thread. */
  void add(Object result) {
    long place = (long) TAIL.getAndAdd(this, 1L);
    SLOT.setVolatile(slots, (int) place & mask, result);
    wake();
  }

  /** There will be no more to wait for. Any thread. */
  void close() {
    closed = true;
    wake();
  }

  private void wake() {
    Thread waiting = consumer;
    if (waiting != null && CONSUMER.compareAndSet(this, waiting, null)) {
      LockSupport.unpark(waiting);
    }
  }

  /** Takes the next result, if it is there. The consumer. */
  @Nullable Object poll() {
    int slot = (int) head & mask;
    Object result = SLOT.getAcquire(slots, slot);
    if (result != null) {
      SLOT.setRelease(slots, slot, null);
      head++;
    }
    return result;
  }

  /** Takes the next result; waits until it is there. Null once there will be none. The consumer. */
  @Nullable Object take() throws InterruptedException {
    for (int i = 0; i < SPINS; i++) {
      Object result = poll();
      if (result != null) {
        return result;
      }
      Thread.onSpinWait();
    }
    return sleepFor();
  }

  private @Nullable Object sleepFor() throws InterruptedException {
    try {
      while (true) {
        consumer = Thread.currentThread();
        boolean last = closed;
        Object result = poll();
        if (result != null || last) {
          return result;
        }
        LockSupport.park(this);
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
      }
    } finally {
      consumer = null;
    }
  }
}
