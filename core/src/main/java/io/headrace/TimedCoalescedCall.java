package io.headrace;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A call with a timeout. */
final class TimedCoalescedCall extends CoalescedCall {
  private final String function;
  private final long timeoutNanos;
  private final TimeSource time;
  private long deadlineNanos;

  /** Volatile: written by the caller, read by whoever ends the call. */
  private volatile TimeSource.@Nullable Alarm alarm;

  TimedCoalescedCall(String function, long timeoutNanos, TimeSource time) {
    this.function = function;
    this.timeoutNanos = timeoutNanos;
    this.time = time;
  }

  @Override
  void starts() {
    deadlineNanos = time.nanoTime() + timeoutNanos;
  }

  /** Sets the alarm, if the call has not ended yet; ends it if there can be none. */
  void arm() {
    if (isDone()) {
      return;
    }
    try {
      TimeSource.Alarm set =
          time.schedule(deadlineNanos - time.nanoTime(), () -> time.execute(this::expire));
      alarm = set;
      if (isDone()) { // its end may not have seen the alarm
        set.cancel();
      }
    } catch (Throwable failure) { // without an alarm it might wait for ever
      giveUp(failure);
    }
  }

  private void expire() {
    giveUp(
        new DeadlineExceededException(
            function + " had no result within " + Duration.ofNanos(timeoutNanos)));
  }

  private void giveUp(Throwable reason) {
    SharedExecution abandoned = execution;
    if (fail(reason) && abandoned != null) {
      abandoned.left();
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
