package io.headrace;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A call with a timeout. */
final class TimedCoalescedCall extends CoalescedCall {
  private final String function;
  private final long timeoutNanos;
  private final long deadlineNanos;
  private final TimeSource time;

  /** Volatile: written by the caller, read by whoever ends the call. */
  private volatile TimeSource.@Nullable Alarm alarm;

  TimedCoalescedCall(String function, long timeoutNanos, TimeSource time) {
    this.function = function;
    this.timeoutNanos = timeoutNanos;
    this.time = time;
    deadlineNanos = time.nanoTime() + timeoutNanos;
  }

  /** Sets the alarm, if the call has not ended yet. */
  void arm() {
    if (isDone()) {
      return;
    }
    TimeSource.Alarm set =
        time.schedule(deadlineNanos - time.nanoTime(), () -> time.execute(this::expire));
    alarm = set;
    if (isDone()) { // its end may not have seen the alarm
      set.cancel();
    }
  }

  private void expire() {
    SharedExecution abandoned = execution;
    if (fail(
        new DeadlineExceededException(
            function + " had no result within " + Duration.ofNanos(timeoutNanos)))) {
      if (abandoned != null) {
        abandoned.left();
      }
    }
  }

  @Override
  void ended() {
    super.ended();
    TimeSource.Alarm set = alarm;
    if (set != null) {
      set.cancel();
    }
  }
}
