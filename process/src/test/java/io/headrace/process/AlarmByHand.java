package io.headrace.process;

import io.headrace.TimeSource;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/** Time stands still until the test lets the alarms ring. */
final class AlarmByHand implements TimeSource {
  private final List<Runnable> tasks = new CopyOnWriteArrayList<>();
  private final boolean cancelsTooLate;

  AlarmByHand() {
    this(false);
  }

  /**
   * A time.
   *
   * @param cancelsTooLate whether alarms are under way when they are cancelled, and ring all the
   *     same
   */
  AlarmByHand(boolean cancelsTooLate) {
    this.cancelsTooLate = cancelsTooLate;
  }

  private final AtomicLong nowNanos = new AtomicLong();

  @Override
  public long nanoTime() {
    return nowNanos.get();
  }

  /** Rings nothing. */
  void pass(long nanos) {
    nowNanos.addAndGet(nanos);
  }

  @Override
  public Alarm schedule(long delayNanos, Runnable task) {
    Runnable own = task::run; // which no other alarm is
    tasks.add(own);
    return () -> {
      if (!cancelsTooLate) {
        tasks.remove(own);
      }
    };
  }

  @Override
  public void execute(Runnable task) {
    task.run();
  }

  /** Whether there is one that was not cancelled and has not rung. */
  boolean isSet() {
    return !tasks.isEmpty();
  }

  /** Those that are set. */
  void ring() {
    List<Runnable> now = List.copyOf(tasks);
    tasks.removeAll(now);
    now.forEach(Runnable::run);
  }
}
