package io.headrace.benchmarks;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/**
 * A producer that keeps a bounded number of items in flight: it submits a burst and waits for all
 * of its results. Used by one thread.
 */
final class Bursts {
  private final Integer[] items;
  private final Future<?>[] futures;

  /**
   * Makes the items.
   *
   * @param first the number that the first item is
   * @param size how many items a burst has; a multiple of the largest batch, so that nobody waits
   *     out a delay
   */
  Bursts(int first, int size) {
    items = new Integer[size];
    futures = new Future<?>[size];
    for (int i = 0; i < size; i++) {
      items[i] = first + i;
    }
  }

  /**
   * Submits a burst and waits. Waits for the last item first, so that the producer is woken once.
   */
  void run(Contender contender) throws InterruptedException, ExecutionException {
    contender.submitAll(items, futures);
    for (int i = items.length - 1; i >= 0; i--) {
      Results.check(items[i], futures[i].get());
    }
  }
}
