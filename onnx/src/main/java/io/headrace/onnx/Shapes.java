package io.headrace.onnx;

import io.headrace.Tensor;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The shapes of the inputs of one run: what a {@link Lane} keeps prepared tensors for. */
final class Shapes {
  private final Layout layout;

  /** For each input the number of rows, where there are rows, and the dimensions of the items. */
  private final long[][] inputs;

  private final int hash;

  private Shapes(Layout layout, long[][] inputs) {
    this.layout = layout;
    this.inputs = inputs;
    this.hash = Arrays.deepHashCode(inputs);
  }

  /** The shapes of a run of as many items, all shaped like the one given. */
  static Shapes of(Layout layout, int items, Tensor[] item) {
    long[][] inputs = new long[item.length][];
    for (int k = 0; k < item.length; k++) {
      inputs[k] = full(layout, items, item[k]);
    }
    return new Shapes(layout, inputs);
  }

  private static long[] full(Layout layout, int items, Tensor tensor) {
    if (layout == Layout.WHOLE) {
      return tensor.shape();
    }
    long[] shape = new long[tensor.rank() + 1];
    shape[0] = items;
    for (int i = 1; i < shape.length; i++) {
      shape[i] = tensor.dimension(i - 1);
    }
    return shape;
  }

  long[] input(int index) {
    return inputs[index];
  }

  /** The shape that an output is declared to have in this run, or null if that is not known. */
  long @Nullable [] output(Port output, List<Port> ports) {
    if (output.rank() == 0 || hasMoreThanDeclared(ports)) {
      return null;
    }
    long[] shape = new long[output.rank()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = output.dimension(i);
      if (shape[i] == Port.DYNAMIC) {
        shape[i] =
            i == 0 && layout == Layout.STACKED
                ? inputs[0][0]
                : lengthOf(output.dimensionName(i), ports);
      }
      if (shape[i] == Port.DYNAMIC) {
        return null;
      }
    }
    return shape;
  }

  /**
   * Whether an input has dimensions and is declared without: of a single number and of any shape
   * ONNX Runtime says the same. What it is broadcast to is not known.
   */
  private boolean hasMoreThanDeclared(List<Port> ports) {
    for (int k = 0; k < inputs.length; k++) {
      if (ports.get(k).rank() == 0 && inputs[k].length > 0) {
        return true;
      }
    }
    return false;
  }

  /** The length of the input dimension with this symbol, or {@link Port#DYNAMIC}. */
  private long lengthOf(String symbol, List<Port> ports) {
    for (int k = 0; k < inputs.length && !symbol.isEmpty(); k++) {
      for (int i = 0; i < ports.get(k).rank(); i++) {
        if (ports.get(k).dimensionName(i).equals(symbol)) {
          return inputs[k][i];
        }
      }
    }
    return Port.DYNAMIC;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Shapes shapes && Arrays.deepEquals(inputs, shapes.inputs);
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
