package io.headrace;

import org.jspecify.annotations.Nullable;

/** The one alarm of a drain, set for when it has to look again. Belongs to the drain. */
final class DrainAlarm {
  /** So often in a row a policy may look again in a moment, for nothing. */
  private static final int MOST_HASTE = 16;

  /** Then it waits so long each time. */
  private static final long PATIENCE_NANOS = 100_000;

  private final TimeSource time;
  private final Drain drain;
  private volatile boolean rang;
  private TimeSource.@Nullable Alarm alarm;
  private boolean isSet;
  private long atNanos;

  /** Whether this drain was begun by the alarm. */
  private boolean hasBegunDrain;

  /**
   * How often in a row the policy has looked, for nothing, and wanted to look again in a moment.
   */
  private int haste;

  DrainAlarm(TimeSource time, Drain drain) {
    this.time = time;
    this.drain = drain;
  }

  /** The drain begins; an alarm that has rung is not set anymore. */
  void collect() {
    hasBegunDrain = rang;
    if (rang) {
      rang = false;
      isSet = false;
    }
  }

  /**
   * Drains again when a policy says. One that sends nothing and wants to look again in a moment,
   * whenever it is asked, gets its way only for a while: it would keep the thread of the alarms
   * busy.
   */
  void setForPolicy(long atNanos, long nowNanos, boolean hasSent) {
    boolean isHasty = hasBegunDrain && !hasSent && atNanos - nowNanos < PATIENCE_NANOS;
    haste = isHasty ? haste + 1 : 0;
    set(haste > MOST_HASTE ? nowNanos + PATIENCE_NANOS : atNanos, nowNanos);
  }

  /** Drains again at some time, or earlier. */
  void set(long atNanos, long nowNanos) {
    if (isSet && this.atNanos - atNanos <= 0) {
      return; // rings before, and is set anew then if need be
    }
    cancel(); // or many would pile up that were set for later
    isSet = false;
    alarm = time.schedule(atNanos - nowNanos, this::ring);
    isSet = true; // only now: a clock that throws has set none
    this.atNanos = atNanos;
  }

  /** An alarm that is not needed anymore would keep the station until it rings. */
  void cancel() {
    if (alarm != null) {
      alarm.cancel();
    }
  }

  /** Handlers and continuations do not run on the thread of the alarms. */
  private void ring() {
    rang = true;
    drain.signalBriefly();
  }
}
