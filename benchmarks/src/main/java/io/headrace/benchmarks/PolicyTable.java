package io.headrace.benchmarks;

import io.headrace.benchmarks.PolicyCell.Arrivals;
import io.headrace.benchmarks.PolicyCell.Entry;
import io.headrace.benchmarks.PolicyCell.Handler;
import io.headrace.testkit.Simulation;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * Prints the table of docs/adaptive-batching.md: what the policies make of the same arrivals, in
 * virtual time. The arguments are the length of a trace in seconds, the first seed, how many seeds
 * there are, how often noise is drawn for a trace, and a handler and a load if only their rows are
 * wanted.
 */
public final class PolicyTable {
  private static final double[] LOADS = {0.5, 0.9, 1.2, 2};

  /** A difference in points that is none: rounding. */
  private static final double LITTLE = 1e-9;

  private PolicyTable() {}

  /** One trace. */
  private record Run(Entry adaptive, List<Entry> rivals, double blindlyFixedShare) {
    double lead() {
      return 100 * (adaptive.share() - Math.max(bestOfLearning(), fixed().share()));
    }

    /** The lead if the pair is not chosen for the luck of the durations. */
    double blindLead() {
      return 100 * (adaptive.share() - Math.max(bestOfLearning(), blindlyFixedShare));
    }

    private double bestOfLearning() {
      return rivals.stream().limit(rivals.size() - 1).mapToDouble(Entry::share).max().orElse(0);
    }

    private Entry fixed() {
      return rivals.getLast();
    }
  }

  /** One cell with all its traces. */
  private record Row(PolicyCell cell, List<Run> runs) {
    double lead() {
      return mean(Run::lead);
    }

    boolean isBehind() {
      return lead() < -LITTLE;
    }

    boolean isSurelyBehind() {
      return isBehind() && lead() < -2 * standardError(Run::lead);
    }

    double mean(ToDoubleFunction<Run> value) {
      return runs.stream().mapToDouble(value).average().orElse(0);
    }

    double standardError(ToDoubleFunction<Run> value) {
      double mean = mean(value);
      double squares =
          runs.stream().mapToDouble(run -> Math.pow(value.applyAsDouble(run) - mean, 2)).sum();
      int n = runs.size();
      return n < 2 ? 0 : Math.sqrt(squares / (n - 1) / n);
    }

    double leastLead() {
      return runs.stream().mapToDouble(Run::lead).min().orElse(0);
    }

    double share(int rival) {
      return mean(run -> run.rivals.get(rival).share());
    }

    double adaptive(ToDoubleFunction<Simulation.Result> value) {
      return mean(run -> run.adaptive.mean(value));
    }
  }

  /**
   * Prints the table.
   *
   * @param args the length of a trace in seconds, the first seed, the number of seeds, the draws of
   *     noise, and perhaps a handler and a load
   */
  public static void main(String[] args) {
    if (args.length < 4) {
      throw new IllegalArgumentException(
          "give the seconds, the first seed, how many seeds, and how many draws of noise");
    }
    Duration length = Duration.ofSeconds(Integer.parseInt(args[0]));
    long seed = Long.parseLong(args[1]);
    int seeds = Integer.parseInt(args[2]);
    int draws = Integer.parseInt(args[3]);
    Handler[] handlers =
        args.length < 5 ? Handler.values() : new Handler[] {Handler.valueOf(args[4])};
    double[] loads = args.length < 6 ? LOADS : new double[] {Double.parseDouble(args[5])};
    List<PolicyCell> cells = new ArrayList<>();
    for (Handler handler : handlers) {
      for (double load : loads) {
        for (Arrivals arrivals : Arrivals.values()) {
          for (int i = 0; i < seeds; i++) {
            cells.add(new PolicyCell(handler, arrivals, load, length, seed + i, draws));
          }
        }
      }
    }
    List<Run> runs =
        cells.parallelStream()
            .map(cell -> new Run(cell.adaptive(), cell.rivals(), cell.blindlyFixedShare()))
            .toList();
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < runs.size(); i += seeds) {
      rows.add(new Row(cells.get(i), runs.subList(i, i + seeds)));
    }
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    print(out, rows);
  }

  private static void print(PrintStream out, List<Row> rows) {
    out.println(
        "| handler | load | arrivals | adaptive | Clipper | BentoML | TensorFlow | best fixed |"
            + " lead | ± | least | p50 ms | p99 ms | batch | late |");
    out.println("|---" + "|---".repeat(14) + "|");
    rows.forEach(row -> print(out, row));
    out.printf(
        Locale.ROOT,
        "%nBehind the best of the others on average in %d of %d cells, in %d by more than two"
            + " standard errors, by %.2f points at most.%n",
        rows.stream().filter(Row::isBehind).count(),
        rows.size(),
        rows.stream().filter(Row::isSurelyBehind).count(),
        Math.max(0, -rows.stream().mapToDouble(Row::lead).min().orElse(0)));
    rows.stream()
        .filter(row -> row.isBehind() && row.cell.handler() == Handler.NOISY)
        .forEach(row -> printBlind(out, row));
  }

  private static void printBlind(PrintStream out, Row row) {
    out.printf(
        Locale.ROOT,
        "%s%+.2f, and %+.2f (± %.2f) if the pair is the best with other durations%n",
        begin(row.cell),
        row.lead(),
        row.mean(Run::blindLead),
        row.standardError(Run::blindLead));
  }

  private static void print(PrintStream out, Row row) {
    double[] figures = {
      100 * row.adaptive(Simulation.Result::share),
      100 * row.share(0),
      100 * row.share(1),
      100 * row.share(2),
      100 * row.share(3)
    };
    StringBuilder line = new StringBuilder(begin(row.cell));
    Arrays.stream(figures)
        .forEach(figure -> line.append(String.format(Locale.ROOT, "%.2f | ", figure)));
    line.append(
        String.format(
            Locale.ROOT,
            "%+.2f | %.2f | %+.2f | ",
            row.lead(),
            row.standardError(Run::lead),
            row.leastLead()));
    line.append(
        String.format(
            Locale.ROOT,
            "%.0f | %.0f | %.1f | %.2f |",
            row.adaptive(Simulation.Result::p50Nanos) / 1e6,
            row.adaptive(Simulation.Result::p99Nanos) / 1e6,
            row.adaptive(Simulation.Result::meanBatch),
            100 * row.adaptive(result -> (double) result.late() / result.offered())));
    out.println(line);
  }

  private static String begin(PolicyCell cell) {
    return String.format(
        Locale.ROOT,
        "| %s | %.1f | %s | ",
        name(cell.handler()),
        cell.load(),
        name(cell.arrivals()));
  }

  private static String name(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
