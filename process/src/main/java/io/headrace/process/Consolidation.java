package io.headrace.process;

import java.util.function.LongSupplier;

/**
 * Whether one process of a step is enough for all of its batches. Guarded by the lock of the pool.
 */
final class Consolidation {
  /*
   * Batches that are over in a microsecond or two are no work for several processes: it costs more
   * to wake one up than to execute what it would get, and the threads that receive the answers in
   * the parent are in each other's way (ADR 15). So if a batch takes less than a wake-up, and what
   * all processes do fits into one, the first gets them all, and the others sleep.
   *
   * That is found out by what the processes say how long they were busy. Their word decides nothing
   * but which of them is asked. It takes some time to have a new mean; what must not wait for it is
   * told by the window, which a few slow batches make smaller, and by the thread of the process,
   * when nothing has come for a while. So the first becomes alone by an answer of its own only: its
   * thread, which has brought that, knows it then and does not wait for long. That thread may be
   * held up by whoever is told of a result; the threads of the others look after it now and then.
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
  private boolean isAlone;
  private long answersOfFirst;
  private long seenAnswersOfFirst;
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
    isAlone = false;
    answers = 0;
  }

  /**
   * One of several processes has answered a batch.
   *
   * @param isOfFirst whether that was the first
   * @param isQuick whether the first is as quick as it was
   * @param busyNanos says how long all of them were busy so far
   */
  void answered(boolean isOfFirst, boolean isQuick, LongSupplier busyNanos) {
    if (answers == 0) {
      note(clock.getAsLong(), busyNanos.getAsLong());
    } else if (answers == PERIOD) {
      answers = 0;
      look(clock.getAsLong(), busyNanos.getAsLong());
    }
    answers++;
    if (isOfFirst) {
      answersOfFirst++;
    }
    isAlone = isEnough && isQuick && (isAlone || isOfFirst);
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

  /** Whether the first is to get all batches. */
  boolean isFirstAlone() {
    return isAlone;
  }

  /** Whether the first is alone, and has answered nothing since this was asked before. */
  boolean isFirstSilent() {
    boolean isSilent = isAlone && answersOfFirst == seenAnswersOfFirst;
    seenAnswersOfFirst = answersOfFirst;
    return isSilent;
  }
}
