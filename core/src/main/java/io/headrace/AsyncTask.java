package io.headrace;

import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A task that starts its work and returns a stage. */
record AsyncTask<I extends @Nullable Object, O extends @Nullable Object>(
    Function<? super I, ? extends CompletionStage<? extends O>> function) implements Task<I, O> {

  CompletionStage<? extends O> start(I input) {
    CompletionStage<? extends O> stage = function.apply(input);
    if (stage == null) {
      throw new NullPointerException("the task returned null in place of a stage");
    }
    return stage;
  }

  /** For those who call a task themselves; a run uses the stage. */
  @Override
  public O run(I input) throws Exception {
    try {
      return start(input).toCompletableFuture().get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Exception cause) {
        throw cause;
      }
      throw e;
    }
  }
}
