package io.headrace.onnx;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.TensorInfo;
import ai.onnxruntime.TensorInfo.OnnxTensorType;
import io.headrace.InvalidInputException;
import io.headrace.Tensor;
import io.headrace.TensorType;
import java.util.Arrays;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/** An input or output of a model: its name, type and declared shape. */
final class Port {
  static final long DYNAMIC = -1;

  final String name;
  final TensorType type;
  final OnnxJavaType ortType;
  private final long[] shape;
  private final String[] dimensionNames;

  private Port(String name, TensorType type, TensorInfo info) {
    this.name = name;
    this.type = type;
    this.ortType = info.type;
    this.shape = info.getShape();
    this.dimensionNames = info.getDimensionNames();
  }

  /**
   * The port of a node, or null if its values are no tensors of a type that a {@link Tensor} has.
   */
  static @Nullable Port of(NodeInfo node) {
    if (!(node.getInfo() instanceof TensorInfo info)) {
      return null;
    }
    TensorType type = typeOf(info.onnxType);
    return type == null ? null : new Port(node.getName(), type, info);
  }

  private static @Nullable TensorType typeOf(OnnxTensorType type) {
    return switch (type) {
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT -> TensorType.FLOAT;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE -> TensorType.DOUBLE;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 -> TensorType.FLOAT16;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16 -> TensorType.BFLOAT16;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8 -> TensorType.INT8;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 -> TensorType.UINT8;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16 -> TensorType.INT16;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 -> TensorType.INT32;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 -> TensorType.INT64;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL -> TensorType.BOOL;
      default -> null;
    };
  }

  int rank() {
    return shape.length;
  }

  /**
   * The size of a value of this shape, or {@link Long#MAX_VALUE} if it is beyond all limits. ONNX
   * Runtime counts from the left, too: what overflows is beyond them also if there is a 0 behind
   * it.
   */
  long bytes(long[] shape) {
    long bytes = type.sizeBytes();
    for (long dimension : shape) {
      if (Math.multiplyHigh(bytes, dimension) != 0 || bytes * dimension < 0) {
        return Long.MAX_VALUE;
      }
      bytes *= dimension;
    }
    return bytes;
  }

  /** A declared dimension, or {@link #DYNAMIC}. */
  long dimension(int index) {
    return shape[index];
  }

  /** The symbol of a dynamic dimension, empty if it has none. */
  String dimensionName(int index) {
    return dimensionNames[index];
  }

  /**
   * Refuses a tensor that does not fit.
   *
   * @param from the first declared dimension that the tensor has: 1 where it is one row of a batch
   */
  void check(Tensor tensor, int from) {
    if (tensor.type() != type) {
      throw new InvalidInputException(
          "input '%s' takes elements of type %s, given are %s"
              .formatted(name, type, tensor.type()));
    }
    if (shape.length > 0 && !fits(tensor, from)) {
      throw new InvalidInputException(
          "input '%s' takes the shape %s, given is %s%s"
              .formatted(
                  name,
                  describe(from),
                  Arrays.toString(tensor.shape()),
                  from == 0 && tensor.rank() == shape.length - 1
                      ? "; the model is not batched, so an item has all dimensions"
                      : ""));
    }
  }

  private boolean fits(Tensor tensor, int from) {
    if (tensor.rank() != shape.length - from) {
      return false;
    }
    for (int i = from; i < shape.length; i++) {
      if (shape[i] != DYNAMIC && shape[i] != tensor.dimension(i - from)) {
        return false;
      }
    }
    return true;
  }

  boolean isDynamic(int from) {
    for (int i = from; i < shape.length; i++) {
      if (shape[i] == DYNAMIC) {
        return true;
      }
    }
    return false;
  }

  /** The declared shape from a dimension on, with the symbols of dynamic dimensions. */
  String describe(int from) {
    StringJoiner dimensions = new StringJoiner(", ", "[", "]");
    for (int i = from; i < shape.length; i++) {
      String symbol = dimensionNames[i].isEmpty() ? "?" : dimensionNames[i];
      dimensions.add(shape[i] == DYNAMIC ? symbol : Long.toString(shape[i]));
    }
    return dimensions.toString();
  }

  @Override
  public String toString() {
    return "'" + name + "' " + type + describe(0);
  }
}
