package io.headrace.benchmarks;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * How cost grows: nanoseconds for each item while 1 to 1,000,000 of them wait, for each bucket, for
 * each item and step of a flow of 1 to 64 steps, for each key of a coalescer and for each waiter of
 * a throttle. Prints Markdown tables with the median and every run; the growth is the most by which
 * a median exceeds that of a smaller size.
 *
 * <p>Everything runs on one thread where nothing else is said, so that structures are measured and
 * not the wake-up of threads. Run with {@code java -Xms3g -Xmx3g -cp
 * benchmarks/target/benchmarks.jar io.headrace.benchmarks.Scaling [runs [group...]]}.
 */
public final class Scaling {
  /** Items of a measurement; fewer rounds of larger sizes make it. */
  private static final int ITEMS = 200_000;

  private static final int WARM_UPS = 3;

  private Scaling() {}

  /** What is measured at one size. */
  interface Rounds extends AutoCloseable {
    /** Fills and empties once. */
    void round() throws Exception;

    @Override
    default void close() {}
  }

  /** Makes what is measured at a size. */
  @FunctionalInterface
  interface Start {
    Rounds at(int size) throws Exception;
  }

  /**
   * Something that is measured at several sizes.
   *
   * @param itemsPerSize how many items a round has for each one of the size
   */
  record Case(String name, int itemsPerSize, Start start) {}

  /** Cases of the same sizes. */
  record Group(String name, String title, List<Integer> sizes, List<Case> cases) {}

  /** Measures and prints. */
  public static void main(String[] arguments) throws Exception {
    int runs = arguments.length == 0 ? 5 : Integer.parseInt(arguments[0]);
    if (runs < 1) {
      throw new IllegalArgumentException("runs is " + runs + ", it has to be at least 1");
    }
    List<String> names =
        Arrays.asList(arguments).subList(Math.min(1, arguments.length), arguments.length);
    for (String name : names) {
      if (ScalingCases.all().stream().noneMatch(group -> group.name.equals(name))) {
        throw new IllegalArgumentException(
            "there is no group "
                + name
                + ", there are "
                + ScalingCases.all().stream().map(Group::name).toList());
      }
    }
    for (Group group : ScalingCases.all()) {
      if (names.isEmpty() || names.contains(group.name)) {
        print(group, runs);
      }
    }
  }

  private static void print(Group group, int runs) throws Exception {
    StringBuilder header = new StringBuilder("| " + group.title + " |");
    for (int size : group.sizes) {
      header.append(String.format(Locale.ROOT, " %,d |", size));
    }
    System.out.println();
    System.out.println(header + " growth |");
    System.out.println("|---".repeat(group.sizes.size() + 2) + "|");
    for (Case measured : group.cases) {
      System.out.println(row(measured, measure(measured, group.sizes, runs)));
    }
  }

  /** Nanoseconds for an item, for each size and run; the sizes take turns. */
  static double[][] measure(Case measured, List<Integer> sizes, int runs) throws Exception {
    double[][] nanos = new double[sizes.size()][runs];
    for (int run = -WARM_UPS; run < runs; run++) {
      for (int i = 0; i < sizes.size(); i++) {
        double each = once(measured, sizes.get(i));
        if (run >= 0) {
          nanos[i][run] = each;
        }
      }
    }
    return nanos;
  }

  private static double once(Case measured, int size) throws Exception {
    long items = (long) size * measured.itemsPerSize;
    long rounds = Math.max(1, ITEMS / items);
    try (Rounds started = measured.start.at(size)) {
      started.round();
      System.gc();
      long beforeNanos = System.nanoTime();
      for (long i = 0; i < rounds; i++) {
        started.round();
      }
      return (System.nanoTime() - beforeNanos) / (double) (rounds * items);
    }
  }

  private static String row(Case measured, double[][] nanos) {
    StringBuilder row = new StringBuilder("| " + measured.name + " |");
    double least = Double.MAX_VALUE;
    double growth = 1;
    for (double[] runs : nanos) {
      double median = median(runs);
      least = Math.min(least, median);
      growth = Math.max(growth, median / least);
      row.append(String.format(Locale.ROOT, " **%.0f** (", median));
      for (int i = 0; i < runs.length; i++) {
        row.append(String.format(Locale.ROOT, i == 0 ? "%.0f" : " %.0f", runs[i]));
      }
      row.append(") |");
    }
    return row + String.format(Locale.ROOT, " %.1f |", growth);
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
