package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;

/**
 * A library behind the one contract that is measured: every item gets a future, and that future
 * completes with the result of this very item. Thread safe. {@code submit} does not wait for
 * results, except where the contender's description says that it executes on the calling thread.
 */
interface Contender extends AutoCloseable {
  CompletableFuture<Integer> submit(Integer item);

  /**
   * Called by a producer after its last item and before it waits: libraries that have no thread and
   * no timer of their own have to be told that it is time.
   */
  default void flush() {}

  @Override
  void close();
}
