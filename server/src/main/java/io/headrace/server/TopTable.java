package io.headrace.server;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What {@link Top} has seen of a JVM, as a table with a row for each step. For one thread. */
final class TopTable {
  /** A step that was not seen for so long has ended. */
  private static final Duration FORGOTTEN = Duration.ofSeconds(5);

  private static final String FORMAT = "%-32s %8s %8s %8s %10s %9s %7s %9s %9s %9s %9s %9s%n";

  private static final String HEADER =
      FORMAT.formatted(
          "SERVICE/STEP",
          "WORKERS",
          "QUEUED",
          "RUNNING",
          "ITEMS/S",
          "BATCH/S",
          "SIZE",
          "WAIT p50",
          "p99 ms",
          "TAKES p50",
          "p99 ms",
          "FAILED/S");

  /**
   * A step as an event of it says.
   *
   * @param round the same for all that were looked at together
   */
  record Sample(
      Instant time, long round, long queued, long workers, long running, long batches, long items) {
    /** Of two services of one name: the default of batchers is the same for all. */
    Sample plus(Sample other) {
      return new Sample(
          other.time,
          round,
          queued + other.queued,
          Math.min(workers + other.workers, Integer.MAX_VALUE),
          running + other.running,
          batches + other.batches,
          items + other.items);
    }
  }

  private static final class Row {
    private @Nullable Sample before;
    private @Nullable Sample last;
    private final Percentiles waits = new Percentiles();
    private final Percentiles takes = new Percentiles();
    private long failed;

    private String format(String name, double seconds) {
      LiveStats.Millis wait = waits.roll();
      LiveStats.Millis take = takes.roll();
      double failedPerSecond = failed / seconds;
      failed = 0;
      Sample now = last;
      if (now == null) {
        return "";
      }
      double items = rate(now.items, before == null ? now.items : before.items);
      double batches = rate(now.batches, before == null ? now.batches : before.batches);
      return FORMAT.formatted(
          name,
          now.workers == Integer.MAX_VALUE ? "any" : Long.toString(now.workers),
          now.queued,
          now.running,
          number(items),
          number(batches),
          batches == 0 ? "" : number(items / batches),
          number(wait.p50()),
          number(wait.p99()),
          number(take.p50()),
          number(take.p99()),
          number(failedPerSecond));
    }

    private double rate(long after, long before) {
      Sample first = this.before;
      Sample second = last;
      if (first == null || second == null) {
        return 0;
      }
      double seconds = Duration.between(first.time, second.time).toNanos() / 1e9;
      return seconds <= 0 ? 0 : Math.max(0, (after - before) / seconds); // one may have ended
    }
  }

  /** In the order in which the steps of a flow are looked at, which is theirs. */
  private final Map<String, Row> rows = new LinkedHashMap<>();

  private Instant formatted = Instant.EPOCH;

  private static String name(String service, String step) {
    return service.equals(step) ? service : service + "/" + step;
  }

  void step(String service, String step, Sample sample) {
    Row row = rows.computeIfAbsent(name(service, step), _ -> new Row());
    Sample last = row.last;
    if (last != null && sample.round == last.round) {
      row.last = last.plus(sample);
    } else {
      row.before = last;
      row.last = sample;
    }
  }

  /** Does not count before the step was seen. */
  void batch(String service, String step, Duration longestWait, Duration takes, int failed) {
    Row row = rows.get(name(service, step));
    if (row != null) {
      row.waits.record(longestWait.toNanos());
      row.takes.record(takes.toNanos());
      row.failed += failed;
    }
  }

  /** When the table was made last; a time long ago if it was not. */
  Instant formatted() {
    return formatted;
  }

  /** The table at some time; percentiles are of the time since the last but one. */
  String format(Instant now) {
    boolean isFirst = formatted.equals(Instant.EPOCH);
    double seconds = isFirst ? 1 : Math.max(1e-3, Duration.between(formatted, now).toNanos() / 1e9);
    formatted = now;
    rows.values().removeIf(row -> row.last != null && row.last.time.isBefore(now.minus(FORGOTTEN)));
    StringBuilder table = new StringBuilder(HEADER);
    rows.forEach((name, row) -> table.append(row.format(name, seconds)));
    if (rows.isEmpty()) {
      table.append("no batcher and no flow so far").append(System.lineSeparator());
    }
    return table.toString();
  }

  private static String number(double value) {
    if (value >= 100 || value == Math.rint(value)) {
      return String.format(Locale.ROOT, "%,.0f", value);
    }
    return String.format(Locale.ROOT, value < 1 ? "%.3f" : "%.1f", value);
  }
}
