package io.headrace;

/** What a thread does that has lost a race for something which is free again in a moment. */
final class BackOff {
  /*
   * To try again at once takes what is fought for away from the processor of the winner, which
   * needs it for its next turn: two threads at it pass it to and fro for each turn, which takes
   * several times as long as a turn. Whoever stands back for some dozens of turns lets the winner
   * have them all, and then wins as many itself. It does not sleep, which takes ten times as long.
   * See Dice, Hendler and Mirsky, "Lightweight Contention Management for Efficient Compare-and-Swap
   * Operations" (2013), where waiting for a constant time does about as well as more involved ways.
   */

  /** One to ten microseconds, by the processor. */
  private static final int SPINS = 1 << 7;

  private BackOff() {}

  /** Stands back for some microseconds. */
  static void spin() {
    for (int i = 0; i < SPINS; i++) {
      Thread.onSpinWait();
    }
  }
}
