package io.headrace.examples.guide;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Progress;
import io.headrace.Task;
import io.headrace.Throttle;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * Scores every row of a file through a flow: {@code BulkScoring ROWS SCORES}. Line n of the scores
 * is that of row n. Started again after it was stopped, it does what is missing. Its memory does
 * not depend on the size of the file.
 */
final class BulkScoring {
  private static final int IN_FLIGHT = 1024;
  private static final int SCORE_BYTES = 12; // each line of the scores, so that each has its place

  private BulkScoring() {}

  record Row(long number, String text) {}

  public static void main(String[] args) throws Exception {
    if (args.length != 2) {
      System.err.println("usage: BulkScoring ROWS SCORES");
      System.exit(2);
    }
    Handler<String, Double> model = Handler.each(text -> text.length() / 7.0);
    try (Flow<String, Double> flow = flow(model).start()) {
      score(Path.of(args[0]), Path.of(args[1]), flow, System.out);
    }
  }

  static Flow<String, Double> flow(Handler<String, Double> model) {
    return Flow.<String>builder("scores")
        .step("score", model, step -> step.batch(BatchPolicy.greedy(64)))
        .build();
  }

  // @start region="bulkScoring"
  static void score(Path rows, Path scores, Flow<String, Double> flow, PrintStream out)
      throws IOException, InterruptedException {
    AtomicLong number = new AtomicLong();
    try (Stream<String> lines = Files.lines(rows);
        Stream<String> counted = Files.lines(rows);
        FileChannel file =
            FileChannel.open(
                scores,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
      Stream<Row> missing =
          lines
              .map(text -> new Row(number.getAndIncrement(), text))
              .filter(row -> !isScored(file, row));
      Throttle.atMost(IN_FLIGHT) // so many rows are in memory, and no more
          .over(missing)
          .onProgress(new Bar(counted.count(), number, out)::show)
          .runOnEach(
              Task.async(
                  row -> flow.submit(row.text()).thenAccept(score -> write(file, row, score))));
    }
  }

  // @end

  private static boolean isScored(FileChannel file, Row row) {
    try {
      ByteBuffer line = ByteBuffer.allocate(SCORE_BYTES);
      file.read(line, row.number() * SCORE_BYTES);
      return !line.hasRemaining() && line.get(SCORE_BYTES - 1) == '\n';
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(FileChannel file, Row row, double score) {
    try {
      byte[] line = String.format(Locale.ROOT, "%11.4e\n", score).getBytes(US_ASCII);
      file.write(ByteBuffer.wrap(line), row.number() * SCORE_BYTES);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A line for each per cent. */
  private static final class Bar {
    private static final int WIDTH = 50;
    private final long rows;
    private final AtomicLong read;
    private final PrintStream out;
    private long shown = -1;

    Bar(long rows, AtomicLong read, PrintStream out) {
      this.rows = rows;
      this.read = read;
      this.out = out;
    }

    /** One call after the other. Rows that were scored before count as done. */
    void show(Progress progress) {
      long percent = 100 * (read.get() - progress.running()) / rows;
      if (percent != shown) {
        shown = percent;
        int full = (int) (percent * WIDTH / 100);
        out.printf("\r[%s%s] %d %%", "#".repeat(full), ".".repeat(WIDTH - full), percent);
      }
    }
  }
}
