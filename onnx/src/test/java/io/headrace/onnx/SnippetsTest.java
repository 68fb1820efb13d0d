package io.headrace.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.headrace.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of the Javadoc. */
class SnippetsTest {
  @TempDir Path folder;

  @Test
  void single() throws Exception {
    Path file = Files.write(folder.resolve("digits.onnx"), Models.perceptron(64, 32, 10));
    // @start region="single"
    OnnxHandler<Tensor, Tensor> digits = OnnxHandler.builder(file).warmUp(1, 32).build();
    digits.onStart(); // a flow or batcher does this, and the close
    List<Tensor> scores =
        digits.handle(List.of(Tensor.of(new float[64], 64), Tensor.of(new float[64], 64)));
    digits.close();
    // @end
    assertThat(scores).hasSize(2);
    assertThat(scores.getFirst().shape()).containsExactly(10);
  }

  @Test
  void named() {
    byte[] model =
        Models.model()
            .input("user", DataType.INT64, "batch")
            .input("features", DataType.FLOAT, "batch", 2)
            .floats("bias", new float[] {0.5f, 1.5f, 2.5f}, 3)
            .node("Gather", List.of("bias", "user"), "userBias")
            .longs("axes", 1)
            .node("Unsqueeze", List.of("userBias", "axes"), "column")
            .node("Add", List.of("features", "column"), "score")
            .output("score", DataType.FLOAT, "batch", 2)
            .bytes();
    // @start region="named"
    OnnxHandler<Map<String, Tensor>, Map<String, Tensor>> ranking =
        OnnxHandler.builder("ranking", model).outputs("score").buildNamed();
    ranking.onStart();
    Map<String, Tensor> item =
        Map.of(
            "user", Tensor.of(new long[] {2}), // an input [batch]: a single number
            "features", Tensor.of(new float[] {1, 2}, 2)); // an input [batch, 2]
    Tensor score = ranking.handle(List.of(item)).getFirst().get("score");
    ranking.close();
    // @end
    assertThat(score.toFloatArray()).containsExactly(3.5f, 4.5f);
  }
}
