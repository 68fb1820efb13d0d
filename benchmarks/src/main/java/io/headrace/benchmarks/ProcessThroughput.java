package io.headrace.benchmarks;

import io.headrace.Flow;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/**
 * How many items go through worker processes in a second, 64 of them in flight: where each answer
 * sends the next item, and where one thread sends them all and waits while there are 64.
 */
public final class ProcessThroughput {
  private static final int IN_FLIGHT = 64;
  private static final int WARM_UPS = 14;

  /** Handlers that need time do fewer items in a run, and what is compiled depends on items. */
  private static final int WARM_UPS_WITH_WORK = 60;

  private static final int RUNS = 3;
  private static final double SECONDS = 0.5;

  private ProcessThroughput() {}

  /**
   * Prints a table.
   *
   * @param args handlers, for those that need time; else for those that need none
   */
  public static void main(String[] args) throws Exception {
    System.out.println(
        "| steps | processes | batch | handler | each answer sends the next, items/s | one thread"
            + " sends all, items/s | of the ideal |");
    System.out.println("|---|---|---|---|---|---|---|");
    if (args.length > 0 && args[0].equals("handlers")) {
      print(1, 2, 1, Duration.ofMillis(1));
      print(1, 2, 1, Duration.ofNanos(200_000));
      return;
    }
    for (int processes : new int[] {1, 2}) {
      for (int maxSize : new int[] {1, 32}) {
        print(1, processes, maxSize, Duration.ZERO);
      }
    }
    print(3, 1, 1, Duration.ZERO);
    print(3, 1, 32, Duration.ZERO);
    try (GrpcEcho grpc = new GrpcEcho()) {
      System.out.printf(
          "| gRPC, Unix-domain socket | 1 | 1 | nothing |%s | | |%n",
          runs(WARM_UPS, () -> answers(grpc::send)));
    }
    System.exit(0); // threads of rivals may still run
  }

  private static void print(int steps, int processes, int maxSize, Duration work) throws Exception {
    double[] last = new double[1];
    int warmUps = work.isZero() ? WARM_UPS : WARM_UPS_WITH_WORK;
    String answers;
    String all;
    try (Flow<Object, Object> flow = ProcessFlows.start(steps, processes, maxSize, work)) {
      answers =
          runs(
              warmUps,
              () ->
                  last[0] =
                      answers(
                          whenBack -> {
                            var _ = flow.submit(1).thenRun(whenBack);
                          }));
      all = runs(warmUps, () -> oneThread(flow));
    }
    double ideal = work.isZero() ? 0 : processes * 1e9 / work.toNanos();
    System.out.printf(
        Locale.ROOT,
        "| %d | %d | %d | %s |%s |%s |%s |%n",
        steps,
        processes,
        maxSize,
        work.isZero() ? "nothing" : work.toNanos() / 1000 + " us",
        answers,
        all,
        ideal == 0 ? "" : String.format(Locale.ROOT, " %.1f %%", 100 * last[0] / ideal));
  }

  /** One run. */
  @FunctionalInterface
  private interface Run {
    double perSecond() throws Exception;
  }

  private static String runs(int warmUps, Run run) throws Exception {
    for (int i = 0; i < warmUps; i++) {
      var _ = run.perSecond();
    }
    StringBuilder runs = new StringBuilder();
    for (int i = 0; i < RUNS; i++) {
      runs.append(String.format(Locale.ROOT, " %,.0f", run.perSecond()));
    }
    return runs.toString();
  }

  private static double answers(RoundTrips.Sending sending) throws InterruptedException {
    Chains chains = new Chains(sending);
    long begin = System.nanoTime();
    for (int i = 0; i < IN_FLIGHT; i++) {
      chains.send();
    }
    Thread.sleep((long) (1000 * SECONDS));
    chains.isOver.set(true);
    chains.ended.await();
    return chains.back.sum() / ((System.nanoTime() - begin) / 1e9);
  }

  private static double oneThread(Flow<Object, Object> flow) throws InterruptedException {
    Semaphore room = new Semaphore(IN_FLIGHT);
    long begin = System.nanoTime();
    long end = begin + (long) (SECONDS * 1e9);
    int sent = 0;
    while (System.nanoTime() - end < 0) {
      room.acquire();
      sent++;
      var _ = flow.submit(1).thenRun(room::release);
    }
    room.acquire(IN_FLIGHT); // all are back
    return sent / ((System.nanoTime() - begin) / 1e9);
  }

  /** Items on their way again and again. */
  private static final class Chains {
    final LongAdder back = new LongAdder();
    final AtomicBoolean isOver = new AtomicBoolean();
    final CountDownLatch ended = new CountDownLatch(IN_FLIGHT);
    private final RoundTrips.Sending sending;

    Chains(RoundTrips.Sending sending) {
      this.sending = sending;
    }

    void send() {
      sending.send(this::back);
    }

    private void back() {
      back.increment();
      if (isOver.get()) {
        ended.countDown();
      } else {
        send();
      }
    }
  }
}
