package io.headrace.examples.digits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** The model that is part of this example. */
class DigitModelTest {
  private static final int DRAWINGS = 40;

  @Test
  void drawnDigitsAreRecognised() throws Exception {
    try (DigitModel model = new DigitModel(DigitsFlow.model())) {
      DrawnDigits drawn = new DrawnDigits(TestShapes.SHAPES, new Random(2026));
      for (int digit = 0; digit < 10; digit++) {
        int right = 0;
        for (int i = 0; i < DRAWINGS; i++) {
          float[] counts = drawn.counts(digit);
          right += model.recognise(counts).digit() == digit ? 1 : 0;
        }
        assertThat(right).as("drawings of %d recognised", digit).isGreaterThan(DRAWINGS * 9 / 10);
      }
    }
  }

  @Test
  void aRowHasTheSameProbabilitiesInABatchOfAnySize() throws Exception {
    try (DigitModel model = new DigitModel(DigitsFlow.model())) {
      float[][] batch = new float[33][64];
      Random random = new Random(1);
      for (float[] row : batch) {
        for (int i = 0; i < row.length; i++) {
          row[i] = random.nextInt(17);
        }
      }
      float[][] together = model.probabilities(batch);
      for (int i = 0; i < batch.length; i++) {
        float[] alone = model.probabilities(new float[][] {batch[i]})[0];
        float sum = 0;
        for (int digit = 0; digit < 10; digit++) {
          assertThat(together[i][digit]).isCloseTo(alone[digit], within(1e-4f));
          sum += alone[digit];
        }
        assertThat(sum).isCloseTo(1, within(1e-4f));
      }
    }
  }

  @Test
  void theFileIsSmall() throws Exception {
    assertThat(DigitsFlow.model().length).isLessThan(1_000_000);
  }
}
