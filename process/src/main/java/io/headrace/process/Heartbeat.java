package io.headrace.process;

import java.time.Duration;

/** For how long a process has given no sign of life. Of the thread of its worker. */
final class Heartbeat {
  /*
   * Who looks is stopped as well when the whole machine is, and would find that the process was
   * silent all the time, before that had a chance to beat again. So the time since the look before
   * counts up to half of the limit: a silent process is found after three looks at the earliest,
   * between which it could beat.
   */

  private final long limitNanos;
  private long seenBeats;
  private long lookedNanos;
  private long silentNanos;

  /**
   * One that is looked at from now on.
   *
   * @param limitNanos for how long a process may be silent; 0 for any time
   */
  Heartbeat(long limitNanos, long nowNanos) {
    this.limitNanos = limitNanos;
    lookedNanos = nowNanos;
  }

  /**
   * Looks at it.
   *
   * @param beats how often it has beaten so far
   * @return whether it was silent for too long
   */
  boolean isOverdue(long beats, long nowNanos) {
    silentNanos =
        beats == seenBeats ? silentNanos + Math.min(nowNanos - lookedNanos, limitNanos / 2) : 0;
    seenBeats = beats;
    lookedNanos = nowNanos;
    return limitNanos != 0 && silentNanos > limitNanos;
  }

  /** Why a process is killed that is overdue. */
  static String silence(long limitNanos) {
    return "it gave no sign of life for " + Duration.ofNanos(limitNanos);
  }
}
