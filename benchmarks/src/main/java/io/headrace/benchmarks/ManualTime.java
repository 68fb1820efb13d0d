package io.headrace.benchmarks;

import io.headrace.TimeSource;
import java.util.Comparator;
import java.util.PriorityQueue;

/** A clock that moves when it is told to. Used by one thread. */
final class ManualTime implements TimeSource {
  private final PriorityQueue<Due> alarms =
      new PriorityQueue<>(Comparator.comparingLong(due -> due.atNanos));
  private long nowNanos;

  private static final class Due {
    final long atNanos;
    final Runnable task;
    boolean cancelled;

    Due(long atNanos, Runnable task) {
      this.atNanos = atNanos;
      this.task = task;
    }
  }

  @Override
  public long nanoTime() {
    return nowNanos;
  }

  @Override
  public Alarm schedule(long delayNanos, Runnable task) {
    Due due = new Due(nowNanos + delayNanos, task);
    alarms.add(due);
    return () -> due.cancelled = true;
  }

  @Override
  public void execute(Runnable task) {
    task.run();
  }

  /** Moves the clock on, and runs what has become due. */
  void advance(long nanos) {
    nowNanos += nanos;
    Due due;
    while ((due = alarms.peek()) != null && due.atNanos <= nowNanos) {
      alarms.remove();
      if (!due.cancelled) {
        due.task.run();
      }
    }
  }
}
