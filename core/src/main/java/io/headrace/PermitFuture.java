package io.headrace;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/** A permit that is waited for. Completing it in any way takes its waiter out of the queue. */
final class PermitFuture extends CompletableFuture<Permit> {
  /*
   * Whether the wait ends with a permit is decided under the lock of the gate, before the future
   * completes. A canceller that comes between the two completes the future with a permit itself,
   * and has come too late: no place in the schedule is used for nothing. Both make a permit, and
   * the first to complete the future makes its own the one that stands for what was granted.
   */

  private final Gate gate;
  private final long timeoutNanos;
  private final Waiter waiter;

  private PermitFuture(Gate gate, int cost, long timeoutNanos) {
    this.gate = gate;
    this.timeoutNanos = timeoutNanos;
    waiter = new Waiter(this, cost);
  }

  /**
   * A future that waits at a gate.
   *
   * @param cost for how many the permit counts by the rate
   * @param timeoutNanos how long at most; 0 for any time
   */
  static PermitFuture enqueued(Gate gate, int cost, long timeoutNanos) {
    PermitFuture future = new PermitFuture(gate, cost, timeoutNanos);
    gate.enqueue(future.waiter, timeoutNanos);
    return future;
  }

  /** The gate has granted a permit, or the timeout is over. */
  void end(boolean isGranted) {
    if (isGranted) {
      super.complete(gate.permit());
    } else {
      super.completeExceptionally(gate.tooLate(timeoutNanos));
    }
  }

  /** Whether its caller can complete it: otherwise it completes with the permit it was granted. */
  private boolean isGivenUp() {
    if (isDone()) {
      return false;
    }
    if (!gate.withdraw(waiter) && waiter.isGranted()) {
      super.complete(gate.permit());
    }
    return true;
  }

  @Override
  public boolean complete(Permit value) {
    return isGivenUp() && super.complete(value);
  }

  @Override
  public boolean completeExceptionally(Throwable failure) {
    return isGivenUp() && super.completeExceptionally(failure);
  }

  /** A permit that was granted before is its caller's to close. */
  @Override
  public void obtrudeValue(Permit value) {
    isGivenUp();
    super.obtrudeValue(value);
  }

  @Override
  public void obtrudeException(Throwable failure) {
    isGivenUp();
    super.obtrudeException(failure);
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    completeExceptionally(new CancellationException());
    return isCancelled();
  }

  @Override
  public CompletableFuture<Permit> completeAsync(
      Supplier<? extends Permit> supplier, Executor executor) {
    Completions.completeAsync(this, supplier, executor);
    return this;
  }
}
