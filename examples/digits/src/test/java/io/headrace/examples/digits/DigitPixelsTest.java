package io.headrace.examples.digits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DigitPixelsTest {
  @Test
  void numbersWithinTheRangePass() {
    List<Number> pixels = new ArrayList<>(Collections.nCopies(64, 0));
    pixels.set(0, 16);
    pixels.set(1, 0.5);

    assertThat(DigitPixels.counts(pixels)).hasSize(64).startsWith(16, 0.5f, 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 63, 65, 10_000})
  void anotherLengthIsNamed(int length) {
    assertThatThrownBy(() -> DigitPixels.counts(Collections.nCopies(length, 1)))
        .isInstanceOf(BadImageException.class)
        .hasMessage("\"pixels\" has " + length + " numbers, it has to have 64.");
  }

  @ParameterizedTest
  @ValueSource(
      doubles = {-0.001, 16.001, 1e300, Double.NaN, Double.POSITIVE_INFINITY, -Double.MAX_VALUE})
  void aNumberOutOfRangeIsNamedWithItsPosition(double value) {
    List<Double> pixels = new ArrayList<>(Collections.nCopies(64, 0.0));
    pixels.set(17, value);

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
