package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/** The one place that reads the system's clock. */
final class SystemTime implements TimeSource {
  static final SystemTime INSTANCE = new SystemTime();

  /*
   * Neither thread inherits anything of the thread that happens to need it: the alarms are the
   * whole JVM's, and would keep the thread locals and the class loader of their first user for
   * ever.
   */

  private final ScheduledThreadPoolExecutor alarms;

  private final ThreadFactory threads =
      Thread.ofVirtual().inheritInheritableThreadLocals(false).factory();

  SystemTime() {
    alarms =
        new ScheduledThreadPoolExecutor(
            1,
            Thread.ofPlatform()
                .daemon()
                .name("headrace-alarms")
                .inheritInheritableThreadLocals(false)
                .factory());
    alarms.setRemoveOnCancelPolicy(true);
  }

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public Alarm schedule(long delayNanos, Runnable task) {
    Future<?> future =
        alarms.schedule(requireNonNull(task, "task"), delayNanos, TimeUnit.NANOSECONDS);
    return () -> future.cancel(false);
  }

  @Override
  public void execute(Runnable task) {
    threads.newThread(requireNonNull(task, "task")).start();
  }
}
