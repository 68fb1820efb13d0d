package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A service whose calls wait for a permit before they go on to another. */
final class ThrottledService<I, O extends @Nullable Object> implements Service<I, O> {
  private final Service<I, O> service;
  private final Gate gate;

  ThrottledService(Service<I, O> service, Gate gate) {
    this.service = requireNonNull(service, "service");
    this.gate = gate;
  }

  @Override
  public CompletableFuture<O> submit(I item, CallOptions options) {
    requireNonNull(item, "item");
    ThrottledCall<I, O> call = new ThrottledCall<>(service, item, options, gate);
    if (gate.tryTake()) {
      call.start(gate.permit());
    } else if (options.timeoutNanos != 0 && gate.isOutOfReach(options.timeoutNanos)) {
      call.completeExceptionally(gate.tooLate(options.timeoutNanos));
    } else {
      call.awaitPermit(PermitFuture.enqueued(gate, options.timeoutNanos));
    }
    return call;
  }

  @Override
  public String toString() {
    return "throttled " + service;
  }
}
