package io.headrace.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto.Dimension;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.List;
import java.util.Random;

/** Builds small ONNX models. Dimensions are numbers, or symbols, or "?" for none. */
final class Models {
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("test");

  static Models model() {
    return new Models();
  }

  /** y = x W + b with W = [[1, 2, 3], [4, 5, 6]] and b = [10, 20, 30]. */
  static byte[] linear(Object batch) {
    return model()
        .input("x", DataType.FLOAT, batch, 2)
        .floats("w", new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
        .floats("b", new float[] {10, 20, 30}, 3)
        .node("MatMul", List.of("x", "w"), "xw")
        .node("Add", List.of("xw", "b"), "y")
        .output("y", DataType.FLOAT, batch, 3)
        .bytes();
  }

  /** Rows of a table of three by an id: fails as a whole if one id is out of range. */
  static byte[] lookup() {
    return model()
        .input("id", DataType.INT64, "batch")
        .floats("table", new float[] {1, 2, 3, 4, 5, 6}, 3, 2)
        .node("Gather", List.of("table", "id"), "row")
        .output("row", DataType.FLOAT, "batch", 2)
        .bytes();
  }

  /** A perceptron with one hidden layer and seeded random weights. */
  static byte[] perceptron(int inputs, int hidden, int outputs) {
    Random random = new Random(1);
    return model()
        .input("x", DataType.FLOAT, "batch", inputs)
        .floats("w1", random(random, inputs * hidden), inputs, hidden)
        .floats("b1", random(random, hidden), hidden)
        .floats("w2", random(random, hidden * outputs), hidden, outputs)
        .floats("b2", random(random, outputs), outputs)
        .node("MatMul", List.of("x", "w1"), "a")
        .node("Add", List.of("a", "b1"), "c")
        .node("Relu", List.of("c"), "d")
        .node("MatMul", List.of("d", "w2"), "e")
        .node("Add", List.of("e", "b2"), "y")
        .output("y", DataType.FLOAT, "batch", outputs)
        .bytes();
  }

  private static float[] random(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian() * 0.1f;
    }
    return values;
  }

  Models input(String name, DataType type, Object... shape) {
    graph.addInput(value(name, type, shape));
    return this;
  }

  Models output(String name, DataType type, Object... shape) {
    graph.addOutput(value(name, type, shape));
    return this;
  }

  Models output(ValueInfoProto value) {
    graph.addOutput(value);
    return this;
  }

  Models floats(String name, float[] values, long... shape) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(DataType.FLOAT.getNumber());
    for (long dimension : shape) {
      tensor.addDims(dimension);
    }
    for (float value : values) {
      tensor.addFloatData(value);
    }
    graph.addInitializer(tensor);
    return this;
  }

  Models longs(String name, long... values) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(DataType.INT64.getNumber())
            .addDims(values.length);
    for (long value : values) {
      tensor.addInt64Data(value);
    }
    graph.addInitializer(tensor);
    return this;
  }

  Models node(String operator, List<String> inputs, String output, AttributeProto... attributes) {
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType(operator)
            .addAllInput(inputs)
            .addOutput(output)
            .addAllAttribute(List.of(attributes)));
    return this;
  }

  static AttributeProto attribute(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  byte[] bytes() {
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(15))
        .setGraph(graph)
        .build()
        .toByteArray();
  }

  private static ValueInfoProto value(String name, DataType type, Object... shape) {
    TensorShapeProto.Builder dimensions = TensorShapeProto.newBuilder();
    for (Object dimension : shape) {
      Dimension.Builder builder = dimensions.addDimBuilder();
      if (dimension instanceof Integer length) {
        builder.setDimValue(length);
      } else if (!dimension.equals("?")) {
        builder.setDimParam((String) dimension);
      }
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(type.getNumber())
                        .setShape(dimensions)))
        .build();
  }

  /** A value that is a sequence of tensors. */
  static ValueInfoProto sequence(String name) {
    TypeProto element =
        TypeProto.newBuilder()
            .setTensorType(TypeProto.Tensor.newBuilder().setElemType(DataType.FLOAT.getNumber()))
            .build();
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setSequenceType(TypeProto.Sequence.newBuilder().setElemType(element)))
        .build();
  }
}
