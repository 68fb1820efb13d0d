package io.headrace.process;

import io.headrace.Observer.WorkerEvent.Reason;
import io.headrace.TimeSource;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;

/** Kills a process that does not become ready, until the watch is closed. */
final class StartWatch implements AutoCloseable {
  private final Settings settings;
  private final long maxNanos;
  private final LongSupplier beatCount;
  private final BiConsumer<Reason, String> kill;
  private final TimeSource time = TimeSource.system();
  private final CountDownLatch isOver = new CountDownLatch(1);

  /**
   * Watches from now on, on a thread of its own.
   *
   * @param maxNanos how long the start may take; 0 for any time
   * @param beatCount how often the heart of the process has beaten, which begins before its handler
   *     is made
   * @param kill is told why
   */
  StartWatch(
      Settings settings, long maxNanos, LongSupplier beatCount, BiConsumer<Reason, String> kill) {
    this.settings = settings;
    this.maxNanos = maxNanos;
    this.beatCount = beatCount;
    this.kill = kill;
    Thread.startVirtualThread(this::watch);
  }

  private void watch() {
    Heartbeat heart = new Heartbeat(settings.heartbeatNanos, time.nanoTime());
    Heartbeat start = new Heartbeat(maxNanos, time.nanoTime()); // which has one beat, its end
    long lookNanos = Belt.nanos(settings.heartbeatNanos);
    try {
      while (!isOver.await(lookNanos, TimeUnit.NANOSECONDS)) {
        long nowNanos = time.nanoTime();
        long beats = beatCount.getAsLong();
        if (beats != 0 && heart.isOverdue(beats, nowNanos)) {
          kill.accept(Reason.HEARTBEAT, Heartbeat.silence(settings.heartbeatNanos));
        } else if (start.isOverdue(0, nowNanos)) {
          kill.accept(Reason.OTHER, "it was not ready after " + Duration.ofNanos(maxNanos));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    isOver.countDown();
  }
}
