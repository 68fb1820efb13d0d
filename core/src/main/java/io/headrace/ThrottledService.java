package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A service whose calls wait for a permit before they go on to another. */
final class ThrottledService<I, O extends @Nullable Object> implements Service<I, O> {
  private final Service<I, O> service;
  private final Gate gate;
  private final TimeSource time;

  ThrottledService(Service<I, O> service, Gate gate, TimeSource time) {
    this.service = requireNonNull(service, "service");
    this.gate = gate;
    this.time = time;
  }

  @Override
  public CompletableFuture<O> submit(I item, CallOptions options) {
    requireNonNull(item, "item");
    ThrottledCall<I, O> call = new ThrottledCall<>(service, item, options, time);
    Permit permit = tryTake();
    if (permit != null) {
      try {
        call.start(permit);
      } catch (Throwable noStack) {
        Waiter.tellElsewhere(permit.release(), time); // there was too little left down there
        throw noStack;
      }
    } else if (options.timeoutNanos != 0 && gate.isOutOfReach(options.timeoutNanos)) {
      call.completeExceptionally(PermitFuture.tooLate(options.timeoutNanos));
    } else {
      call.awaitPermit(PermitFuture.enqueued(gate, options.timeoutNanos));
    }
    return call;
  }

  /** Takes no less of the stack than it takes to release the permit. */
  private @Nullable Permit tryTake() {
    return gate.tryTake() ? gate.permit() : null;
  }

  @Override
  public String toString() {
    return "throttled " + service;
  }
}
