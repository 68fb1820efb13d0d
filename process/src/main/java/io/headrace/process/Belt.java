package io.headrace.process;

import io.headrace.TimeSource;
import io.headrace.shm.Doorbell;
import java.util.function.BooleanSupplier;

/** Waits at a doorbell, but never for so long that what nobody rings for would be seen too late. */
final class Belt {
  /*
   * The kernel sets a timer for a wait with a timeout and takes it back, which a round trip through
   * a process feels (ADR 10). One alarm for all waits of a quarter of a second costs nothing.
   */

  private static final long MAX_NANOS = 250_000_000;
  private static final long MIN_NANOS = 1_000_000;

  private final TimeSource time = TimeSource.system();
  private final long nanos;
  private final Runnable wake;

  /** Whether an alarm ends the wait that it meets. */
  private volatile boolean isAlarmSet;

  /**
   * A belt that is never longer than what is looked for allows.
   *
   * @param wake ends a wait; called by another thread
   */
  Belt(Settings settings, Runnable wake) {
    nanos = Math.min(nanos(settings.batchNanos), nanos(settings.heartbeatNanos));
    this.wake = wake;
  }

  /** How often to look for what may take some time; that is 0 if it may take any. */
  static long nanos(long limitNanos) {
    return limitNanos == 0 ? MAX_NANOS : Math.clamp(limitNanos / 4, MIN_NANOS, MAX_NANOS);
  }

  /**
   * Waits until something is ready. One thread at a time.
   *
   * @param maxNanos how long at most, if that is less
   * @return whether it is ready; if not, it is time to look around
   */
  boolean await(Doorbell doorbell, BooleanSupplier isReady, long maxNanos) {
    long waitNanos = Math.min(nanos, maxNanos);
    if (waitNanos < MAX_NANOS) {
      return doorbell.await(isReady, waitNanos);
    }
    if (!isAlarmSet) {
      isAlarmSet = true;
      var _ = time.schedule(MAX_NANOS, this::alarm);
    }
    return doorbell.await(() -> !isAlarmSet || isReady.getAsBoolean()) && isAlarmSet;
  }

  private void alarm() {
    isAlarmSet = false;
    wake.run();
  }
}
