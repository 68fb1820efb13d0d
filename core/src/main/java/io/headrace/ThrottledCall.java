package io.headrace;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A call that waits for a permit, and then for its result. */
final class ThrottledCall<I, O extends @Nullable Object> extends CompletableFuture<O> {
  private final Service<I, O> service;
  private final CallOptions options;
  private final TimeSource time;
  private final long submittedNanos;

  /** Null once it is submitted, or never will be. */
  private @Nullable I item;

  /** The permit or the result: what is withdrawn if the caller needs no result anymore. */
  private volatile @Nullable CompletableFuture<?> awaited;

  ThrottledCall(Service<I, O> service, I item, CallOptions options, TimeSource time) {
    this.service = service;
    this.item = item;
    this.options = options;
    this.time = time;
    submittedNanos = options.timeoutNanos == 0 ? 0 : time.nanoTime();
  }

  void awaitPermit(CompletableFuture<Permit> permitFuture) {
    awaited = permitFuture;
    var _ =
        permitFuture.whenComplete(
            (permit, failure) -> {
              if (permit != null) {
                start(permit);
              } else if (failure != null) {
                item = null;
                super.completeExceptionally(failure);
              }
            });
  }

  /** Submits the item, unless its caller needs no result anymore, or it is too late. */
  void start(Permit permit) {
    I item = this.item;
    this.item = null;
    try {
      if (isDone() || item == null) {
        permit.close();
      } else {
        await(service.submit(item, remaining()), permit);
      }
    } catch (Throwable failure) {
      end(permit, null, failure, true);
    }
  }

  private CallOptions remaining() {
    if (options.timeoutNanos == 0) {
      return options;
    }
    long remainingNanos = options.timeoutNanos - (time.nanoTime() - submittedNanos);
    if (remainingNanos <= 0) {
      throw PermitFuture.tooLate(options.timeoutNanos);
    }
    return options.withTimeout(Duration.ofNanos(remainingNanos));
  }

  /**
   * Writes what is awaited, then looks whether it is still needed; a canceller does the reverse.
   */
  private void await(CompletableFuture<O> result, Permit permit) {
    awaited = result;
    if (isDone()) {
      result.cancel(true);
    }
    boolean isOnCaller = result.isDone();
    var _ = result.whenComplete((value, failure) -> end(permit, value, failure, isOnCaller));
  }

  /**
   * The slot is free before the caller knows, and who gets it goes on first: continuations of this
   * caller may take long. It does so here, as a service does not block when it is called; or, if
   * this service executes on the thread that calls it, on a thread of its own, for whoever called
   * it did not come to execute the items of others.
   */
  @SuppressWarnings("NullAway") // the value is an O where there is no failure
  private void end(
      Permit permit, @Nullable O value, @Nullable Throwable failure, boolean isOnCaller) {
    Waiter granted = permit.release();
    if (isOnCaller) {
      Waiter.tellElsewhere(granted, time);
    } else {
      Waiter.tell(granted);
    }
    if (failure == null) {
      super.complete(value);
    } else {
      super.completeExceptionally(failure);
    }
  }

  /** Cancels what is awaited, once there is no need for it. */
  private boolean abandoned(boolean isFirst) {
    CompletableFuture<?> awaited = this.awaited;
    if (isFirst && awaited != null) {
      awaited.cancel(true);
    }
    return isFirst;
  }

  @Override
  public boolean complete(O value) {
    return abandoned(super.complete(value));
  }

  @Override
  public boolean completeExceptionally(Throwable failure) {
    return abandoned(super.completeExceptionally(failure));
  }

  @Override
  public CompletableFuture<O> completeAsync(Supplier<? extends O> supplier, Executor executor) {
    Completions.completeAsync(this, supplier, executor);
    return this;
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    abandoned(super.completeExceptionally(new CancellationException()));
    return isCancelled();
  }
}
