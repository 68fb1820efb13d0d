package io.headrace;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** The handlers of a flow that are being started: complete when all are ready or one has failed. */
final class Startup extends CompletableFuture<Void> {
  /** One more than there are handlers, until {@link #allAnnounced}. */
  private final AtomicInteger awaited = new AtomicInteger(1);

  /** How many handlers of each station are being started. */
  private final Map<Station, Integer> unready = new ConcurrentHashMap<>();

  /** A handler is going to be started. */
  void announce() {
    awaited.incrementAndGet();
  }

  void allAnnounced() {
    ready();
  }

  /**
   * Starts a handler, unless its station was shut down or has ended, and tells how it went.
   *
   * @param whenStarted makes its worker available, before the start-up may complete
   */
  void start(Handling handling, Station station, Runnable whenStarted) {
    unready.merge(station, 1, Integer::sum);
    station.flow.inside(() -> start(handling, station));
    if (!isCompletedExceptionally()) {
      whenStarted.run();
      unready.computeIfPresent(station, (_, workers) -> workers == 1 ? null : workers - 1);
      ready();
    }
  }

  private void start(Handling handling, Station station) {
    HeadraceException reason = station.shutdownReason;
    if (reason == null && station.hasEnded()) {
      reason = station.flow.stopped();
    }
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

  /** Which workers are not ready, in words. */
  String unready() {
    int missing = awaited.get();
    String names =
        unready.keySet().stream().map(Station::toString).sorted().collect(Collectors.joining(", "));
    return missing
        + (missing == 1 ? " worker" : " workers")
        + (names.isEmpty() ? "" : " of " + names) // none where no thread has begun yet
        + (missing == 1 ? " was" : " were")
        + " not ready";
  }
}
