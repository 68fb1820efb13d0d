package io.headrace.examples.digits;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Checks the counts that a caller sends instead of an image. */
final class DigitPixels {
  private DigitPixels() {}

  /**
   * Checks that there are 64 numbers of 0 to 16.
   *
   * @param pixels the counts, row by row; fractions are allowed
   * @return the counts
   * @throws BadImageException if not, with the position and the value
   */
  static float[] counts(List<? extends @Nullable Number> pixels) {
    if (pixels.size() != DigitImage.COUNTS) {
      throw new BadImageException(
          "\"pixels\" has %d numbers, it has to have %d."
              .formatted(pixels.size(), DigitImage.COUNTS));
    }
    float[] counts = new float[pixels.size()];
    for (int i = 0; i < counts.length; i++) {
      Number value = pixels.get(i);
      counts[i] = checked(i, value == null ? Double.NaN : value.doubleValue());
    }
    return counts;
  }

  private static float checked(int position, double value) {
    if (!(value >= 0 && value <= DigitImage.MAX_COUNT)) {
      throw new BadImageException(
          "\"pixels\"[%d] is %s, it has to be a number from 0 to %d."
              .formatted(position, value, DigitImage.MAX_COUNT));
    }
    return (float) value;
  }
}
