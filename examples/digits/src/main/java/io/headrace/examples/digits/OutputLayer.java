package io.headrace.examples.digits;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;
import org.tribuo.Example;
import org.tribuo.ImmutableOutputInfo;
import org.tribuo.MutableDataset;
import org.tribuo.classification.Label;
import org.tribuo.classification.LabelFactory;
import org.tribuo.classification.sgd.linear.LinearSGDModel;
import org.tribuo.classification.sgd.linear.LinearSGDTrainer;
import org.tribuo.classification.sgd.objectives.LogMulticlass;
import org.tribuo.datasource.ListDataSource;
import org.tribuo.impl.ArrayExample;
import org.tribuo.math.la.DenseMatrix;
import org.tribuo.math.optimisers.AdaGrad;
import org.tribuo.provenance.SimpleDataSourceProvenance;

/**
 * The part of the model that is trained: a logistic regression on the units of the hidden layer.
 */
final class OutputLayer {
  private static final double LEARNING_RATE = 0.03;
  private static final double EPSILON = 0.1;

  /** Of each digit, in their order, the weights of the hidden units. */
  final float[][] weights = new float[Digit.CLASSES][];

  final float[] biases = new float[Digit.CLASSES];

  private OutputLayer() {}

  /**
   * Trains with every row and with distorted copies of it.
   *
   * @throws IllegalArgumentException if there is no row of some digit
   */
  static OutputLayer train(
      DigitRows rows, HiddenLayer hidden, int copies, int epochs, RandomGenerator random) {
    var labels = new LabelFactory();
    var source =
        new ListDataSource<>(
            examples(rows, hidden, copies, random),
            labels,
            new SimpleDataSourceProvenance("digits", labels));
    var trainer =
        new LinearSGDTrainer(
            new LogMulticlass(),
            new AdaGrad(LEARNING_RATE, EPSILON),
            epochs,
            -1,
            1,
            random.nextLong());
    return inOrder(trainer.train(new MutableDataset<>(source)), hidden.biases.length);
  }

  private static List<Example<Label>> examples(
      DigitRows rows, HiddenLayer hidden, int copies, RandomGenerator random) {
    String[] names = new String[hidden.biases.length];
    for (int i = 0; i < names.length; i++) {
      names[i] = String.format(Locale.ROOT, "%05d", i);
    }
    Distortion distortion = new Distortion(random);
    List<Example<Label>> examples = new ArrayList<>();
    for (DigitRows.Row row : rows.rows()) {
      Label label = new Label(Integer.toString(row.digit()));
      examples.add(new ArrayExample<>(label, names, hidden.apply(row.counts())));
      for (int i = 1; i < copies; i++) {
        float[] other = distortion.apply(row.counts());
        examples.add(new ArrayExample<>(label, names, hidden.apply(other)));
      }
    }
    return examples;
  }

  /** Tribuo numbers labels and features in an order of its own; names bring them back into ours. */
  private static OutputLayer inOrder(LinearSGDModel model, int units) {
    DenseMatrix trained = model.getWeightsCopy();
    ImmutableOutputInfo<Label> labels = model.getOutputIDInfo();
    OutputLayer layer = new OutputLayer();
    for (int digit = 0; digit < Digit.CLASSES; digit++) {
      int row = labels.getID(new Label(Integer.toString(digit)));
      if (row < 0) {
        throw new IllegalArgumentException("the training rows have no row of the digit " + digit);
      }
      float[] weights = new float[units];
      for (int unit = 0; unit < units; unit++) {
        int column = model.getFeatureIDMap().getID(String.format(Locale.ROOT, "%05d", unit));
        weights[unit] = column < 0 ? 0 : (float) trained.get(row, column);
      }
      layer.weights[digit] = weights;
      layer.biases[digit] = (float) trained.get(row, trained.getDimension2Size() - 1);
    }
    return layer;
  }
}
