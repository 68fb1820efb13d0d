package io.headrace.benchmarks;

import io.headrace.Flow;
import io.headrace.Tensor;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The round trip of one item to another process and back, as rows of a table. Where <i>the answer
 * sends the next</i> two threads are woken for each; where <i>a thread calls</i> that one as well.
 */
public final class ProcessRoundTrips {
  private static final int WARM_UPS = 40;
  private static final int RUNS = 3;
  private static final int[] SIZES_KIB = {64, 1024, 16 * 1024};

  private ProcessRoundTrips() {}

  /**
   * Prints the rows.
   *
   * @param args where the processes are, and which of the contenders take part; none for all
   */
  public static void main(String[] args) throws Exception {
    String placement = args.length == 0 ? "" : args[0];
    List<String> wanted = Arrays.asList(args).subList(Math.min(1, args.length), args.length);
    if (wanted.isEmpty() || wanted.contains("floor")) {
      measure("two JVMs, ring and futex alone", placement, new RingEcho());
    }
    if (wanted.isEmpty() || wanted.contains("headrace")) {
      headrace(placement);
    }
    if (wanted.isEmpty() || wanted.contains("sizes")) {
      sizes(placement);
    }
    if (wanted.isEmpty() || wanted.contains("aeron")) {
      measure("Aeron IPC, back-off", placement, new AeronEcho("backoff"));
      measure("Aeron IPC, yielding", placement, new AeronEcho("yielding"));
    }
    if (wanted.isEmpty() || wanted.contains("grpc")) {
      grpc(placement);
    }
    System.exit(0); // threads of rivals may still run
  }

  private static void headrace(String placement) throws Exception {
    try (Flow<Object, Object> flow = ProcessFlows.start(1, 1, 1, Duration.ZERO)) {
      measure("headrace, the answer sends the next", placement, () -> answers(flow));
      measure("headrace, a thread calls", placement, () -> calls(flow, 1));
    }
  }

  /**
   * A tensor that stays in shared memory all the time, and beside it an item that is small; then
   * results that are made for each call.
   */
  private static void sizes(String placement) throws Exception {
    try (Flow<Object, Object> flow = ProcessFlows.start(1, 1, 1, Duration.ZERO)) {
      measure("headrace, a thread calls with a number", placement, () -> calls(flow, 1));
      for (int kib : SIZES_KIB) {
        Tensor shared = (Tensor) flow.call(Tensor.of(new byte[kib << 10], kib << 10));
        measure(
            "headrace, a thread calls with " + kib + " KiB", placement, () -> calls(flow, shared));
      }
    }
    for (int kib : SIZES_KIB) {
      try (Flow<Object, Object> flow = ProcessFlows.startFresh(kib << 10)) {
        measure(
            "headrace, a thread calls for a fresh result of " + kib + " KiB, which it drops",
            placement,
            () -> calls(flow, 1));
      }
    }
  }

  private static void grpc(String placement) throws Exception {
    try (GrpcEcho grpc = new GrpcEcho()) {
      measure(
          "gRPC, Unix-domain socket, the answer sends the next",
          placement,
          () -> RoundTrips.chained(grpc::send));
      measure(
          "gRPC, Unix-domain socket, a thread calls",
          placement,
          () -> RoundTrips.blocking(grpc::call));
    } catch (IOException | UnsatisfiedLinkError missing) {
      System.err.println("without gRPC: " + missing);
    }
  }

  private static double[] answers(Flow<Object, Object> flow) throws InterruptedException {
    return RoundTrips.chained(
        whenBack -> {
          var _ = flow.submit(1).thenRun(whenBack);
        });
  }

  private static double[] calls(Flow<Object, Object> flow, Object item) throws Exception {
    return RoundTrips.blocking(
        () -> {
          var _ = flow.call(item);
        });
  }

  private static void measure(String name, String placement, RoundTrips contender)
      throws Exception {
    try (contender) {
      for (int run = 0; run < WARM_UPS; run++) {
        var _ = contender.micros();
      }
      StringBuilder medians = new StringBuilder();
      StringBuilder highs = new StringBuilder();
      for (int run = 0; run < RUNS; run++) {
        double[] micros = contender.micros();
        Arrays.sort(micros);
        medians.append(micros(micros[micros.length / 2]));
        highs.append(micros(micros[micros.length * 99 / 100]));
      }
      System.out.printf("| %s | %s |%s |%s |%n", name, placement, medians, highs);
    }
  }

  private static String micros(double micros) {
    return String.format(Locale.ROOT, micros < 100 ? " %.1f" : " %,.0f", micros);
  }
}
