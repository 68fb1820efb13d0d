package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What callers do with futures of ours that those of the JDK would do without asking them. */
final class Completions {
  private Completions() {}

  /**
   * Completes a future as {@link CompletableFuture#completeAsync} does, but through its {@code
   * complete}, so that it knows that its caller has completed it.
   */
  @SuppressWarnings("NullAway") // a result of null is one, whatever the type of the future says
  static <T extends @Nullable Object> void completeAsync(
      CompletableFuture<T> future, Supplier<? extends T> supplier, Executor executor) {
    requireNonNull(supplier, "supplier");
    executor.execute(
        () -> {
          if (future.isDone()) {
            return;
          }
          T result;
          try {
            result = supplier.get();
          } catch (Throwable failure) {
            future.completeExceptionally(new CompletionException(failure));
            return;
          }
          future.complete(result);
        });
  }
}
