package io.headrace;

import org.jspecify.annotations.Nullable;

/** The one alarm of a drain, set for when it has to look again. Belongs to the drain. */
final class DrainAlarm {
  private final TimeSource time;
  private final Drain drain;
  private volatile boolean rang;
  private TimeSource.@Nullable Alarm alarm;
  private boolean isSet;
  private long atNanos;

  DrainAlarm(TimeSource time, Drain drain) {
    this.time = time;
    this.drain = drain;
  }

  /** The drain begins; an alarm that has rung is not set anymore. */
  void collect() {
    if (rang) {
      rang = false;
      isSet = false;
    }
  }

  /** Drains again at some time, or earlier. */
  void set(long atNanos, long nowNanos) {
    if (isSet && this.atNanos - atNanos <= 0) {
      return; // rings before, and is set anew then if need be
    }
    cancel(); // or many would pile up that were set for later
    isSet = true;
    this.atNanos = atNanos;
    alarm = time.schedule(atNanos - nowNanos, this::ring);
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
