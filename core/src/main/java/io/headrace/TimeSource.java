package io.headrace;

/**
 * The clock and the alarm that everything in Headrace uses. Tests replace it with the virtual time
 * of the testkit. Implementations are thread safe, and their methods must not block or throw: they
 * are called in the midst of what keeps a service going. If {@link #schedule} throws all the same,
 * the call that needs the alarm may throw that, and later ones set theirs again.
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
   * handler. The system's time uses a virtual thread for each, which inherits nothing.
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
