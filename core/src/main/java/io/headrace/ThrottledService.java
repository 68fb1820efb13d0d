package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.CompletableFuture;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/** A service whose calls wait for a permit before they go on to another. */
final class ThrottledService<I, O extends @Nullable Object> implements Service<I, O> {
  private final Service<I, O> service;
  private final Throttle throttle;
  private final ToIntFunction<? super I> cost;

  /**
   * A service.
   *
   * @param cost for how many a call counts by the rate
   */
  ThrottledService(Service<I, O> service, Throttle throttle, ToIntFunction<? super I> cost) {
    this.service = requireNonNull(service, "service");
    this.throttle = throttle;
    this.cost = requireNonNull(cost, "cost");
  }

  @Override
  public CompletableFuture<O> submit(I item, CallOptions options) {
    requireNonNull(item, "item");
    ThrottledCall<I, O> call = new ThrottledCall<>(service, item, options, throttle.gate());
    int cost;
    try {
      cost = this.cost.applyAsInt(item);
      throttle.checkCost(cost);
    } catch (Throwable failure) {
      call.completeExceptionally(failure);
      return call;
    }
    Gate gate = throttle.gate();
    Permit permit = tryTake(gate, cost);
    if (permit != null) {
      try {
        call.start(permit);
      } catch (Throwable noStack) {
        Waiter.tellElsewhere(permit.release(), gate.time); // there was too little left down there
        throw noStack;
      }
    } else if (options.timeoutNanos != 0 && gate.isOutOfReach(options.timeoutNanos, cost)) {
      call.completeExceptionally(gate.tooLate(options.timeoutNanos));
    } else {
      call.awaitPermit(PermitFuture.enqueued(gate, cost, options.timeoutNanos));
    }
    return call;
  }

  /** Takes no less of the stack than it takes to release the permit. */
  private static @Nullable Permit tryTake(Gate gate, int cost) {
    return gate.tryTake(cost) ? gate.permit() : null;
  }

  @Override
  public String toString() {
    return "throttled " + service;
  }
}
