package io.headrace;

import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * How the task of one input ended: with a value, which may be null, or with a failure.
 *
 * @param index the place of the input in the source, from 0
 * @param input the input
 * @param value the result, null if the task failed
 * @param failure what the task threw, unwrapped, or null if it did not fail; {@link
 *     DeadlineExceededException} if its time was over
 * @param <I> the type of an input
 * @param <O> the type of a result
 */
public record TaskOutcome<I extends @Nullable Object, O extends @Nullable Object>(
    long index, I input, @Nullable O value, @Nullable Throwable failure) {

  /**
   * Whether the task failed.
   *
   * @return true if there is a failure
   */
  public boolean isFailure() {
    return failure != null;
  }

  /**
   * The value, or the failure thrown: an unchecked one as it is, a checked one as the cause of a
   * {@link CompletionException}.
   *
   * @return the result of the task
   * @throws CompletionException if the task failed with a checked exception
   */
  @SuppressWarnings("NullAway") // null only where O allows it
  public O orThrow() {
    if (failure != null) {
      throw Failures.unchecked(failure);
    }
    return value;
  }
}
