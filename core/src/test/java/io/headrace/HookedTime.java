package io.headrace;

import io.headrace.testkit.VirtualTime;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Virtual time in which other things happen just when somebody has asked it for something. */
final class HookedTime implements TimeSource {
  private final VirtualTime time;
  private final Queue<Runnable> atReads = new ConcurrentLinkedQueue<>();
  private volatile Runnable atAlarms = () -> {};

  HookedTime(VirtualTime time) {
    this.time = time;
  }

  /** What happens after each of the next readings of the clock, which tell the time before it. */
  void atNextReads(Runnable... meanwhile) {
    atReads.addAll(List.of(meanwhile));
  }

  /** What happens after each alarm is set, before it is known that it is. */
  void atAlarms(Runnable meanwhile) {
    atAlarms = meanwhile;
  }

  @Override
  public long nanoTime() {
    long nanos = time.nanoTime();
    Runnable meanwhile = atReads.poll();
    if (meanwhile != null) {
      meanwhile.run();
    }
    return nanos;
  }

  @Override
  public Alarm schedule(long delayNanos, Runnable task) {
    Alarm alarm = time.schedule(delayNanos, task);
    atAlarms.run();
    return alarm;
  }

  @Override
  public void execute(Runnable task) {
    time.execute(task);
  }
}
