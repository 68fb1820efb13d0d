package io.headrace.process;

import io.headrace.TimeSource;
import java.util.concurrent.atomic.AtomicReference;

/** Time stands still until the test lets the alarm ring. */
final class AlarmByHand implements TimeSource {
  private final AtomicReference<Runnable> task = new AtomicReference<>();

  @Override
  public long nanoTime() {
    return 0;
  }

  @Override
  public Alarm schedule(long delayNanos, Runnable task) {
    this.task.set(task);
    return () -> {};
  }

  @Override
  public void execute(Runnable task) {
    task.run();
  }

  void ring() {
    task.get().run();
  }
}
