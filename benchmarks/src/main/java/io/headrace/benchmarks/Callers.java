package io.headrace.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A closed loop: virtual threads that each submit an item, wait for its result, and go on with the
 * next.
 */
final class Callers {
  private Callers() {}

  /**
   * Runs the loops to their end.
   *
   * @param callers how many virtual threads
   * @param calls how many items each of them submits, one after the other
   */
  static void run(Contender contender, int callers, int calls)
      throws InterruptedException, ExecutionException {
    List<Future<?>> ends = new ArrayList<>(callers);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int caller = 0; caller < callers; caller++) {
        Integer item = 1_000 + caller;
        ends.add(threads.submit(() -> loop(contender, item, calls)));
      }
    }
    for (Future<?> end : ends) {
      end.get();
    }
  }

  private static Integer loop(Contender contender, Integer item, int calls)
      throws InterruptedException {
    for (int i = 0; i < calls; i++) {
      Results.check(item, contender.call(item));
    }
    return calls;
  }
}
