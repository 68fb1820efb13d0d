package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A batch whose items have a future each; completes with their outcomes when all are done. */
final class StagedItems<O extends @Nullable Object> extends CompletableFuture<Outcomes<O>> {
  private final List<CompletableFuture<? extends O>> futures;

  <I> StagedItems(
      Function<? super I, ? extends CompletionStage<? extends O>> function, List<I> items) {
    futures = new ArrayList<>(items.size());
    for (I item : items) {
      futures.add(start(function, item));
    }
    var _ =
        CompletableFuture.allOf(futures.toArray(CompletableFuture[]::new))
            .whenComplete((_, _) -> complete(outcomes()));
  }

  /** The future of an item, whatever the function does. */
  private static <I, O extends @Nullable Object> CompletableFuture<? extends O> start(
      Function<? super I, ? extends CompletionStage<? extends O>> function, I item) {
    try {
      CompletionStage<? extends O> stage =
          requireNonNull(function.apply(item), "the stage that the function returned");
      return requireNonNull(stage.toCompletableFuture(), "the future of the stage");
    } catch (Throwable failure) {
      return CompletableFuture.failedFuture(failure);
    }
  }

  private Outcomes<O> outcomes() {
    Outcomes<O> outcomes = new Outcomes<>(futures.size());
    for (CompletableFuture<? extends O> future : futures) {
      switch (future.state()) {
        case SUCCESS -> outcomes.add(future.resultNow());
        case FAILED -> outcomes.addFailure(Failures.unwrapped(future.exceptionNow()));
        default -> outcomes.addFailure(new CancellationException("the request was cancelled"));
      }
    }
    return outcomes;
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    boolean isCancelled = super.cancel(mayInterruptIfRunning);
    futures.forEach(future -> future.cancel(mayInterruptIfRunning));
    return isCancelled;
  }
}
