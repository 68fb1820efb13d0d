package io.headrace;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/** The workers of a flow that are ending: complete when all have closed their handlers. */
final class Ending extends CompletableFuture<Void> {
  private static final Logger LOGGER = System.getLogger(Ending.class.getName());

  /** One more than there are workers, until {@link #allAnnounced}. */
  private final AtomicInteger awaited = new AtomicInteger(1);

  private final Runnable beforeCompletion;

  Ending(Runnable beforeCompletion) {
    this.beforeCompletion = beforeCompletion;
  }

  /** A worker is going to end. */
  void announce() {
    awaited.incrementAndGet();
  }

  /** Holds the end up until {@link #ended}; returns false if it has come. */
  boolean hold() {
    return awaited.getAndUpdate(n -> n == 0 ? 0 : n + 1) != 0;
  }

  void allAnnounced() {
    ended();
  }

  void ended() {
    if (awaited.decrementAndGet() == 0) {
      beforeCompletion.run();
      complete(null);
    }
  }

  /**
   * Closes a handler on a thread of its own, for that may take long, and tells when it is closed.
   */
  void closeAside(Handling handling, Station station) {
    Runnable task =
        () -> {
          close(handling, station);
          ended();
        };
    try {
      station.flow.time.execute(task);
    } catch (Throwable noThread) {
      task.run();
    }
  }

  /**
   * Closes a handler; logs what it throws. An interrupt of the thread was meant for something else.
   */
  static void close(Handling handling, Station station) {
    boolean interrupted = Thread.interrupted();
    station.flow.inside(
        () -> {
          try {
            handling.close();
          } catch (Throwable failure) {
            LOGGER.log(Level.WARNING, "the handler of " + station + " failed to close", failure);
          }
        });
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
