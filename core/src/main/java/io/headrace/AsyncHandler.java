package io.headrace;

import java.util.List;
import java.util.concurrent.CompletionStage;
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
}
