package io.headrace;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** The results that a coalescer keeps, in the order in which they expire. Thread safe. */
final class KeptResults {
  /*
   * All are kept equally long, so the first to come is the first to expire, and one alarm, for the
   * oldest, is enough. An execution is in the queue exactly as long as it is in the map with its result:
   * both change under the monitor.
   */

  private final KeyedExecutions owner;
  private final TimeSource time;
  private final long keepNanos;
  private final Deque<SharedExecution> queue = new ArrayDeque<>();
  private TimeSource.@Nullable Alarm alarm;

  KeptResults(KeyedExecutions owner, TimeSource time, long keepNanos) {
    this.owner = owner;
    this.time = time;
    this.keepNanos = keepNanos;
  }

  synchronized void add(SharedExecution execution) {
    execution.expiresNanos = time.nanoTime() + keepNanos;
    if (alarm == null) {
      setAlarm(keepNanos); // first: without it the result would not be kept
    }
    queue.add(execution);
  }

  private void setAlarm(long delayNanos) {
    alarm = time.schedule(delayNanos, this::ring);
  }

  private synchronized void ring() {
    alarm = null;
    expire();
    SharedExecution oldest = queue.peek();
    if (oldest != null) {
      setAlarm(oldest.expiresNanos - time.nanoTime());
    }
  }

  /** Removes what is out of time. */
  synchronized void expire() {
    long nowNanos = time.nanoTime();
    SharedExecution oldest;
    while ((oldest = queue.peek()) != null && nowNanos - oldest.expiresNanos >= 0) {
      queue.remove();
      owner.remove(oldest);
      oldest.letGo();
    }
    cancelUselessAlarm();
  }

  /** Makes room for a key. Returns false if nothing is kept. */
  synchronized boolean evictOldest() {
    SharedExecution oldest = queue.poll();
    if (oldest == null) {
      return false;
    }
    cancelUselessAlarm();
    owner.remove(oldest);
    oldest.letGo();
    return true;
  }

  private void cancelUselessAlarm() {
    if (alarm != null && queue.isEmpty()) {
      alarm.cancel();
      alarm = null;
    }
  }

  synchronized int size() {
    return queue.size();
  }
}
