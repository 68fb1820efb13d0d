package io.headrace.benchmarks;

import io.headrace.Flow;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;

/**
 * What a worker process costs that does nothing: how long it takes to start, how much memory it has
 * for itself, and how much of a processor it takes. Beside it a JVM that does nothing. On Linux.
 */
public final class ProcessCosts {
  private static final int STARTS = 15;
  private static final Duration IDLE = Duration.ofSeconds(20);

  private ProcessCosts() {}

  /** A JVM that says that it runs. */
  static final class Bare {
    private Bare() {}

    /**
     * Runs until its input ends.
     *
     * @param args none
     */
    public static void main(String[] args) throws IOException {
      System.out.println("ready");
      var _ = System.in.read();
    }
  }

  /**
   * Prints the rows.
   *
   * @param args none
   */
  public static void main(String[] args) throws Exception {
    double[] bareMillis = new double[STARTS];
    double[] workerMillis = new double[STARTS];
    double[] bareMib = new double[STARTS];
    double[] workerMib = new double[STARTS];
    double[] eachMib = new double[STARTS];
    for (int i = -2; i < STARTS; i++) { // the files are in the caches of the system after two
      long begin = System.nanoTime();
      try (OtherProcess bare = OtherProcess.start(Bare.class)) {
        long end = System.nanoTime();
        if (i >= 0) {
          bareMillis[i] = (end - begin) / 1e6;
          bareMib[i] = privateMib(bare.pid());
        }
      }
      begin = System.nanoTime();
      try (Flow<Object, Object> flow = ProcessFlows.start(1, 1, 1, Duration.ZERO)) {
        long end = System.nanoTime();
        if (i >= 0) {
          workerMillis[i] = (end - begin) / 1e6;
          workerMib[i] = privateMib(pid(flow));
        }
      }
      try (Flow<Object, Object> flow = ProcessFlows.start(1, 2, 1, Duration.ZERO)) {
        if (i >= 0) {
          eachMib[i] = privateMib(pid(flow));
        }
      }
    }
    System.out.println("| a process that does nothing | JVM | worker | ratio |");
    System.out.println("|---|---|---|---|");
    print("ready after, ms, median", median(bareMillis), median(workerMillis));
    print("the slowest", highest(bareMillis), highest(workerMillis));
    print("private memory, MiB, median", median(bareMib), median(workerMib));
    print("private memory, one of two, MiB, median", median(bareMib), median(eachMib));
    idle();
  }

  private static void print(String what, double bare, double worker) {
    System.out.printf(
        Locale.ROOT, "| %s | %.1f | %.1f | %.2f |%n", what, bare, worker, worker / bare);
  }

  /** Of a worker that has worked before. */
  private static void idle() throws Exception {
    try (Flow<Object, Object> flow = ProcessFlows.start(1, 1, 1, Duration.ZERO)) {
      for (int i = 0; i < 20_000; i++) {
        var _ = flow.call(i);
      }
      Thread.sleep(5000); // what was compiled is compiled
      long pid = pid(flow);
      long own = ProcessHandle.current().pid();
      long worker = cpuNanos(pid);
      long parent = cpuNanos(own);
      Thread.sleep(IDLE);
      System.out.printf(
          Locale.ROOT,
          "%nIdle for %d s after 20,000 items: the worker takes %.3f %% of a processor, the parent"
              + " %.3f %%. Its private memory is %.1f MiB then.%n",
          IDLE.toSeconds(),
          percent(cpuNanos(pid) - worker),
          percent(cpuNanos(own) - parent),
          privateMib(pid));
    }
  }

  private static double percent(long nanos) {
    return 100.0 * nanos / IDLE.toNanos();
  }

  private static long pid(Flow<Object, Object> flow) {
    return flow.workers("step0").getFirst().pid();
  }

  /** What all threads of a process have used so far. */
  private static long cpuNanos(long pid) throws IOException {
    long nanos = 0;
    try (DirectoryStream<Path> threads =
        Files.newDirectoryStream(Path.of("/proc/" + pid + "/task"))) {
      for (Path thread : threads) {
        nanos += Long.parseLong(Files.readString(thread.resolve("schedstat")).split(" ", -1)[0]);
      }
    }
    return nanos;
  }

  private static double privateMib(long pid) throws IOException {
    return Files.readAllLines(Path.of("/proc/" + pid + "/smaps_rollup")).stream()
            .filter(line -> line.startsWith("Private_Clean:") || line.startsWith("Private_Dirty:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D+", "")))
            .sum()
        / 1024.0;
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    return values[values.length / 2];
  }

  private static double highest(double[] values) {
    return Arrays.stream(values).max().orElse(0);
  }
}
