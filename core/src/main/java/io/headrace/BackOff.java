package io.headrace;

import java.util.concurrent.atomic.AtomicIntegerArray;

/** What threads do that have lost a race for something which is free again in a moment. */
final class BackOff {
  /*
   * To try again at once takes what is fought for away from the processor of the winner, which
   * needs it for its next turn: threads at it pass it round for each turn, which takes several
   * times as long as a turn. Whoever stands back for some dozens of turns lets the winner have them
   * all, and then wins as many itself.
   *
   * Each stands back for as many times as long as there are threads that do, so however many they
   * are, one comes back in each of those times: the winner is disturbed as rarely as by a single
   * one. (As with a lock whose queue is known, "proportional back-off" in Mellor-Crummey and Scott,
   * "Algorithms for Scalable Synchronization on Shared-Memory Multiprocessors", 1991; here the
   * number is a guess.) Nobody sleeps: a thread that is told that it does not block may be on a
   * carrier that others need, and the lock of a throttle may be held.
   */

  /** One to ten microseconds, by the processor. */
  private static final int SPINS = 1 << 7;

  /** Nobody stands back for more times than so many. */
  private static final int MOST = 16;

  /** Of an array, so that nothing that others write is on the same cache line. */
  private static final int MIDDLE = 32;

  /** How many stand back, in the middle. */
  private final AtomicIntegerArray standing = new AtomicIntegerArray(2 * MIDDLE);

  /** Stands back for some microseconds; with many others for some dozens. */
  void standBack() {
    spin(Math.min(MOST, standing.incrementAndGet(MIDDLE)));
    standing.decrementAndGet(MIDDLE);
  }

  /** Spins for some microseconds, as often as is said. */
  static void spin(int times) {
    for (int i = 0; i < times * SPINS; i++) {
      Thread.onSpinWait();
    }
  }
}
