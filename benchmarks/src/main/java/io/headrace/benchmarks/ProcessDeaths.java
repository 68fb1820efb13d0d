package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.WorkerStatus;
import io.headrace.process.HandlerFactory;
import io.headrace.process.WorkerProcesses;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;

/**
 * How long it takes from the SIGKILL of one of two workers until the item that it executed is
 * answered by the other one, which includes that the death was seen, and the item was queued again.
 */
public final class ProcessDeaths {
  private static final int KILLS = 100;
  private static final int WARM_UPS = 5;

  private ProcessDeaths() {}

  /** Answers with the process that it is in, unless it is to hang there. */
  static final class HangsIn implements Handler<Object, Object> {
    @Override
    public java.util.List<Object> handle(java.util.List<Object> items) throws InterruptedException {
      long own = ProcessHandle.current().pid();
      if (items.getFirst().equals(own)) {
        Thread.sleep(Duration.ofMinutes(1));
      }
      return java.util.List.of(own);
    }
  }

  /**
   * Prints a row.
   *
   * @param args none
   */
  public static void main(String[] args) throws Exception {
    System.setProperty("java.util.logging.SimpleFormatter.format", "");
    double[] millis = new double[KILLS];
    int restarts = 0;
    try (Flow<Object, Object> flow = start()) {
      for (int i = -WARM_UPS; i < KILLS; i++) {
        Object victim = flow.call(0L);
        CompletableFuture<Object> answer = flow.submit(victim);
        Thread.sleep(5); // it has begun
        long begin = System.nanoTime();
        ProcessHandle.of((Long) victim).orElseThrow().destroyForcibly();
        if (answer.get().equals(victim)) {
          throw new IllegalStateException("the dead has answered");
        }
        if (i >= 0) {
          millis[i] = (System.nanoTime() - begin) / 1e6;
        }
        restarts++;
        awaitRestart(flow, restarts);
      }
    }
    Arrays.sort(millis);
    System.out.println("| kills | p50 ms | p99 ms | longest ms |");
    System.out.println("|---|---|---|---|");
    System.out.printf(
        Locale.ROOT,
        "| %d | %.1f | %.1f | %.1f |%n",
        KILLS,
        millis[KILLS / 2],
        millis[KILLS * 99 / 100 - 1],
        millis[KILLS - 1]);
  }

  private static Flow<Object, Object> start() throws InterruptedException {
    return Flow.<Object>builder("deaths")
        .<Object>stepPerWorker(
            "step",
            HandlerFactory.of(HangsIn::new),
            step ->
                step.batch(BatchPolicy.greedy(1))
                    .workers(
                        WorkerProcesses.builder(2)
                            .ahead(0)
                            .retry(3)
                            .inputMemory(1 << 20)
                            .resultMemory(1 << 20)
                            .restartDelay(Duration.ofMillis(1))
                            .build()))
        .build()
        .start(Duration.ofMinutes(1));
  }

  private static void awaitRestart(Flow<Object, Object> flow, int restarts)
      throws InterruptedException {
    while (flow.workers("step").stream().mapToInt(WorkerStatus::restarts).sum() < restarts
        || flow.workers("step").stream()
            .anyMatch(worker -> worker.state() != WorkerStatus.State.IDLE)) {
      Thread.sleep(5);
    }
  }
}
