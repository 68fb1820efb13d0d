package io.headrace;

import java.util.LinkedHashSet;
import java.util.SequencedSet;
import org.jspecify.annotations.Nullable;

/** The results that a coalescer keeps, in the order in which they expire. Thread safe. */
final class KeptResults {
  /*
   * All are kept equally long, so the first to come is the first to expire, and one alarm, for the
   * oldest, is enough. An execution is in the queue exactly as long as it is in the map with its
   * result: both change under the monitor. The queue is a set, so that one can be forgotten out of
   * its turn.
   */

  private final KeyedExecutions owner;
  private final TimeSource time;
  private final long keepNanos;
  private final SequencedSet<SharedExecution> queue = new LinkedHashSet<>();
  private TimeSource.@Nullable Alarm alarm;

  KeptResults(KeyedExecutions owner, TimeSource time, long keepNanos) {
    this.owner = owner;
    this.time = time;
    this.keepNanos = keepNanos;
  }

  /** Returns false if it was forgotten. */
  synchronized boolean add(SharedExecution execution) {
    if (execution.isForgotten) {
      return false;
    }
    execution.expiresNanos = time.nanoTime() + keepNanos;
    if (alarm == null) {
      setAlarm(keepNanos); // first: without it the result would not be kept
    }
    queue.add(execution);
    return true;
  }

  /** Takes one out of the map that has a result or is going to have one, which is not kept. */
  synchronized void forget(SharedExecution execution) {
    execution.isForgotten = true;
    if (queue.remove(execution)) {
      cancelUselessAlarm();
      execution.letGo();
    }
    owner.remove(execution);
  }

  private void setAlarm(long delayNanos) {
    alarm = time.schedule(delayNanos, this::ring);
  }

  private synchronized void ring() {
    alarm = null;
    expire();
    if (!queue.isEmpty()) {
      setAlarm(queue.getFirst().expiresNanos - time.nanoTime());
    }
  }

  /** Removes what is out of time. */
  synchronized void expire() {
    long nowNanos = time.nanoTime();
    while (!queue.isEmpty() && nowNanos - queue.getFirst().expiresNanos >= 0) {
      SharedExecution oldest = queue.removeFirst();
      owner.remove(oldest);
      oldest.letGo();
    }
    cancelUselessAlarm();
  }

  /** Makes room for a key. Returns false if nothing is kept. */
  synchronized boolean evictOldest() {
    if (queue.isEmpty()) {
      return false;
    }
    SharedExecution oldest = queue.removeFirst();
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
