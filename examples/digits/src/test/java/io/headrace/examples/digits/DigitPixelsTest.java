package io.headrace.examples.digits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DigitPixelsTest {
  @Test
  void numbersWithinTheRangePass() {
    double[] pixels = new double[64];
    pixels[0] = 16;
    pixels[1] = 0.5;

    float[] counts = DigitPixels.counts(pixels);

    assertThat(counts).hasSize(64).startsWith(16, 0.5f, 0);
    assertThat(DigitPixels.counts(Arrays.stream(pixels).boxed().toList())).isEqualTo(counts);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 63, 65, 10_000})
  void anotherLengthIsNamed(int length) {
    assertThatThrownBy(() -> DigitPixels.counts(new double[length]))
        .isInstanceOf(BadImageException.class)
        .hasMessage("\"pixels\" has " + length + " numbers, it has to have 64.");
    assertThatThrownBy(() -> DigitPixels.counts(Collections.nCopies(length, 1)))
        .isInstanceOf(BadImageException.class);
  }

  @ParameterizedTest
  @ValueSource(
      doubles = {-0.001, 16.001, 1e300, Double.NaN, Double.POSITIVE_INFINITY, -Double.MAX_VALUE})
  void aNumberOutOfRangeIsNamedWithItsPosition(double value) {
    double[] pixels = new double[64];
    pixels[17] = value;

    assertThatThrownBy(() -> DigitPixels.counts(pixels))
        .isInstanceOf(BadImageException.class)
        .hasMessage("\"pixels\"[17] is " + value + ", it has to be a number from 0 to 16.");
  }

  @Test
  void nothingInsteadOfANumberIsRefused() {
    List<Integer> pixels = new ArrayList<>(Collections.nCopies(64, 3));
    pixels.set(5, null);

    assertThatThrownBy(() -> DigitPixels.counts(pixels))
        .isInstanceOf(BadImageException.class)
        .hasMessageContaining("[5]");
  }
}
