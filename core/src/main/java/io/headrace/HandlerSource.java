package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.function.Supplier;

/**
 * The handlers of a step, as they were given to a builder.
 *
 * @param given the handler that serves all workers, or what makes one for each
 * @param shared whether one serves all
 * @param handlings makes the handling of all workers, or of each
 * @param places for how many batches at once there are places somewhere else; 0 if it is here
 */
record HandlerSource(Object given, boolean shared, Supplier<Handling> handlings, int places) {
  static HandlerSource of(Handler<?, ?> handler) {
    Handling handling = Handling.of(requireNonNull(handler, "handler"));
    return new HandlerSource(handler, true, () -> handling, 0);
  }

  static HandlerSource ofAsync(AsyncHandler<?, ?> handler) {
    Handling handling = Handling.ofAsync(requireNonNull(handler, "handler"));
    return new HandlerSource(handler, true, () -> handling, 0);
  }

  static HandlerSource perWorker(Supplier<? extends Handler<?, ?>> factory) {
    requireNonNull(factory, "factory");
    return new HandlerSource(factory, false, () -> Handling.made(factory), 0);
  }

  /** The same for workers that may be somewhere else; those share what hands batches to them. */
  HandlerSource at(Workers workers, String service, String step, int maxSize) {
    if (workers.placement == null) {
      return this;
    }
    Placement.BatchExecutor executor =
        requireNonNull(
            workers.placement.place(new Placement.PlacedStep(service, step, given, maxSize)),
            "the executor of the placement");
    Handling handling = Handling.ofPlaced(executor);
    int places = Checks.atLeast(1, executor.places(), "places");
    return new HandlerSource(given, true, () -> handling, places);
  }

  /** Makes what each worker calls. */
  Supplier<Swappable> swappables() {
    return shared ? Swappable.shared(handlings.get()) : Swappable.each(handlings);
  }
}
