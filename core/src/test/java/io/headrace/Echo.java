package io.headrace;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;

/** A batch function that answers each item with itself and remembers its batches. */
final class Echo<T> implements Handler<T, T> {
  final List<List<T>> batches = new CopyOnWriteArrayList<>();

  @Override
  public List<T> handle(List<T> items) {
    List<T> batch = List.copyOf(items);
    batches.add(batch);
    return batch;
  }

  /** The same for a worker that takes some virtual time for each batch. */
  CompletionStage<List<T>> handle(List<T> items, VirtualTime time, Duration duration) {
    return time.after(handle(items), duration);
  }

  /** All items in the order in which they were handled. */
  List<T> items() {
    return batches.stream().flatMap(List::stream).toList();
  }

  List<Integer> sizes() {
    return batches.stream().map(List::size).toList();
  }
}
