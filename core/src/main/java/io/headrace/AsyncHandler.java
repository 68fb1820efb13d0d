package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Handles items a batch at a time without holding a thread: for clients that return futures.
 *
 * <p>It is called on a worker; the worker is busy until the stage completes, so that the number of
 * workers is the number of batches in flight, but its thread is free at once.
 *
 * @param <I> the type of an item
 * @param <O> the type of a result
 */
@FunctionalInterface
public interface AsyncHandler<I extends @Nullable Object, O extends @Nullable Object> {
  /**
   * Starts to handle a batch. The list that the stage completes with follows the rules of {@link
   * Handler#handle}, and so does what it fails with. A shutdown cancels the stage.
   *
   * @param items at least one and at most the policy's maximum; not modifiable. {@link TimeLeft}
   *     says how long their callers wait
   * @return a stage of a result for each item, in the same order
   * @throws Exception to fail every item of the batch
   */
  CompletionStage<? extends List<O>> handle(List<I> items) throws Exception;

  /**
   * A handler for clients that return a stage for each item: all items of a batch are sent at once,
   * and the batch ends with the last of them. An item whose stage fails, or for which the function
   * throws or returns null, fails alone; one whose stage is done waits for the others of its batch.
   * A shutdown cancels the stages that have not completed, through {@link
   * CompletionStage#toCompletableFuture}.
   *
   * <p>The size of a batch is so the number of requests that one worker has in flight. Where
   * requests need nothing of each other, {@link Throttle#around} bounds their number without
   * letting any wait for others.
   *
   * @param function starts the work for one item and does not block; thread safe if there are
   *     several workers
   * @return the handler
   * @param <I> the type of an item
   * @param <O> the type of a result
   */
  static <I, O extends @Nullable Object> AsyncHandler<I, O> each(
      Function<? super I, ? extends CompletionStage<? extends O>> function) {
    requireNonNull(function, "function");
    return items -> new StagedItems<>(function, items);
  }
}
