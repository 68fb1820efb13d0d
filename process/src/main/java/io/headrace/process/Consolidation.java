package io.headrace.process;

import java.util.function.LongSupplier;

/**
 * Whether one process of a step is enough for all of its batches. Guarded by the lock of the pool.
 */
final class Consolidation {
  /*
   * Batches that are over in a microsecond or two are no work for several processes: it costs more to wake one up than
   * to execute what it would get, and the threads that receive the answers in the parent are in each other's way
   * (ADR 15). So if a batch takes less than a wake-up, and what all processes do fits into one, the
   * first gets them all, and the others sleep.
   *
   * That is found out by what the processes say how long they were busy. Their word decides nothing but which of them
   * is asked. It takes some time to have a new mean; what must not wait for it is told by the window, which a few slow
   * batches make smaller, and by the thread of the process, when nothing has come for a while.
   */

  /** The first process is alone no more if it has been silent for so long. */
  static final long PATIENCE_NANOS = 1_000_000;

  /** After so many answers it is looked anew. */
  static final int PERIOD = 1024;

  /** About what it takes to wake a process. */
  private static final long QUICK_NANOS = 5_000;

  /** How much of the time of one process all together take, for it to become alone. */
  private static final double MAX_LOAD_BEFORE = 0.7;

  /** How much of its time it takes, for it to stay alone. */
  private static final double MAX_LOAD = 0.95;

  private final LongSupplier clock;
  private boolean isEnough;
  private int answers;
  private long seenNanos;
  private long seenBusyNanos;

  /**
   * One that has seen nothing.
   *
   * @param clock says what time it is, in nanoseconds
   */
  Consolidation(LongSupplier clock) {
    this.clock = clock;
  }

  /** The processes are others than before, or one was not enough: nothing is known. */
  void reset() {
    isEnough = false;
    answers = 0;
  }

  /**
   * A batch has been answered.
   *
   * @param processes how many there are
   * @param busyNanos says how long all of them were busy so far
   */
  void answered(int processes, LongSupplier busyNanos) {
    if (processes < 2) {
      return;
    }
    if (answers == 0) {
      note(clock.getAsLong(), busyNanos.getAsLong());
    } else if (answers == PERIOD) {
      answers = 0;
      look(clock.getAsLong(), busyNanos.getAsLong());
    }
    answers++;
  }

  private void look(long nowNanos, long allBusyNanos) {
    double busyNanos = (double) allBusyNanos - seenBusyNanos;
    double load = busyNanos / (nowNanos - seenNanos);
    isEnough = busyNanos <= PERIOD * QUICK_NANOS && load <= (isEnough ? MAX_LOAD : MAX_LOAD_BEFORE);
    note(nowNanos, allBusyNanos);
  }

  private void note(long nowNanos, long allBusyNanos) {
    seenNanos = nowNanos;
    seenBusyNanos = allBusyNanos;
  }

  /** Whether one is, if it is as quick as they were. */
  boolean isOneEnough() {
    return isEnough;
  }
}
