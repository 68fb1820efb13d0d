package io.headrace;

/**
 * The clock and the alarm that everything in Headrace uses. Tests replace it with the virtual time
 * of the testkit. Implementations are thread safe. Their methods must not throw: a service whose
 * clock throws may miss timeouts and leave items waiting.
 */
public interface TimeSource {
  /**
   * The time of {@link System#nanoTime}, with one daemon thread for the alarms of the whole JVM.
   *
   * @return the system's time
   */
  static TimeSource system() {
    return SystemTime.INSTANCE;
  }

  /**
   * The time now. The origin is arbitrary: only differences mean something.
   *
   * @return nanoseconds
   */
  long nanoTime();

  /**
   * Runs a task once after a delay, never before it is over. The tasks that Headrace gives are
   * short and do not block; what one throws must not affect others.
   *
   * @param delayNanos nanoseconds from now; zero or less means as soon as possible
   * @param task the task
   * @return cancels the task if it has not begun
   */
  Alarm schedule(long delayNanos, Runnable task);

  /**
   * Runs what an alarm sets going and what may take long, so that it does not hold up the alarms:
   * continuations of a future that timed out, handlers on an executor of the caller, the close of a
   * handler.
   *
   * @param task the task
   */
  void execute(Runnable task);

  /** A task that is due later. */
  @FunctionalInterface
  interface Alarm {
    /** Cancels the task if it has not begun. */
    void cancel();
  }
}
