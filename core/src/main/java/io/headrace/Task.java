package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What is done with each input of a {@link Run}: a function that blocks, on a virtual thread, or
 * one made by {@link #async} that returns a stage at once.
 *
 * {@snippet class="io.headrace.RunSnippetsTest" region="task"}
 *
 * <p>Tasks of one run execute at the same time and have to be thread safe together.
 *
 * @param <I> the type of an input
 * @param <O> the type of a result
 */
@FunctionalInterface
public interface Task<I extends @Nullable Object, O extends @Nullable Object> {
  /**
   * Handles one input. May block. It is interrupted when its time is over, or when the run is
   * stopped; it should then end soon.
   *
   * <p>In a run it returns when its work has ended. A {@code CompletionStage}, a {@code Future} or
   * a {@code Flow.Publisher} in place of a result stops the run with {@link
   * IllegalArgumentException}: nobody would wait for it, and the permit would go back before the
   * work is done. {@link #async} is for those.
   *
   * @param input the input
   * @return the result
   * @throws Exception if it fails
   */
  O run(I input) throws Exception;

  /**
   * A task that does not block: the stage it returns completes with the result. The function is
   * called on one virtual thread of the run, one input after the other, so it should return soon.
   * When the time of the task is over, or when the run is stopped, the stage is cancelled through
   * {@link CompletionStage#toCompletableFuture}. The permit is kept until the stage completes.
   *
   * @param function starts the work; a null in place of a stage fails the task
   * @return the task
   * @param <I> the type of an input
   * @param <O> the type of a result
   */
  static <I extends @Nullable Object, O extends @Nullable Object> Task<I, O> async(
      Function<? super I, ? extends CompletionStage<? extends O>> function) {
    return new AsyncTask<>(requireNonNull(function, "function"));
  }
}
