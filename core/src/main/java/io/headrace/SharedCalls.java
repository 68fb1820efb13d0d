package io.headrace;

import static java.lang.invoke.ConstantBootstraps.fieldVarHandle;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/** The calls that wait for one execution. Lock-free, except for the rare sweep. */
@SuppressWarnings("ReferenceEquality") // a call equals only itself
abstract class SharedCalls {
  /*
   * A stack (Treiber, "Systems Programming: Coping with Parallelism", 1986) that is only taken as a
   * whole, so there is no ABA. It is linked through the calls themselves: joining is one
   * compare-and-set and makes no node. The end exchanges it for SEALED, after which nothing is
   * linked.
   *
   * A call that is given up stays linked. When as many have left as were alive after the last
   * sweep, and at least SWEEP_AT_LEAST, one of them sweeps: it unlinks those that are done behind
   * the head, which stays, as others link to it meanwhile. So the order stays too, and nobody is
   * missing in between. Only who sweeps, under the monitor, changes a link of a call that is in the
   * list; who seals the list waits for that, and has the links alone from then on.
   */

  /** How many calls leave at least before there is a sweep. */
  static final int SWEEP_AT_LEAST = 32;

  private static final CoalescedCall SEALED = new CoalescedCall();

  private static final VarHandle HEAD =
      fieldVarHandle(
          MethodHandles.lookup(), "head", VarHandle.class, SharedCalls.class, CoalescedCall.class);
  private static final VarHandle DEAD =
      fieldVarHandle(MethodHandles.lookup(), "dead", VarHandle.class, SharedCalls.class, int.class);

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

  /** Whether it takes no calls anymore. */
  final boolean isSealed() {
    return head == SEALED;
  }

  /**
   * Takes all calls, last come first, and no more from now on. A sweep that began before is waited
   * for: dead is not 0 until it is over.
   *
   * @return the calls; null if they were taken before
   */
  final @Nullable CoalescedCall seal() {
    CoalescedCall calls = (CoalescedCall) HEAD.getAndSet(this, SEALED);
    if (calls == SEALED) {
      return null;
    }
    if (dead != 0) {
      awaitSweep();
    }
    return calls;
  }

  private synchronized void awaitSweep() {
    // whoever sweeps has the monitor, and a sweep that comes later finds the seal
  }

  /** Counts a call that has been given up. */
  final void oneLeft() {
    if ((int) DEAD.getAndAdd(this, 1) + 1 == Math.max(SWEEP_AT_LEAST, aliveThen)) {
      sweep();
    }
  }

  private synchronized void sweep() {
    CoalescedCall last = head;
    if (last == null || last == SEALED || dead == 0) { // with dead at 0 nobody would wait for it
      return;
    }
    int alive = 1;
    int gone = 0;
    CoalescedCall call = last.next;
    while (call != null) {
      CoalescedCall next = call.next;
      if (call.isDone()) {
        last.next = next;
        call.next = null; // a future that is kept for long keeps no others
        gone++;
      } else {
        last = call;
        alive++;
      }
      call = next;
    }
    swept += gone;
    aliveThen = alive;
    dead = 0;
  }

  /**
   * How many calls there were in all.
   *
   * @param taken what {@link #seal} returned
   */
  final int count(@Nullable CoalescedCall taken) {
    int count = swept;
    for (CoalescedCall call = taken; call != null; call = call.next) {
      count++;
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

  /** Reverses a list that was taken: the call that came first is the first. */
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
