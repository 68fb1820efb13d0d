package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class DoublingBatcherTest {
  @Test
  void twoBatchesOfFive() {
    Printed printed = new Printed();
    DoublingBatcher.run(Duration.ZERO, printed.out);
    assertThat(printed.lines())
        .containsExactlyInAnyOrder(
            "doubling [0, 1, 2, 3, 4]",
            "doubling [5, 6, 7, 8, 9]",
            "[0, 2, 4, 6, 8, 10, 12, 14, 16, 18]")
        .last()
        .isEqualTo("[0, 2, 4, 6, 8, 10, 12, 14, 16, 18]");
  }
}
