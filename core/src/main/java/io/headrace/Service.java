package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Something that answers items: takes one and promises a result for it.
 *
 * <p>Every part of Headrace is a service or turns one service into another, so parts compose and
 * each is usable alone. A lambda is a service, too.
 *
 * <p><b>Thread safety.</b> Any thread may call any method at any time, also after a close.
 *
 * <p><b>Blocking.</b> {@code submit} and {@code submitAll} never block, except that a step whose
 * workers are {@link Workers#inline() inline} executes on the calling thread. {@code call} blocks;
 * it is made for virtual threads.
 *
 * <p><b>Errors.</b> What happens to an item is told by its future, never thrown by {@code submit}:
 * the handler's own exception, or a {@link HeadraceException} that says which of the documented
 * outcomes happened. Only a call that makes no sense, a null item or a priority that does not
 * exist, throws at once; and a thread at the end of its stack gets {@link StackOverflowError}, with
 * nothing submitted. Every future completes.
 *
 * <p><b>Memory consistency.</b> What a thread did before it submitted an item happens-before the
 * handler sees the item; what the handler did before it returned happens-before the future
 * completes.
 *
 * <p><b>Services of one's own</b>, lambdas included, have two duties: they end a call whose {@link
 * CallOptions#timeout} is over, with {@link DeadlineExceededException}, and stop their work when
 * the future that they have returned is cancelled. One that hands its calls on to another service
 * does both if it passes the options on and returns the future that it gets; a stage made from that
 * future ends in time, too, but does not pass its cancellation on. Behind {@link Throttle#around}
 * and {@link Coalescer#around} callers are told in time whatever the service does.
 *
 * @param <I> the type of an item
 * @param <O> the type of a result
 */
@FunctionalInterface
public interface Service<I, O extends @Nullable Object> {

  /**
   * Takes an item and returns at once.
   *
   * <p>Cancelling the future, or completing it otherwise, withdraws the item wherever it still
   * waits: {@link CompletableFuture#orTimeout} and {@link CompletableFuture#completeOnTimeout} on
   * this very future do so when their time is over, while those on a stage made from it leave the
   * item where it is. A handler that already runs is not interrupted; its result is dropped.
   *
   * @param item the item
   * @param options the timeout, the priority and the listener of this call
   * @return a future that completes with the result, or with the reason why there is none
   * @throws IllegalArgumentException if the priority does not exist in this service
   */
  CompletableFuture<O> submit(I item, CallOptions options);

  /**
   * Takes an item and returns at once, with {@link CallOptions#DEFAULT}.
   *
   * @param item the item
   * @return a future that completes with the result, or with the reason why there is none
   */
  default CompletableFuture<O> submit(I item) {
    return submit(item, CallOptions.DEFAULT);
  }

  /**
   * Takes items that belong together and returns at once. A service with inline workers executes
   * them as one batch, or as several if they exceed its maximum; any other treats them as if each
   * had been submitted alone.
   *
   * @param items the items
   * @param options the timeout, the priority and the listener of each of these calls
   * @return the futures, in the order of the items
   */
  default List<CompletableFuture<O>> submitAll(Collection<? extends I> items, CallOptions options) {
    List<CompletableFuture<O>> futures = new ArrayList<>(requireNonNull(items, "items").size());
    for (I item : items) { // all of them first: none is submitted if one makes no sense
      requireNonNull(item, "item");
    }
    for (I item : items) {
      futures.add(submit(item, options));
    }
    return futures;
  }

  /**
   * Takes items that belong together, with {@link CallOptions#DEFAULT}.
   *
   * @param items the items
   * @return the futures, in the order of the items
   */
  default List<CompletableFuture<O>> submitAll(Collection<? extends I> items) {
    return submitAll(items, CallOptions.DEFAULT);
  }

  /**
   * Takes an item and blocks until its result is there.
   *
   * <p>An unchecked exception of the handler is thrown as it is, the same instance for all callers
   * of a batch that failed as a whole; a checked one is the cause of a {@link CompletionException}.
   *
   * @param item the item
   * @param options the timeout, the priority and the listener of this call
   * @return the result
   * @throws InterruptedException if the calling thread is interrupted; the item is withdrawn
   * @throws HeadraceException if the service could not answer; the subclass says why
   * @throws CancellationException if the call was cancelled from inside the service
   * @throws CompletionException if the handler failed with a checked exception
   */
  default O call(I item, CallOptions options) throws InterruptedException {
    CompletableFuture<O> future = submit(item, options);
    try {
      return future.get();
    } catch (InterruptedException e) {
      future.cancel(true);
      throw e;
    } catch (ExecutionException e) {
      throw Failures.unchecked(e.getCause());
    }
  }

  /**
   * Takes an item and blocks until its result is there, with {@link CallOptions#DEFAULT}.
   *
   * @param item the item
   * @return the result
   * @throws InterruptedException if the calling thread is interrupted; the item is withdrawn
   * @throws HeadraceException if the service could not answer; the subclass says why
   * @throws CompletionException if the handler failed with a checked exception
   */
  default O call(I item) throws InterruptedException {
    return call(item, CallOptions.DEFAULT);
  }
}
