package io.headrace;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Holds the batches it is given until a test answers them, one by one. Not thread safe. */
final class HeldBatches<T> implements AsyncHandler<T, T> {
  private record Held<T>(List<T> items, CompletableFuture<List<T>> answer) {}

  final List<List<T>> batches = new ArrayList<>();
  private final Queue<Held<T>> held = new ArrayDeque<>();

  @Override
  public CompletionStage<List<T>> handle(List<T> items) {
    Held<T> batch = new Held<>(List.copyOf(items), new CompletableFuture<>());
    batches.add(batch.items);
    held.add(batch);
    return batch.answer;
  }

  /** Answers the oldest batch, each item with itself. Returns false if there is none. */
  boolean answer() {
    Held<T> batch = held.poll();
    return batch != null && batch.answer.complete(batch.items);
  }

  /** Fails the oldest batch. */
  void fail(Throwable failure) {
    held.remove().answer.completeExceptionally(failure);
  }

  void answerAll() {
    while (answer()) {}
  }

  int heldCount() {
    return held.size();
  }

  List<T> items() {
    return batches.stream().flatMap(List::stream).toList();
  }
}
