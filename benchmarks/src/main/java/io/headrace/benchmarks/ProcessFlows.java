package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.process.HandlerFactory;
import io.headrace.process.WorkerProcesses;
import java.time.Duration;
import java.util.List;

/** Flows whose steps run in worker processes. */
final class ProcessFlows {
  private ProcessFlows() {}

  /** Does nothing, or computes for some time for each item. */
  static final class Work implements Handler<Object, Object> {
    private final long nanos;

    Work(long nanos) {
      this.nanos = nanos;
    }

    @Override
    public List<Object> handle(List<Object> items) {
      for (int i = 0; nanos > 0 && i < items.size(); i++) {
        long begin = System.nanoTime();
        while (System.nanoTime() - begin < nanos) {
          Thread.onSpinWait();
        }
      }
      return items;
    }
  }

  /** Some steps, each with processes of its own. */
  static Flow<Object, Object> start(int steps, int processes, int maxSize, Duration work)
      throws InterruptedException {
    long nanos = work.toNanos();
    var builder = Flow.<Object>builder("processes");
    for (int i = 0; i < steps; i++) {
      builder =
          builder.<Object>stepPerWorker(
              "step" + i,
              HandlerFactory.of(() -> new Work(nanos)),
              step ->
                  step.batch(BatchPolicy.greedy(maxSize))
                      .queue(1 << 16, OnFull.await())
                      .workers(WorkerProcesses.of(processes)));
    }
    return builder.build().start(Duration.ofMinutes(1));
  }
}
