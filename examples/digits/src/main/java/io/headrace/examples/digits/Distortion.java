package io.headrace.examples.digits;

import java.util.random.RandomGenerator;

/** Makes other training rows from one: moved, turned, slanted and stretched a little. */
final class Distortion {
  private static final int SIDE = 8;
  private static final double CENTRE = 3.5;

  /** Standard deviations; of shifts in cells, of angles in radians. */
  private static final double SHIFT = 0.2;

  private static final double ANGLE = 0.09;
  private static final double STRETCH = 0.05;

  private final RandomGenerator random;

  Distortion(RandomGenerator random) {
    this.random = random;
  }

  float[] apply(float[] counts) {
    double shiftX = random.nextGaussian() * SHIFT;
    double shiftY = random.nextGaussian() * SHIFT;
    double angle = random.nextGaussian() * ANGLE;
    double slant = random.nextGaussian() * ANGLE;
    double stretchX = 1 + random.nextGaussian() * STRETCH;
    double stretchY = 1 + random.nextGaussian() * STRETCH;
    double cosine = StrictMath.cos(angle);
    double sine = StrictMath.sin(angle);
    float[] result = new float[counts.length];
    for (int i = 0; i < result.length; i++) {
      int column = i % SIDE;
      int row = i / SIDE;
      double x = column - CENTRE - shiftX;
      double y = row - CENTRE - shiftY;
      double sourceX = (cosine * x + sine * y) * stretchX + slant * y + CENTRE;
      double sourceY = (cosine * y - sine * x) * stretchY + CENTRE;
      result[i] = (float) between(counts, sourceX, sourceY);
    }
    return result;
  }

  /** Interpolates between the four cells around a point. */
  private static double between(float[] counts, double x, double y) {
    int left = (int) Math.floor(x);
    int top = (int) Math.floor(y);
    double fractionX = x - left;
    double fractionY = y - top;
    return (1 - fractionY)
            * ((1 - fractionX) * at(counts, left, top) + fractionX * at(counts, left + 1, top))
        + fractionY
            * ((1 - fractionX) * at(counts, left, top + 1)
                + fractionX * at(counts, left + 1, top + 1));
  }

  private static double at(float[] counts, int x, int y) {
    return x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : counts[y * SIDE + x];
  }
}
