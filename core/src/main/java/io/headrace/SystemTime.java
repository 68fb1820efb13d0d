package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The one place that reads the system's clock. */
final class SystemTime implements TimeSource {
  static final SystemTime INSTANCE = new SystemTime();

  private final ScheduledThreadPoolExecutor alarms;

  private SystemTime() {
    alarms =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("headrace-alarms").factory());
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
    Thread.startVirtualThread(requireNonNull(task, "task"));
  }
}
