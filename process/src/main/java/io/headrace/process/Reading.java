package io.headrace.process;

import io.headrace.TimeSource;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.function.Consumer;

/** What a process says, which a thread reads to its end; others wait until it has read the last. */
final class Reading {
  /*
   * The end of the stream comes when all have closed the other end, also those whom the process has
   * started, which may live for days. But what a process has written before its end is in the
   * stream when that is known. So a reader that has waited for more since then has read all of it.
   */

  /** A reader for whom there is something does not wait so long, also on a busy machine. */
  private static final long MAX_WAIT_NANOS = 30_000_000;

  /** A pause of the whole JVM, in which nobody reads, counts as no more than this. */
  private static final long LOOK_EVERY_NANOS = 5_000_000;

  private final TimeSource time = TimeSource.system();
  private final long maxNanos;
  private final Thread thread;

  // Guarded by this.

  /** How long the reader has waited for something to read, but for a wait that is under way. */
  private long waitedNanos;

  private long waitsSinceNanos;
  private boolean isWaiting;

  /**
   * Reads from now on.
   *
   * @param threadName of the thread that reads
   * @param max for how long a reader that is slow with what it has read keeps others waiting
   * @param reader reads to the end
   */
  Reading(InputStream stream, String threadName, Duration max, Consumer<InputStream> reader) {
    maxNanos = max.toNanos();
    InputStream watched = new Watched(stream);
    thread = Thread.ofPlatform().daemon().name(threadName).start(() -> reader.accept(watched));
  }

  /** Waits until all is read that a process has written which has ended; but not for long. */
  void awaitLast() {
    long beginNanos = time.nanoTime();
    long beforeNanos = waitedNanos();
    long seenNanos = 0;
    try {
      while (seenNanos < MAX_WAIT_NANOS
          && time.nanoTime() - beginNanos < maxNanos
          && !thread.join(Duration.ofNanos(LOOK_EVERY_NANOS))) {
        long nowNanos = waitedNanos();
        seenNanos += Math.min(nowNanos - beforeNanos, LOOK_EVERY_NANOS);
        beforeNanos = nowNanos;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized long waitedNanos() {
    return waitedNanos + (isWaiting ? time.nanoTime() - waitsSinceNanos : 0);
  }

  private synchronized void beginWait() {
    waitsSinceNanos = time.nanoTime();
    isWaiting = true;
  }

  private synchronized void endWait() {
    waitedNanos = waitedNanos();
    isWaiting = false;
  }

  /** Notes when its reader waits. */
  private final class Watched extends FilterInputStream {
    Watched(InputStream stream) {
      super(stream);
    }

    @Override
    public int read() throws IOException {
      beginWait();
      try {
        return super.read();
      } finally {
        endWait();
      }
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      beginWait();
      try {
        return super.read(bytes, offset, length);
      } finally {
        endWait();
      }
    }
  }
}
