package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;

/**
 * A library behind the one contract that is measured: every item gets a future, and that future
 * completes with the result of this very item. Thread safe.
 */
interface Contender extends AutoCloseable {
  /** Takes an item. Does not wait for its result. */
  CompletableFuture<Integer> submit(Integer item);

  /**
   * Takes a burst of items. Does not wait for their results, unless it runs them on this thread.
   */
  default void submitAll(Integer[] items, Future<?>[] futures) {
    for (int i = 0; i < items.length; i++) {
      futures[i] = submit(items[i]);
    }
  }

  /** Takes an item and waits for its result. */
  default Integer call(Integer item) throws InterruptedException {
    return submit(item).join();
  }

  @Override
  void close();
}
