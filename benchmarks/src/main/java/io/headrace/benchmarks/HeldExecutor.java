package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;

/**
 * Keeps its tasks until somebody runs them: workers that are held up while their queues are filled,
 * and then work on the thread of the benchmark, so that no wake-up of a thread is measured.
 */
final class HeldExecutor implements Executor {
  private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();

  @Override
  public void execute(Runnable task) {
    tasks.add(task);
  }

  /** Runs what there is. */
  void run() {
    Runnable task;
    while ((task = tasks.poll()) != null) {
      task.run();
    }
  }

  /** Runs what there is until a future is done. */
  void runUntil(CompletableFuture<?> future) {
    while (!future.isDone()) {
      run();
    }
  }
}
