package io.headrace.spring;

import io.headrace.CoalescerHooks;
import io.headrace.CoalescerStatistics;
import io.headrace.TimeSource;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Counts the calls of a coalescer, and knows when nothing is in flight: executions can outlive
 * their callers. Its monitor guards the number in flight.
 */
final class CoalescerWatch implements CoalescerHooks {
  private final CoalescerStatistics statistics = CoalescerHooks.statistics();
  private int inFlight;

  CoalescerStatistics statistics() {
    return statistics;
  }

  /** What the coalescer is to be told of. */
  CoalescerHooks hooks() {
    return statistics.and(this);
  }

  @Override
  public synchronized void onExecuting(String function, Object key) {
    inFlight++;
  }

  @Override
  public void onResult(
      String function, Object key, @Nullable Object result, long nanos, int joiners) {
    ended();
  }

  @Override
  public void onFailure(String function, Object key, Throwable failure, long nanos, int joiners) {
    ended();
  }

  private synchronized void ended() {
    inFlight--;
    notifyAll();
  }

  /** Waits until nothing is in flight. Returns false if the time is over before that. */
  synchronized boolean awaitIdle(Duration timeout) throws InterruptedException {
    TimeSource time = TimeSource.system();
    long endNanos = time.nanoTime() + timeout.toNanos();
    while (inFlight > 0) {
      long leftNanos = endNanos - time.nanoTime();
      if (leftNanos <= 0) {
        return false;
      }
      wait(Math.max(1, leftNanos / 1_000_000));
    }
    return true;
  }
}
