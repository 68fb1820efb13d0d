package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The handlers of a step, as they were given to a builder.
 *
 * @param given the handler that serves all workers, or what makes one for each
 * @param shared whether one serves all
 * @param handlings makes the handling of all workers, or of each
 * @param elsewhere executes the batches; null if handlers do
 */
record HandlerSource(
    Object given,
    boolean shared,
    Supplier<Handling> handlings,
    Placement.@Nullable BatchExecutor elsewhere) {
  static HandlerSource of(Handler<?, ?> handler) {
    Handling handling = Handling.of(requireNonNull(handler, "handler"));
    return new HandlerSource(handler, true, () -> handling, null);
  }

  static HandlerSource ofAsync(AsyncHandler<?, ?> handler) {
    Handling handling = Handling.ofAsync(requireNonNull(handler, "handler"));
    return new HandlerSource(handler, true, () -> handling, null);
  }

  static HandlerSource perWorker(Supplier<? extends Handler<?, ?>> factory) {
    requireNonNull(factory, "factory");
    return new HandlerSource(factory, false, () -> Handling.made(factory), null);
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
    return new HandlerSource(given, true, () -> handling, executor);
  }

  /** Makes what each worker calls. */
  Supplier<Swappable> swappables() {
    return shared ? Swappable.shared(handlings.get()) : Swappable.each(handlings);
  }
}
