package io.headrace;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/** The calls that wait for one execution. Lock-free, except for the rare sweep. */
@SuppressWarnings("ReferenceEquality") // a call equals only itself
abstract class SharedCalls {
  /*
   * A stack (Treiber, "Systems Programming: Coping with Parallelism", 1986) that is only taken as a
   * whole, so there is no ABA. It is linked through the calls themselves: joining is one compare-and-set
   * and makes no node. The end exchanges it for SEALED, after which nothing is linked.
   *
   * A call that is given up stays linked. When as many have left as were alive after the last sweep, and
   * at least SWEEP_AT_LEAST, one of them sweeps: it takes the stack and links again those that are alive.
   * If the stack is sealed meanwhile, whoever sweeps has to deliver the outcome to them.
   */

  /** How many calls leave at least before there is a sweep. */
  static final int SWEEP_AT_LEAST = 32;

  private static final CoalescedCall SEALED = new CoalescedCall();

  private static final VarHandle HEAD;
  private static final VarHandle DEAD;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      HEAD = lookup.findVarHandle(SharedCalls.class, "head", CoalescedCall.class);
      DEAD = lookup.findVarHandle(SharedCalls.class, "dead", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private volatile @Nullable CoalescedCall head;

  /** How many calls have left since the last sweep. */
  private volatile int dead;

  /** How many calls were alive after the last sweep. */
  private volatile int aliveThen;

  /** How many calls sweeps have taken out for good; written under the monitor. */
  private volatile int swept;

  /** Makes this the list of one call; before any other thread can see it. */
  final void begin(CoalescedCall call) {
    call.next = null;
    HEAD.set(this, call); // plain: published by the map
  }

  /** Links calls that are linked to each other. Returns false if the list is sealed. */
  final boolean link(CoalescedCall first, CoalescedCall last) {
    while (true) {
      CoalescedCall before = head;
      if (before == SEALED) {
        return false;
      }
      last.next = before;
      if (HEAD.compareAndSet(this, before, first)) {
        return true;
      }
    }
  }

  /** Whether it takes no calls any more. */
  final boolean isSealed() {
    return head == SEALED;
  }

  /** Waits for the seal of an execution that has ended, or that nobody waits for any more. */
  @SuppressWarnings("ThreadPriorityCheck") // who seals it may be a virtual thread without a carrier
  final void awaitSeal() {
    while (!isSealed()) {
      Thread.yield();
    }
  }

  /** Takes all calls, last come first, and no more from now on. */
  final @Nullable CoalescedCall seal() {
    return (CoalescedCall) HEAD.getAndSet(this, SEALED);
  }

  /**
   * Counts a call that has been given up.
   *
   * @return calls that are still to be told the outcome, because the list was sealed during a sweep
   */
  final @Nullable CoalescedCall oneLeft() {
    boolean isSweepDue = (int) DEAD.getAndAdd(this, 1) + 1 == Math.max(SWEEP_AT_LEAST, aliveThen);
    return isSweepDue ? sweep() : null;
  }

  private synchronized @Nullable CoalescedCall sweep() {
    CoalescedCall call;
    do {
      call = head;
      if (call == SEALED) {
        return null;
      }
    } while (!HEAD.compareAndSet(this, call, null));
    CoalescedCall alive = null;
    CoalescedCall last = null;
    int aliveCount = 0;
    int count = 0;
    while (call != null) {
      CoalescedCall next = call.next;
      call.next = null;
      count++;
      if (!call.isDone()) {
        aliveCount++;
        if (last == null) {
          alive = call;
        } else {
          last.next = call;
        }
        last = call;
      }
      call = next;
    }
    boolean isLinked = alive == null || last == null || link(alive, last);
    swept += isLinked ? count - aliveCount : count;
    aliveThen = aliveCount;
    dead = 0;
    return isLinked ? null : alive;
  }

  /**
   * How many calls there were in all. A sweep that took the stack before it was sealed is waited
   * for: it has begun if dead is not 0, and has written swept otherwise.
   *
   * @param taken what {@link #seal} returned
   */
  final int count(@Nullable CoalescedCall taken) {
    int count = 0;
    for (CoalescedCall call = taken; call != null; call = call.next) {
      count++;
    }
    if (dead != 0 || swept != 0) {
      synchronized (this) {
        count += swept;
      }
    }
    return count;
  }

  /** How many calls are linked, those that were given up included; for tests. */
  final int linked() {
    int count = 0;
    for (CoalescedCall call = head; call != null && call != SEALED; call = call.next) {
      count++;
    }
    return count;
  }

  /** Turns calls that were taken round. */
  static @Nullable CoalescedCall firstComeFirst(@Nullable CoalescedCall taken) {
    CoalescedCall reversed = null;
    CoalescedCall call = taken;
    while (call != null) {
      CoalescedCall next = call.next;
      call.next = reversed;
      reversed = call;
      call = next;
    }
    return reversed;
  }
}
