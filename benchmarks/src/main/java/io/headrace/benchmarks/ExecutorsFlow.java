package io.headrace.benchmarks;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

/** An executor of one thread for each step, chained by {@code thenApplyAsync}. */
final class ExecutorsFlow implements Contender {
  private final List<ExecutorService> executors;

  /** An item on its way through the steps; the executors publish it from one to the next. */
  private static final class Way {
    private final Integer item;
    private int steps;

    Way(Integer item) {
      this.item = item;
    }

    Way step() {
      steps++;
      return this;
    }

    Integer end(int expectedSteps) {
      FlowCall.check(item, steps, expectedSteps);
      return item;
    }
  }

  ExecutorsFlow(int steps) {
    executors =
        Stream.generate(
                () -> Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory()))
            .limit(steps)
            .toList();
  }

  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    int last = executors.size() - 1;
    CompletableFuture<Way> stage = CompletableFuture.completedFuture(new Way(item));
    for (int step = 0; step < last; step++) {
      stage = stage.thenApplyAsync(Way::step, executors.get(step));
    }
    return stage.thenApplyAsync(done -> done.step().end(last + 1), executors.get(last));
  }

  @Override
  public void close() {
    executors.forEach(ExecutorService::shutdownNow);
  }
}
