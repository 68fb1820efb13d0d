package io.headrace.examples.digits;

import java.util.Arrays;

/**
 * What the model says about one image.
 *
 * @param digit the most probable digit, 0 to 9
 * @param confidence its probability
 * @param probabilities of the digits 0 to 9; not copied, not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // of one answer, read at once
public record Digit(int digit, float confidence, float[] probabilities) {
  static final int CLASSES = 10;

  /**
   * The digit of the largest probability, the smaller digit at a tie.
   *
   * @throws IllegalArgumentException if there are not ten probabilities
   */
  static Digit of(float[] probabilities) {
    if (probabilities.length != CLASSES) {
      throw new IllegalArgumentException(
          "%d probabilities, there are %d digits".formatted(probabilities.length, CLASSES));
    }
    int best = 0;
    for (int i = 1; i < CLASSES; i++) {
      if (probabilities[i] > probabilities[best]) {
        best = i;
      }
    }
    return new Digit(best, probabilities[best], probabilities);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Digit that && Arrays.equals(probabilities, that.probabilities);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(probabilities);
  }

  @Override
  public String toString() {
    return digit + " (" + confidence + ")";
  }
}
