package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A call of a coalescer: the future that its caller holds, and a node of its execution's list. */
class CoalescedCall extends CompletableFuture<@Nullable Object> {
  /*
   * 1. next belongs to the caller until the call is linked, then to whoever took the list it is in:
   *    the completion, or a sweep.
   * 2. execution is written by the caller before the call is linked and cleared by whoever
   *    completes it with the outcome, so that a future that is kept for long keeps neither key nor
   *    argument. A canceller reads it only if it won, and then nobody has cleared it.
   * 3. waiter is the thread in await(), written by it alone. It writes waiter and then reads the
   *    result; whoever completes the call writes the result and then reads waiter. Both are
   *    volatile, so one of them sees the other, and no wake-up is lost.
   */

  @Nullable CoalescedCall next;
  @Nullable SharedExecution execution;
  private volatile @Nullable Thread waiter;

  /** The outcome of the execution, or of a copy of its result. */
  final void deliver(Object outcome, @Nullable UnaryOperator<Object> copier) {
    if (outcome instanceof SharedExecution.Failure(Throwable cause)) {
      fail(cause);
      return;
    }
    Object result = SharedExecution.result(outcome);
    if (copier != null && result != null && !isDone()) {
      try {
        result = copier.apply(result);
      } catch (Throwable failure) {
        fail(failure);
        return;
      }
    }
    if (super.complete(result)) {
      ended();
    }
  }

  /** The call has come; before anything else. */
  void starts() {}

  /**
   * Returns whether this was what the call ended with. A {@link CompletionException} is wrapped in
   * another, as {@code join} would throw it, and {@code get} its cause alone.
   */
  final boolean fail(Throwable failure) {
    boolean first =
        super.completeExceptionally(
            failure instanceof CompletionException ? new CompletionException(failure) : failure);
    if (first) {
      ended();
    }
    return first;
  }

  /** The call has its outcome, and leaves nothing behind. */
  void ended() {
    execution = null;
    wakeUp();
  }

  private void wakeUp() {
    Thread thread = waiter;
    if (thread != null) {
      LockSupport.unpark(thread);
    }
  }

  @Override
  public boolean complete(@Nullable Object result) {
    StackRoom.requireSome();
    return super.complete(result) && abandoned();
  }

  @Override
  public boolean completeExceptionally(Throwable failure) {
    StackRoom.requireSome();
    return super.completeExceptionally(failure) && abandoned();
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    StackRoom.requireSome();
    if (super.completeExceptionally(new CancellationException())) {
      abandoned();
    }
    return isCancelled();
  }

  @Override
  public CompletableFuture<@Nullable Object> completeAsync(
      Supplier<? extends @Nullable Object> supplier, Executor executor) {
    Completions.completeAsync(this, supplier, executor);
    return this;
  }

  /** Its caller needs no outcome anymore. Returns true. */
  final boolean abandoned() {
    SharedExecution abandoned = execution;
    ended();
    if (abandoned != null) {
      abandoned.left();
    }
    return true;
  }

  /**
   * Blocks until there is an outcome; gives up if the thread is interrupted before.
   *
   * @throws CompletionException with a checked failure of the execution as its cause; others are
   *     thrown as one of this caller's own
   */
  final @Nullable Object await() throws InterruptedException {
    awaitEnd();
    return switch (state()) {
      case SUCCESS -> resultNow();
      case CANCELLED -> throw cancellation();
      default -> throw thrown(exceptionNow());
    };
  }

  /** Blocks until the call has ended; gives up if the thread is interrupted before. */
  final void awaitEnd() throws InterruptedException {
    if (isDone()) {
      return;
    }
    waiter = Thread.currentThread();
    while (!isDone()) {
      LockSupport.park(this);
      if (Thread.interrupted()) {
        if (cancel(true)) {
          throw new InterruptedException();
        }
        Thread.currentThread().interrupt();
        break;
      }
    }
    waiter = null;
  }

  private static RuntimeException thrown(Throwable failure) {
    return failure instanceof HeadraceException outcome
        ? outcome
        : Failures.unchecked(Failures.isChecked(failure) ? failure : Failures.ownOf(failure));
  }

  /** An exception of this caller for an execution that was cancelled. */
  final CancellationException cancellation() {
    CancellationException own = new CancellationException("the execution was cancelled");
    own.initCause(failure());
    return own;
  }

  /** What a call that has ended without a result has failed with, be it a cancellation. */
  final Throwable failure() {
    return state() == State.CANCELLED ? cancelledWith() : exceptionNow();
  }

  private Throwable cancelledWith() {
    return requireNonNull(super.<Throwable>handle((_, failure) -> requireNonNull(failure)).join());
  }
}
