package io.headrace;

import java.util.Random;
import java.util.SplittableRandom;

/** Random numbers that a seed decides. */
final class Seeds {
  private Seeds() {}

  /**
   * Not those of {@code new Random(seed)}: of these the first is about the same for all small
   * seeds, so that a first choice between two or four would always be the same.
   */
  static Random random(long seed) {
    return Random.from(new SplittableRandom(seed));
  }
}
