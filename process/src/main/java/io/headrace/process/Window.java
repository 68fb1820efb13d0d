package io.headrace.process;

import java.util.function.LongSupplier;

/** How many batches a process has at once. */
final class Window {
  /*
   * A process is to have the next batches at hand when it has answered one, for as long as its
   * parent may need to send more. That is some batches whose handler needs time, and many that are
   * over in a microsecond. Each waits in the process behind the others, where no item of a higher
   * priority overtakes it, so there are no more than that.
   *
   * The time between two answers of a process that had something to do all the time is that of a
   * batch. A pause of the parent looks as if it were one, too, and so counts up to a limit.
   */

  /** What a process has at hand takes about so long. */
  private static final long HORIZON_NANOS = 100_000;

  private static final long MAX_SAMPLE_NANOS = 2 * HORIZON_NANOS;

  /** A new time counts an eighth. */
  private static final int SHIFT = 3;

  /** Many batches at hand are quick ones. */
  private static final int QUICK_SIZE = 16;

  private final int least;
  private final int most;

  // Of the thread that receives answers.
  private long meanNanos = HORIZON_NANOS;
  private long answeredNanos;
  private boolean wasBusy;

  private volatile int size;

  Window(int least, int most) {
    this.least = least;
    this.most = most;
    size = least;
  }

  /** Any thread. */
  int size() {
    return size;
  }

  /** The largest size. */
  int most() {
    return most;
  }

  /** Whether the last batches took some microseconds each, as far as anybody has looked. */
  boolean isQuick() {
    return isElastic() && size >= QUICK_SIZE;
  }

  boolean isElastic() {
    return least != most;
  }

  /**
   * The process has answered a batch.
   *
   * @param clock is asked for the time if that counts
   * @param isBusy whether it has another one
   * @return by how much the size has changed
   */
  int answered(LongSupplier clock, boolean isBusy) {
    if (!wasBusy && !isBusy) {
      return 0;
    }
    long nowNanos = clock.getAsLong();
    int before = size;
    if (wasBusy) {
      long nanos = Math.min(nowNanos - answeredNanos, MAX_SAMPLE_NANOS);
      meanNanos += (nanos - meanNanos) >> SHIFT;
      int wanted = Math.clamp(HORIZON_NANOS / Math.max(1, meanNanos), least, most);
      if (wanted != before) {
        size = wanted;
      }
    }
    wasBusy = isBusy;
    answeredNanos = nowNanos;
    return size - before;
  }
}
