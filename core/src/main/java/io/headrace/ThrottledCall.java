package io.headrace;

import static java.util.Objects.requireNonNull;

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
  private final Gate gate;
  private final long submittedNanos;

  /** Null once it is submitted, or never will be. */
  private @Nullable I item;

  /** The permit or the result: what is withdrawn if the caller needs no result anymore. */
  private volatile @Nullable CompletableFuture<?> awaited;

  /** Ends the call if the other service does not. Volatile: whoever ends the call reads it. */
  private volatile TimeSource.@Nullable Alarm alarm;

  ThrottledCall(Service<I, O> service, I item, CallOptions options, Gate gate) {
    this.service = service;
    this.item = item;
    this.options = options;
    this.gate = gate;
    submittedNanos = options.timeoutNanos == 0 ? 0 : gate.time.nanoTime();
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
        long leftNanos = leftNanos();
        await(
            requireNonNull(
                service.submit(item, leaving(leftNanos)), "the future that the service returned"),
            permit);
        if (leftNanos != 0 && !endsInTime(service)) {
          arm(leftNanos);
        }
      }
    } catch (Throwable failure) {
      end(permit, null, failure, true);
    }
  }

  /** What is left of the timeout; 0 if there is none. */
  private long leftNanos() {
    if (options.timeoutNanos == 0) {
      return 0;
    }
    long leftNanos = options.timeoutNanos - (gate.time.nanoTime() - submittedNanos);
    if (leftNanos <= 0) {
      throw gate.tooLate(options.timeoutNanos);
    }
    return leftNanos;
  }

  private CallOptions leaving(long leftNanos) {
    return leftNanos == 0 ? options : options.withTimeout(Duration.ofNanos(leftNanos));
  }

  /** Whether calls of a service end at their timeout for certain: no alarm is needed then. */
  private static boolean endsInTime(Service<?, ?> service) {
    return service instanceof Batcher
        || service instanceof Flow
        || service instanceof Coalescer
        || service instanceof ThrottledService;
  }

  /** Gives the service all the time that it was told, so that it can end the call itself. */
  private void arm(long delayNanos) {
    if (isDone()) {
      return;
    }
    TimeSource.Alarm set = gate.time.schedule(delayNanos, () -> gate.time.execute(this::expire));
    alarm = set;
    if (isDone()) { // its end may not have seen the alarm
      set.cancel();
    }
  }

  private void expire() {
    abandoned(
        super.completeExceptionally(
            new DeadlineExceededException(
                "throttled service had no result within "
                    + Duration.ofNanos(options.timeoutNanos))));
  }

  private void disarm() {
    TimeSource.Alarm set = alarm;
    if (set != null) {
      set.cancel();
    }
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
    var ended = result.whenComplete((value, failure) -> end(permit, value, failure, isOnCaller));
    if (isOnCaller && !isDone()) {
      throw Failures.unchecked(ended.exceptionNow()); // the stack ended where it was to end
    }
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
    try {
      if (isOnCaller) {
        Waiter.tellElsewhere(granted, gate.time);
      } else {
        Waiter.tell(granted);
      }
    } finally {
      if (failure == null) {
        super.complete(value);
      } else {
        super.completeExceptionally(failure);
      }
      disarm();
    }
  }

  /** Cancels what is awaited, once there is no need for it. */
  private boolean abandoned(boolean isFirst) {
    CompletableFuture<?> awaited = this.awaited;
    if (isFirst && awaited != null) {
      disarm();
      awaited.cancel(true);
    }
    return isFirst;
  }

  @Override
  public boolean complete(O value) {
    StackRoom.require();
    return abandoned(super.complete(value));
  }

  @Override
  public boolean completeExceptionally(Throwable failure) {
    StackRoom.require();
    return abandoned(super.completeExceptionally(failure));
  }

  @Override
  public CompletableFuture<O> completeAsync(Supplier<? extends O> supplier, Executor executor) {
    Completions.completeAsync(this, supplier, executor);
    return this;
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    StackRoom.require();
    abandoned(super.completeExceptionally(new CancellationException()));
    return isCancelled();
  }
}
