package io.headrace.onnx;

import io.headrace.Tensor;
import org.jspecify.annotations.Nullable;

/** An item on its way through a model. */
final class Row {
  private static final Tensor[] NONE = {};

  /** In the order of the model's inputs; fit them, unless there is a failure. */
  final Tensor[] inputs;

  /** In the order of the model's outputs, once the model has run. */
  Tensor[] outputs = NONE;

  @Nullable Throwable failure;

  Row(Tensor[] inputs) {
    this.inputs = inputs;
  }

  static Row failed(Throwable failure) {
    Row row = new Row(NONE);
    row.failure = failure;
    return row;
  }
}
