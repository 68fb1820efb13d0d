package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.Flow;
import io.headrace.Handler;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BulkScoringTest {
  private static final int ROWS = 10_000;

  @TempDir Path folder;

  private final AtomicInteger executed = new AtomicInteger();
  private final Printed printed = new Printed();

  @Test
  void itGoesOnWhereItWasStopped() throws Exception {
    Path rows = folder.resolve("rows");
    Path scores = folder.resolve("scores");
    Files.write(rows, IntStream.range(0, ROWS).mapToObj(String::valueOf).toList());

    assertThatThrownBy(() -> score(rows, scores, ROWS / 2)).hasMessage("the power is out");
    int first = executed.getAndSet(0);
    score(rows, scores, ROWS);

    List<String> lines = Files.readAllLines(scores);
    assertThat(lines).hasSize(ROWS).element(4).isEqualTo(" 4.0000e+00");
    for (int i = 0; i < ROWS; i++) {
      assertThat(Double.parseDouble(lines.get(i))).isEqualTo(i);
    }
    assertThat(executed.get()).isBetween(ROWS - first, ROWS - 1);
    assertThat(printed.lines().getLast()).endsWith("[" + "#".repeat(50) + "] 100 %");
  }

  private void score(Path rows, Path scores, int until) throws Exception {
    Handler<String, Double> model =
        Handler.each(
            text -> {
              double score = Double.parseDouble(text);
              if (score >= until) {
                throw new IllegalStateException("the power is out");
              }
              executed.incrementAndGet();
              return score;
            });
    try (Flow<String, Double> flow = BulkScoring.flow(model).start()) {
      BulkScoring.score(rows, scores, flow, printed.out);
    }
  }
}
