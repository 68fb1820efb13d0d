package io.headrace.examples.digits;

import java.util.random.RandomGenerator;

/**
 * The part of the model that is drawn at random and never trained: each unit is the positive part
 * of a random projection of the counts. A linear classifier on many of them draws curved borders
 * between the digits (Rahimi and Recht, Weighted Sums of Random Kitchen Sinks, 2008).
 *
 * <p>The border of each unit goes through a row of the training set, so every unit tells some rows
 * apart.
 */
final class HiddenLayer {
  private static final double WEIGHT_DEVIATION = 1.0 / DigitImage.MAX_COUNT;

  /** Of each unit its 64 weights. */
  final float[][] weights;

  final float[] biases;

  HiddenLayer(int units, DigitRows rows, RandomGenerator random) {
    weights = new float[units][DigitImage.COUNTS];
    biases = new float[units];
    for (int unit = 0; unit < units; unit++) {
      for (int i = 0; i < DigitImage.COUNTS; i++) {
        weights[unit][i] = (float) (random.nextGaussian() * WEIGHT_DEVIATION);
      }
      float[] border = rows.rows().get(random.nextInt(rows.rows().size())).counts();
      biases[unit] = -projection(unit, border);
    }
  }

  double[] apply(float[] counts) {
    double[] outputs = new double[weights.length];
    for (int unit = 0; unit < outputs.length; unit++) {
      outputs[unit] = Math.max(0, projection(unit, counts) + biases[unit]);
    }
    return outputs;
  }

  private float projection(int unit, float[] counts) {
    float sum = 0;
    for (int i = 0; i < counts.length; i++) {
      sum += weights[unit][i] * counts[i];
    }
    return sum;
  }
}
