package io.headrace;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * A time of which a test does each step by hand: it passes, alarms ring, which may be late, and
 * what belongs on a thread of its own runs. It can fail.
 */
final class HandTime implements TimeSource {
  private final List<Runnable> alarms = new ArrayList<>();
  private final Queue<Runnable> tasks = new ArrayDeque<>();
  private long nowNanos;
  private @Nullable RuntimeException failure;

  @Override
  public synchronized long nanoTime() {
    return nowNanos;
  }

  @Override
  public synchronized Alarm schedule(long delayNanos, Runnable task) {
    RuntimeException thrown = failure;
    failure = null;
    if (thrown != null) {
      throw thrown;
    }
    alarms.add(task);
    return () -> cancel(task);
  }

  private synchronized void cancel(Runnable task) {
    alarms.remove(task);
  }

  @Override
  public synchronized void execute(Runnable task) {
    tasks.add(task);
  }

  /** The next alarm cannot be set. */
  synchronized void failOnce(RuntimeException thrown) {
    failure = thrown;
  }

  /** Time passes, and no alarm rings. */
  synchronized void pass(Duration duration) {
    nowNanos += duration.toNanos();
  }

  synchronized int alarms() {
    return alarms.size();
  }

  /** All alarms ring that are set. */
  void ring() {
    List<Runnable> ringing;
    synchronized (this) {
      ringing = List.copyOf(alarms);
      alarms.clear();
    }
    ringing.forEach(Runnable::run);
  }

  /** Runs what was to run on threads of its own, and what comes of it. */
  void runTasks() {
    Runnable next;
    while ((next = poll()) != null) {
      next.run();
    }
  }

  private synchronized @Nullable Runnable poll() {
    return tasks.poll();
  }
}
