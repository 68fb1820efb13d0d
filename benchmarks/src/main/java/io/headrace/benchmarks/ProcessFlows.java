package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.Tensor;
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

  /** Makes a tensor of some bytes for each item. */
  static final class Fresh implements Handler<Object, Object> {
    private final int bytes;

    Fresh(int bytes) {
      this.bytes = bytes;
    }

    @Override
    public List<Object> handle(List<Object> items) {
      return items.stream().<Object>map(item -> Tensor.of(new byte[bytes], bytes)).toList();
    }
  }

  /** A step with one process whose results have so many bytes. */
  static Flow<Object, Object> startFresh(int bytes) throws InterruptedException {
    return Flow.<Object>builder("processes")
        .<Object>stepPerWorker(
            "fresh",
            HandlerFactory.of(() -> new Fresh(bytes)),
            s -> s.workers(WorkerProcesses.of(1)))
        .build()
        .start(Duration.ofMinutes(1));
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
