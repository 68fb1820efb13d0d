package io.headrace.examples.digits;

import io.headrace.Handler;
import io.headrace.Outcomes;
import io.headrace.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Runs the model on counts. Wraps the handler of the model, which works on tensors. */
final class Classifier implements Handler<DigitInput, Digit> {
  private final Handler<Tensor, Tensor> model;

  Classifier(Handler<Tensor, Tensor> model) {
    this.model = model;
  }

  @Override
  public void onStart() throws Exception {
    model.onStart();
  }

  @Override
  public List<Digit> handle(List<DigitInput> inputs) throws Exception {
    List<Tensor> tensors = new ArrayList<>(inputs.size());
    for (DigitInput input : inputs) {
      tensors.add(tensor(input));
    }
    List<Tensor> results = model.handle(tensors);
    Outcomes<Digit> digits = new Outcomes<>(inputs.size());
    for (int i = 0; i < results.size(); i++) {
      Throwable failure = results instanceof Outcomes<Tensor> outcomes ? outcomes.failure(i) : null;
      if (failure == null) {
        digits.add(Digit.of(results.get(i).toFloatArray()));
      } else {
        digits.addFailure(failure);
      }
    }
    return digits;
  }

  private static Tensor tensor(DigitInput input) {
    return switch (input) {
      case DigitInput.Counts(float[] counts) -> Tensor.of(counts, DigitImage.COUNTS);
      case DigitInput.Image image ->
          throw new IllegalArgumentException("an image of " + image.file().length + " bytes");
    };
  }

  @Override
  public void close() throws Exception {
    model.close();
  }
}
