package io.headrace.benchmarks;

import io.headrace.Flow;
import io.headrace.Tensor;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;

/**
 * The round trip of one item to a worker process and back, as rows of a table: where the answer
 * sends the next item, as two processes of C do; and where a thread waits for it, which has to be
 * woken as well. The argument says where the processes are.
 */
public final class ProcessRoundTrips {
  private static final int TRIPS = 10_000;
  private static final int WARM_UPS = 3;
  private static final int RUNS = 3;
  private static final int[] SIZES_KIB = {64, 1024, 16 * 1024};

  private ProcessRoundTrips() {}

  /**
   * Prints the rows.
   *
   * @param args where the processes are
   */
  public static void main(String[] args) throws InterruptedException {
    String placement = args.length == 0 ? "" : ", " + args[0];
    try (Flow<Object, Object> flow = ProcessFlows.start(1, 1, 1, Duration.ZERO)) {
      for (int run = 0; run < WARM_UPS; run++) {
        answers(flow, 1);
        calls(flow, 1);
      }
      for (int run = 0; run < RUNS; run++) {
        print("headrace, the answer sends the next" + placement, answers(flow, 1));
      }
      for (int run = 0; run < RUNS; run++) {
        print("headrace, a thread calls" + placement, calls(flow, 1));
      }
      for (int kib : SIZES_KIB) {
        Tensor shared = (Tensor) flow.call(Tensor.of(new byte[kib << 10], kib << 10));
        for (int run = 0; run < WARM_UPS; run++) {
          calls(flow, shared);
        }
        print("headrace, a thread calls with " + kib + " KiB" + placement, calls(flow, shared));
      }
    }
  }

  private static void print(String name, double[] micros) {
    Arrays.sort(micros);
    System.out.printf(
        Locale.ROOT,
        "| %s | %.1f | %.1f |%n",
        name,
        micros[micros.length / 2],
        micros[micros.length * 99 / 100]);
  }

  private static double[] calls(Flow<Object, Object> flow, Object item)
      throws InterruptedException {
    double[] micros = new double[TRIPS];
    for (int i = 0; i < TRIPS; i++) {
      long begin = System.nanoTime();
      var _ = flow.call(item);
      micros[i] = (System.nanoTime() - begin) / 1e3;
    }
    return micros;
  }

  private static double[] answers(Flow<Object, Object> flow, Object item)
      throws InterruptedException {
    double[] micros = new double[TRIPS];
    CountDownLatch done = new CountDownLatch(1);
    send(flow, item, micros, 0, done);
    done.await();
    return micros;
  }

  private static void send(
      Flow<Object, Object> flow, Object item, double[] micros, int i, CountDownLatch done) {
    if (i == TRIPS) {
      done.countDown();
      return;
    }
    long begin = System.nanoTime();
    var _ =
        flow.submit(item)
            .whenComplete(
                (answer, failure) -> {
                  micros[i] = (System.nanoTime() - begin) / 1e3;
                  send(flow, item, micros, i + 1, done);
                });
  }
}
