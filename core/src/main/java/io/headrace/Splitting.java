package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/** Submits items that are heavier than a batch in parts. */
final class Splitting<I, O extends @Nullable Object> {
  private final String name;
  private final Splitter<I, O> splitter;
  private final ToIntFunction<? super I> weight;
  private final int maxWeight;

  Splitting(String name, Splitter<I, O> splitter, ToIntFunction<? super I> weight, int maxWeight) {
    this.name = name;
    this.splitter = splitter;
    this.weight = weight;
    this.maxWeight = maxWeight;
  }

  CompletableFuture<O> submit(Flow<I, O> flow, I item, CallOptions options) {
    requireNonNull(item, "item");
    List<I> parts;
    try {
      parts = weight.applyAsInt(item) <= maxWeight ? List.of() : parts(item);
    } catch (Throwable failure) {
      return flow.fail(item, options, failure);
    }
    return parts.isEmpty()
        ? flow.submit(item, options)
        : joined(item, flow.submitAll(parts, options));
  }

  private List<I> parts(I item) {
    List<I> parts =
        new ArrayList<>(
            requireNonNull(
                splitter.split(item, maxWeight),
                () -> "the parts that the splitter of " + name + " made"));
    check(parts);
    return parts;
  }

  private void check(List<I> parts) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException(
          "the splitter of " + name + " made no parts of an item, it has to make at least one");
    }
    for (I part : parts) {
      requireNonNull(part, () -> "a part that the splitter of " + name + " made");
      int partWeight = weight.applyAsInt(part);
      if (partWeight > maxWeight) {
        throw new IllegalArgumentException(
            "the splitter of "
                + name
                + " made a part of weight "
                + partWeight
                + ", a batch takes at most "
                + maxWeight);
      }
    }
  }

  /** The future of an item, from those of its parts, which belong to nobody else. */
  CompletableFuture<O> joined(I item, List<CompletableFuture<O>> parts) {
    CompletableFuture<O> whole = new CompletableFuture<>();
    AtomicBoolean hasFailed = new AtomicBoolean();
    for (CompletableFuture<O> part : parts) {
      var _ =
          part.whenComplete(
              (result, failure) -> {
                if (failure != null && hasFailed.compareAndSet(false, true)) {
                  try {
                    cancelAll(parts); // before continuations of the item run, which can take long
                  } finally {
                    whole.completeExceptionally(Failures.unwrapped(failure));
                  }
                }
              });
    }
    var _ =
        CompletableFuture.allOf(parts.toArray(CompletableFuture[]::new))
            .thenRun(() -> join(item, parts, whole));
    var _ = whole.whenComplete((result, failure) -> cancelAll(parts));
    return whole;
  }

  private static void cancelAll(List<? extends CompletableFuture<?>> parts) {
    parts.forEach(part -> part.cancel(true));
  }

  private void join(I item, List<CompletableFuture<O>> parts, CompletableFuture<O> whole) {
    try {
      List<O> results = new ArrayList<>(parts.size());
      for (CompletableFuture<O> part : parts) {
        results.add(part.join());
      }
      whole.complete(splitter.join(item, results));
    } catch (Throwable failure) {
      whole.completeExceptionally(failure);
    }
  }
}
