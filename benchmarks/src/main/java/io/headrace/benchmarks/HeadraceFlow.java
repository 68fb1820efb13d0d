package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.FlowBuilder;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.StepOptions;
import io.headrace.Workers;
import java.util.concurrent.CompletableFuture;

/** Headrace: steps with one worker each. */
final class HeadraceFlow implements Contender {
  private final Flow<Integer, Integer> flow;

  /**
   * Starts the flow.
   *
   * @param later the workers of all steps after the first one, which has a thread
   * @param steps how many steps
   */
  HeadraceFlow(Workers later, BatchFunction function, int steps) {
    Handler<Integer, Integer> handler = function::handle;
    FlowBuilder<Integer, Integer> builder =
        Flow.<Integer>builder("benchmark")
            .step(
                "step 1",
                handler,
                step -> policy(step).queue(Limits.QUEUE_CAPACITY, OnFull.fail()));
    for (int step = 2; step <= steps; step++) {
      builder = builder.step("step " + step, handler, next -> policy(next).workers(later));
    }
    flow = builder.build();
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
