package io.headrace;

/** Another time, of which it counts how often it is read. */
final class CountingTime implements TimeSource {
  private final TimeSource time;
  volatile int readings;

  CountingTime(TimeSource time) {
    this.time = time;
  }

  @Override
  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread at a time
  public long nanoTime() {
    readings++;
    return time.nanoTime();
  }

  @Override
  public Alarm schedule(long delayNanos, Runnable task) {
    return time.schedule(delayNanos, task);
  }

  @Override
  public void execute(Runnable task) {
    time.execute(task);
  }
}
