package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer;
import io.headrace.WorkerStatus;
import io.headrace.process.HandlerFactory;
import io.headrace.process.WorkerProcesses;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * How long it takes from the SIGKILL of one of two workers until the item that it executed is
 * executed by the other worker, which is an upper bound of when it was queued again, and until it
 * is answered; and until observers are told, which is when the system has taken the process apart
 * and its last lines were read. The clock is that of the machine, for all processes.
 */
public final class ProcessDeaths {
  private static final int KILLS = 100;
  private static final int WARM_UPS = 5;

  /** So many batches each worker has executed before, which is what the other one may be. */
  private static final int BATCHES = 2000;

  private ProcessDeaths() {}

  /** Answers with the process that it is in, and when; hangs if that is the item. */
  static final class HangsIn implements Handler<Object, Object> {
    @Override
    public java.util.List<Object> handle(java.util.List<Object> items) throws InterruptedException {
      long begin = System.nanoTime();
      long own = ProcessHandle.current().pid();
      if (items.getFirst().equals(own)) {
        Thread.sleep(Duration.ofMinutes(1));
      }
      return java.util.List.of(new long[] {own, begin});
    }
  }

  /**
   * Prints a row.
   *
   * @param args none
   */
  public static void main(String[] args) throws Exception {
    System.setProperty("java.util.logging.SimpleFormatter.format", "");
    double[] executed = new double[KILLS];
    double[] told = new double[KILLS];
    double[] answers = new double[KILLS];
    BlockingQueue<Long> deaths = new LinkedBlockingQueue<>();
    try (Flow<Object, Object> flow = start(deaths)) {
      for (int i = -WARM_UPS; i < KILLS; i++) {
        warmUp(flow);
        long victim = ((long[]) flow.call(0L))[0];
        CompletableFuture<Object> answer = flow.submit(victim);
        Thread.sleep(5); // it has begun
        long begin = System.nanoTime();
        ProcessHandle.of(victim).orElseThrow().destroyForcibly();
        long[] answered = (long[]) answer.get();
        long end = System.nanoTime();
        if (answered[0] == victim) {
          throw new IllegalStateException("the dead has answered");
        }
        long seen = deaths.take();
        if (i >= 0) {
          executed[i] = (answered[1] - begin) / 1e6;
          answers[i] = (end - begin) / 1e6;
          told[i] = (seen - begin) / 1e6;
        }
        awaitRestart(flow, i + WARM_UPS + 1);
      }
    }
    System.out.println(
        "| from SIGKILL, %d times, to | p50 ms | p99 ms | longest ms |".formatted(KILLS));
    System.out.println("|---|---|---|---|");
    print("executed by the other worker", executed);
    print("answered by the other worker", answers);
    print("observers told", told);
  }

  private static void warmUp(Flow<Object, Object> flow) {
    for (int i = 0; i < BATCHES; i++) {
      CompletableFuture<Object> first = flow.submit(0L);
      flow.submit(0L).join();
      first.join();
    }
  }

  private static void print(String what, double[] millis) {
    Arrays.sort(millis);
    System.out.printf(
        Locale.ROOT,
        "| %s | %.1f | %.1f | %.1f |%n",
        what,
        millis[KILLS / 2],
        millis[KILLS * 99 / 100 - 1],
        millis[KILLS - 1]);
  }

  private static Flow<Object, Object> start(BlockingQueue<Long> deaths)
      throws InterruptedException {
    return Flow.<Object>builder("deaths")
        .observer(
            new Observer() {
              @Override
              public void onWorker(WorkerEvent event) {
                if (event.kind() == WorkerEvent.Kind.DIED) {
                  deaths.add(System.nanoTime());
                }
              }
            })
        .<Object>stepPerWorker(
            "step",
            HandlerFactory.of(HangsIn::new),
            step ->
                step.batch(BatchPolicy.greedy(1))
                    .workers(
                        WorkerProcesses.builder(2)
                            .ahead(0)
                            .retry(3)
                            .inputMemoryBytes(1 << 20)
                            .resultMemoryBytes(1 << 20)
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
