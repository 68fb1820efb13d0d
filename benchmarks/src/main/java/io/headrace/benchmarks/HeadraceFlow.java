package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.StepOptions;
import io.headrace.Workers;
import java.util.concurrent.CompletableFuture;

/** Headrace: three steps with one worker each. */
final class HeadraceFlow implements Contender {
  private final Flow<Integer, Integer> flow;

  /**
   * Starts the flow.
   *
   * @param later the workers of the second and the third step; the first one has a thread
   */
  HeadraceFlow(Workers later, BatchFunction function) {
    Handler<Integer, Integer> handler = function::handle;
    flow =
        Flow.<Integer>builder("benchmark")
            .step(
                "first", handler, step -> policy(step).queue(Limits.QUEUE_CAPACITY, OnFull.fail()))
            .step("second", handler, step -> policy(step).workers(later))
            .step("third", handler, step -> policy(step).workers(later))
            .build();
    try {
      flow.start();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted while the flow started", e);
    }
  }

  private static <I> StepOptions<I> policy(StepOptions<I> step) {
    return step.batch(BatchPolicy.greedy(Limits.MAX_BATCH));
  }

  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    return flow.submit(item);
  }

  @Override
  public Integer call(Integer item) throws InterruptedException {
    return flow.call(item);
  }

  @Override
  public void close() {
    flow.close();
  }
}
