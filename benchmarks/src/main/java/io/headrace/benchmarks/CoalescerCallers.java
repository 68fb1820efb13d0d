package io.headrace.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A closed loop: virtual threads that each call one key and wait. Executions end when the first
 * caller of each gives up its processor, so that the others join.
 */
final class CoalescerCallers {
  private CoalescerCallers() {}

  /**
   * Runs the loops to their end.
   *
   * @param callers how many virtual threads
   * @param calls how many calls each makes, one after the other
   */
  static void run(CoalescerCalls contender, CoalescerFunction function, int callers, int calls)
      throws InterruptedException, ExecutionException {
    Integer key = 1_000;
    List<Future<?>> ends = new ArrayList<>(callers);
    AtomicBoolean isOver = new AtomicBoolean();
    try (ExecutorService ending = Executors.newVirtualThreadPerTaskExecutor()) {
      ending.execute(() -> endUntil(isOver, function));
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int caller = 0; caller < callers; caller++) {
          ends.add(threads.submit(() -> loop(contender, key, calls)));
        }
      } finally {
        isOver.set(true); // only now: callers that are not answered wait for ever
      }
    }
    for (Future<?> end : ends) {
      end.get();
    }
  }

  private static Integer loop(CoalescerCalls contender, Integer key, int calls)
      throws InterruptedException {
    for (int i = 0; i < calls; i++) {
      Results.check(key, contender.call(key));
    }
    return calls;
  }

  /** Goes last among the threads that are ready, and ends what they began. */
  @SuppressWarnings("ThreadPriorityCheck") // it yields to virtual threads, which are ready
  private static void endUntil(AtomicBoolean isOver, CoalescerFunction function) {
    while (!isOver.get()) {
      function.endAll();
      Thread.yield();
    }
  }
}
