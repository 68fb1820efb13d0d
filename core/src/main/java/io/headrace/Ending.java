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

  /** Closes a handler; logs what it throws. */
  static void close(Handling handling, Station station) {
    station.flow.inside(
        () -> {
          try {
            handling.close();
          } catch (Throwable failure) {
            LOGGER.log(Level.WARNING, "the handler of " + station + " failed to close", failure);
          }
        });
  }
}
