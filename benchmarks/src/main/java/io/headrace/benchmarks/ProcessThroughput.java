package io.headrace.benchmarks;

import io.headrace.Flow;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Semaphore;

/** How many items go through worker processes in a second, 64 of them in flight. */
public final class ProcessThroughput {
  private static final int IN_FLIGHT = 64;
  private static final int RUNS = 3;
  private static final double SECONDS = 1.5;

  private ProcessThroughput() {}

  /**
   * Prints a table.
   *
   * @param args none
   */
  public static void main(String[] args) throws InterruptedException {
    System.out.println(
        "| steps | processes | batch | handler | items/s, every run | of the ideal |");
    System.out.println("|---|---|---|---|---|---|");
    for (int processes : new int[] {1, 2}) {
      for (int maxSize : new int[] {1, 32}) {
        print(1, processes, maxSize, Duration.ZERO);
      }
    }
    print(3, 1, 32, Duration.ZERO);
    print(1, 2, 1, Duration.ofMillis(1));
    print(1, 2, 1, Duration.ofNanos(200_000));
  }

  private static void print(int steps, int processes, int maxSize, Duration work)
      throws InterruptedException {
    StringBuilder runs = new StringBuilder();
    double last = 0;
    try (Flow<Object, Object> flow = ProcessFlows.start(steps, processes, maxSize, work)) {
      var _ = perSecond(flow);
      for (int run = 0; run < RUNS; run++) {
        last = perSecond(flow);
        runs.append(String.format(Locale.ROOT, "%,.0f ", last));
      }
    }
    double ideal = work.isZero() ? 0 : processes * 1e9 / work.toNanos();
    System.out.printf(
        Locale.ROOT,
        "| %d | %d | %d | %s | %s | %s |%n",
        steps,
        processes,
        maxSize,
        work.isZero() ? "nothing" : work.toNanos() / 1000 + " us",
        runs.toString().trim(),
        ideal == 0 ? "" : String.format(Locale.ROOT, "%.1f %%", 100 * last / ideal));
  }

  private static double perSecond(Flow<Object, Object> flow) throws InterruptedException {
    Semaphore room = new Semaphore(IN_FLIGHT);
    long begin = System.nanoTime();
    long end = begin + (long) (SECONDS * 1e9);
    int sent = 0;
    while (System.nanoTime() - end < 0) {
      room.acquire();
      sent++;
      var _ = flow.submit(sent).whenComplete((answer, failure) -> room.release());
    }
    room.acquire(IN_FLIGHT); // all are back
    return sent / ((System.nanoTime() - begin) / 1e9);
  }
}
