package io.headrace.process;

import io.headrace.TimeSource;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.ref.WeakReference;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Asks for garbage collections, which find the values that nobody can reach anymore, and notices
 * when there are none. Thread safe.
 */
final class Garbage {
  private static final Logger LOGGER = System.getLogger(Garbage.class.getName());
  private static final AtomicBoolean IS_IGNORED = new AtomicBoolean();

  private static final String IGNORED =
      "this JVM ignores System.gc(), as with -XX:+DisableExplicitGC, so values in shared memory"
          + " that nobody uses are found late: release them by SharedValues.release, or start it"
          + " without the option";

  private Garbage() {}

  /** Waits for a collection; returns how long it took. */
  static long collect() {
    TimeSource time = TimeSource.system();
    long beganNanos = time.nanoTime();
    WeakReference<Object> garbage = new WeakReference<>(new Object());
    System.gc();
    long tookNanos = time.nanoTime() - beganNanos;
    if (!garbage.refersTo(null) && IS_IGNORED.compareAndSet(false, true)) {
      LOGGER.log(Level.WARNING, "There is no room in shared memory, and " + IGNORED);
    }
    return tookNanos;
  }

  /** What to add to a message that says that there is no room; empty if it needs nothing. */
  static String remedy() {
    return IS_IGNORED.get() ? "; " + IGNORED : "";
  }
}
