package io.headrace;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/** The handlers of a flow that are being started: complete when all are ready or one has failed. */
final class Startup extends CompletableFuture<Void> {
  /** One more than there are handlers, until {@link #allAnnounced}. */
  private final AtomicInteger awaited = new AtomicInteger(1);

  /** A handler is going to be started. */
  void announce() {
    awaited.incrementAndGet();
  }

  void allAnnounced() {
    ready();
  }

  /**
   * Starts a handler, unless its station was shut down, and tells how it went.
   *
   * @param whenStarted makes its worker available, before the start-up may complete
   */
  void start(Handling handling, Station station, Runnable whenStarted) {
    station.flow.inside(() -> start(handling, station));
    if (!isCompletedExceptionally()) {
      whenStarted.run();
      ready();
    }
  }

  private void start(Handling handling, Station station) {
    HeadraceException reason = station.shutdownReason;
    if (reason != null) {
      failed(station, reason); // its thread may have missed the interrupt
      return;
    }
    try {
      handling.start(station);
    } catch (Throwable failure) {
      failed(station, failure);
    }
  }

  /**
   * Starts a handler that replaces another.
   *
   * @throws StartException if it fails; it is closed then
   */
  static void replacement(Handling handling, Station station) {
    station.flow.inside(
        () -> {
          try {
            handling.start(station);
          } catch (Throwable failure) {
            Ending.close(handling, station);
            throw new StartException(
                "the new handler of " + station + " failed to start: " + failure, failure);
          }
        });
  }

  void failed(Station station, Throwable failure) {
    completeExceptionally(
        new StartException("the handler of " + station + " failed to start: " + failure, failure));
  }

  void ready() {
    if (awaited.decrementAndGet() == 0) {
      complete(null);
    }
  }

  int missing() {
    return awaited.get();
  }
}
