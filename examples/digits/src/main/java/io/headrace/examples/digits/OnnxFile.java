package io.headrace.examples.digits;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * The two layers as an ONNX model: {@code pixels} [batch, 64] to {@code probabilities} [batch, 10],
 * both float, the digits in order.
 */
final class OnnxFile {
  static final String INPUT = "pixels";
  static final String OUTPUT = "probabilities";

  private static final int OPERATOR_SET = 13;
  private static final int FORMAT_VERSION = 7;

  private OnnxFile() {}

  static byte[] bytes(HiddenLayer hidden, OutputLayer output) {
    GraphProto graph =
        GraphProto.newBuilder()
            .setName("digits")
            .addInput(value(INPUT, DigitImage.COUNTS))
            .addOutput(value(OUTPUT, Digit.CLASSES))
            .addInitializer(matrix("hiddenWeights", hidden.weights))
            .addInitializer(vector("hiddenBiases", hidden.biases))
            .addInitializer(matrix("outputWeights", output.weights))
            .addInitializer(vector("outputBiases", output.biases))
            .addNode(linear("hiddenLinear", INPUT, "hiddenWeights", "hiddenBiases"))
            .addNode(node("Relu", "hidden", List.of("hiddenLinear")))
            .addNode(linear("scores", "hidden", "outputWeights", "outputBiases"))
            .addNode(node("Softmax", OUTPUT, List.of("scores")).addAttribute(integer("axis", 1)))
            .build();
    return ModelProto.newBuilder()
        .setIrVersion(FORMAT_VERSION)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OPERATOR_SET))
        .setProducerName("io.headrace.examples.digits")
        .setModelVersion(1)
        .setDocString("Handwritten digits from 8 by 8 counts; see MODEL_CARD.md")
        .addMetadataProps(
            StringStringEntryProto.newBuilder().setKey("labels").setValue("0,1,2,3,4,5,6,7,8,9"))
        .setGraph(graph)
        .build()
        .toByteArray();
  }

  private static ValueInfoProto value(String name, int columns) {
    TensorShapeProto shape =
        TensorShapeProto.newBuilder()
            .addDim(TensorShapeProto.Dimension.newBuilder().setDimParam("batch"))
            .addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(columns))
            .build();
    TypeProto.Tensor tensor =
        TypeProto.Tensor.newBuilder()
            .setElemType(TensorProto.DataType.FLOAT.getNumber())
            .setShape(shape)
            .build();
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setTensorType(tensor))
        .build();
  }

  /** The product with the transposed weights, plus the biases. */
  private static NodeProto.Builder linear(
      String name, String input, String weights, String biases) {
    return node("Gemm", name, List.of(input, weights, biases)).addAttribute(integer("transB", 1));
  }

  private static NodeProto.Builder node(String operator, String output, List<String> inputs) {
    return NodeProto.newBuilder()
        .setName(output)
        .setOpType(operator)
        .addAllInput(inputs)
        .addOutput(output);
  }

  private static AttributeProto integer(String name, int value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  private static TensorProto matrix(String name, float[][] rows) {
    ByteBuffer data = littleEndian(rows.length * rows[0].length);
    for (float[] row : rows) {
      for (float value : row) {
        data.putFloat(value);
      }
    }
    return tensor(name, data, rows.length, rows[0].length);
  }

  private static TensorProto vector(String name, float[] values) {
    ByteBuffer data = littleEndian(values.length);
    for (float value : values) {
      data.putFloat(value);
    }
    return tensor(name, data, values.length);
  }

  private static ByteBuffer littleEndian(int floats) {
    return ByteBuffer.allocate(floats * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static TensorProto tensor(String name, ByteBuffer data, long... shape) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(TensorProto.DataType.FLOAT.getNumber())
            .setRawData(ByteString.copyFrom(data.flip()));
    for (long length : shape) {
      tensor.addDims(length);
    }
    return tensor.build();
  }
}
