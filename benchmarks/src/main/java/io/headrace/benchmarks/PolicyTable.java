package io.headrace.benchmarks;

import io.headrace.benchmarks.PolicyCell.Arrivals;
import io.headrace.benchmarks.PolicyCell.Entry;
import io.headrace.benchmarks.PolicyCell.Handler;
import io.headrace.testkit.Simulation;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Prints the tables of docs/adaptive-batching.md: what the policies make of the same arrivals, in
 * virtual time. The arguments are the length of a trace in seconds, 15 if there is none, and a
 * seed.
 */
public final class PolicyTable {
  private static final double[] LOADS = {0.5, 0.9, 1.2, 2};
  private static final long SEED = 20_261_121;
  private static final int SECONDS = 15;

  private PolicyTable() {}

  private record Row(PolicyCell cell, Entry adaptive, List<Entry> rivals) {
    double lead() {
      double best = rivals.stream().mapToDouble(rival -> rival.result().share()).max().orElse(0);
      return 100 * (adaptive.result().share() - best);
    }
  }

  /**
   * Prints the tables.
   *
   * @param args the length of a trace in seconds and the seed, or less
   */
  public static void main(String[] args) {
    Duration length = Duration.ofSeconds(args.length == 0 ? SECONDS : Integer.parseInt(args[0]));
    long seed = args.length < 2 ? SEED : Long.parseLong(args[1]);
    List<PolicyCell> cells = new ArrayList<>();
    for (Handler handler : Handler.values()) {
      for (double load : LOADS) {
        for (Arrivals arrivals : Arrivals.values()) {
          cells.add(new PolicyCell(handler, arrivals, load, length, seed));
        }
      }
    }
    List<Row> rows =
        cells.parallelStream().map(cell -> new Row(cell, cell.adaptive(), cell.rivals())).toList();
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    printShares(out, rows);
    printDetails(out, rows);
  }

  private static void printShares(PrintStream out, List<Row> rows) {
    out.println(
        "| handler | load | arrivals | adaptive | Clipper | BentoML | TensorFlow | best fixed |"
            + " lead |");
    out.println("|---|---|---|---|---|---|---|---|---|");
    for (Row row : rows) {
      StringBuilder line = new StringBuilder(begin(row.cell));
      line.append(percent(row.adaptive.result().share()));
      for (Entry rival : row.rivals) {
        line.append(" | ").append(percent(rival.result().share()));
        if (rival.policy().startsWith("fixed")) {
          line.append(" (").append(rival.policy().substring("fixed ".length())).append(')');
        }
      }
      out.println(line.append(String.format(Locale.ROOT, " | %+.2f |", row.lead())));
    }
    double least = rows.stream().mapToDouble(Row::lead).min().orElse(0);
    long behind = rows.stream().filter(row -> row.lead() < 0).count();
    out.printf(
        Locale.ROOT,
        "%nBehind the best of the others in %d of %d cells, by %.2f points at most.%n%n",
        behind,
        rows.size(),
        Math.max(0, -least));
  }

  private static void printDetails(PrintStream out, List<Row> rows) {
    out.println(
        "| handler | load | arrivals | policy | goodput /s | p50 ms | p99 ms | mean batch | refused"
            + " % | dropped % | late % |");
    out.println("|---|---|---|---|---|---|---|---|---|---|---|");
    for (Row row : rows) {
      printDetail(out, row.cell, row.adaptive);
      row.rivals.forEach(rival -> printDetail(out, row.cell, rival));
    }
  }

  private static void printDetail(PrintStream out, PolicyCell cell, Entry entry) {
    Simulation.Result result = entry.result();
    out.printf(
        Locale.ROOT,
        "%s%s | %.0f | %.1f | %.1f | %.1f | %s | %s | %s |%n",
        begin(cell),
        entry.policy(),
        result.goodput(),
        result.p50Nanos() / 1e6,
        result.p99Nanos() / 1e6,
        result.meanBatch(),
        percent((double) result.refused() / result.offered()),
        percent((double) result.dropped() / result.offered()),
        percent((double) result.late() / result.offered()));
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

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.2f", 100 * share);
  }
}
