package io.headrace.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.Tensor;
import io.headrace.Workers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of docs/guide/onnx.md. */
class OnnxGuideTest {
  @TempDir Path folder;

  private Path file(byte[] model) throws Exception {
    return Files.write(folder.resolve("model.onnx"), model);
  }

  @Test
  void batcher() throws Exception {
    Path file = file(Models.perceptron(64, 32, 10));
    float[] pixels = new float[64];
    List<Tensor> answers = new ArrayList<>();
    // @start region="onnxBatcher"
    OnnxHandler<Tensor, Tensor> model = // its input is [batch, 64], its output [batch, 10]
        OnnxHandler.builder(file)
            .warmUp(1, 32) // on zeros, before the first caller comes
            .build();

    try (Batcher<Tensor, Tensor> digits =
        Batcher.builder(model)
            .batch(BatchPolicy.greedy(32))
            .workers(Workers.threads(2)) // two batches at once, the model is in memory once
            .queue(1024, OnFull.fail())
            .build()) { // loads the model
      answers.add(digits.call(Tensor.of(pixels, 64))); // [64] in, [10] out
    }
    // @end
    assertThat(answers.getFirst().shape()).containsExactly(10);
  }

  @Test
  void flow() throws Exception {
    Path file = file(Models.linear("batch"));
    List<String> answers = new ArrayList<>();
    // @start region="onnxFlow"
    try (Flow<String, String> flow =
        Flow.<String>builder("labels")
            .step("read", Handler.each(text -> tensor(text)))
            .step(
                "model",
                OnnxHandler.builder(file).build(),
                step -> step.batch(BatchPolicy.greedy(32)).workers(Workers.threads(2)))
            .step("label", Handler.each(scores -> label(scores)))
            .build()
            .start(Duration.ofMinutes(1))) {
      answers.add(flow.call("1 0"));
    }
    // @end
    assertThat(answers).containsExactly("label 2");
  }

  private static Tensor tensor(String text) {
    String[] numbers = text.split(" ");
    return Tensor.of(new float[] {Float.parseFloat(numbers[0]), Float.parseFloat(numbers[1])}, 2);
  }

  private static String label(Tensor scores) {
    float[] all = scores.toFloatArray();
    int best = 0;
    for (int i = 1; i < all.length; i++) {
      best = all[i] > all[best] ? i : best;
    }
    return "label " + best;
  }

  @Test
  void named() throws Exception {
    Path file =
        file(
            Models.model()
                .input("user", DataType.INT64, "batch")
                .input("features", DataType.FLOAT, "batch", 2)
                .floats("bias", new float[] {0.5f, 1.5f, 2.5f}, 3)
                .node("Gather", List.of("bias", "user"), "userBias")
                .longs("axes", 1)
                .node("Unsqueeze", List.of("userBias", "axes"), "column")
                .node("Add", List.of("features", "column"), "score")
                .output("score", DataType.FLOAT, "batch", 2)
                .bytes());
    List<Tensor> answers = new ArrayList<>();
    // @start region="onnxNamed"
    OnnxHandler<Map<String, Tensor>, Map<String, Tensor>> ranking =
        OnnxHandler.builder(file)
            .outputs("score") // the others are not computed
            .buildNamed();

    try (Batcher<Map<String, Tensor>, Map<String, Tensor>> batcher =
        Batcher.builder(ranking).build()) {
      Map<String, Tensor> item =
          Map.of(
              "user", Tensor.of(new long[] {2}), // an input [batch]: a single number
              "features", Tensor.of(new float[] {1, 2}, 2)); // an input [batch, 2]
      answers.add(batcher.call(item).get("score"));
    }
    // @end
    assertThat(answers.getFirst().toFloatArray()).containsExactly(3.5f, 4.5f);
  }

  @Test
  void gpu() throws Exception {
    Path file = file(Models.linear("batch"));
    // @start region="onnxGpu"
    OnnxHandler<Tensor, Tensor> model =
        OnnxHandler.builder(file)
            .executionProvider(ExecutionProvider.TENSOR_RT, Map.of("device_id", "0"))
            .executionProvider(ExecutionProvider.CUDA, Map.of("device_id", "0"))
            .build();
    // @end
    assertThatThrownBy(model::onStart) // with the library for the processor, as here
        .isInstanceOf(OnnxException.class)
        .hasMessageContaining("TENSOR_RT")
        .hasMessageContaining("is not in this build of ONNX Runtime, which has");
  }
}
