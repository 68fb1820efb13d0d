package io.headrace.onnx;

import static io.headrace.onnx.OnnxHandlerTest.linear;
import static io.headrace.onnx.OnnxHandlerTest.pair;
import static io.headrace.onnx.OnnxHandlerTest.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.StartException;
import io.headrace.Tensor;
import io.headrace.Workers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** A model as a step of a flow and behind a batcher. */
class OnnxFlowTest {
  @Test
  void workersShareOneInstance() throws Exception {
    check(
        Flow.<Float>builder("shared")
            .step("pair", Handler.each((Float x) -> pair(x, 1)))
            .step(
                "model",
                handler(),
                step -> step.batch(BatchPolicy.greedy(16)).workers(Workers.threads(3)))
            .build());
  }

  @Test
  void workersHaveAnInstanceEach() throws Exception {
    Supplier<Handler<Tensor, Tensor>> factory = OnnxFlowTest::handler;
    check(
        Flow.<Float>builder("each")
            .step("pair", Handler.each((Float x) -> pair(x, 1)))
            .stepPerWorker(
                "model",
                factory,
                step -> step.batch(BatchPolicy.greedy(16)).workers(Workers.threads(2)))
            .build());
  }

  @Test
  void inline() throws Exception {
    check(
        Flow.<Float>builder("inline")
            .step(
                "pair",
                Handler.each((Float x) -> pair(x, 1)),
                step -> step.workers(Workers.inline()))
            .step("model", handler(), step -> step.workers(Workers.inline()))
            .build());
  }

  private static void check(Flow<Float, Tensor> flow) throws Exception {
    try (flow) {
      flow.start();
      List<CompletableFuture<Tensor>> futures = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        futures.add(flow.submit((float) i));
      }
      for (int i = 0; i < 500; i++) {
        assertThat(futures.get(i).get()).isEqualTo(linear(i, 1));
      }
    }
  }

  @Test
  void badItemFailsItsCallerAlone() throws Exception {
    try (var batcher = Batcher.builder(handler()).build()) {
      List<CompletableFuture<Tensor>> futures =
          batcher.submitAll(List.of(pair(1, 0), row(1, 2, 3), pair(0, 1)));
      assertThat(futures.get(0).get()).isEqualTo(linear(1, 0));
      assertThatThrownBy(futures.get(1)::join)
          .isInstanceOf(CompletionException.class)
          .hasCauseInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("takes the shape [2], given is [3]");
      assertThat(futures.get(2).get()).isEqualTo(linear(0, 1));
      assertThatThrownBy(() -> batcher.call(row(1))).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void flowDoesNotStartWithABrokenModel() throws Exception {
    try (var flow =
        Flow.<Tensor>builder("broken")
            .step("model", OnnxHandler.builder("broken", new byte[] {1}).build())
            .build()) {
      assertThatThrownBy(flow::start)
          .isInstanceOf(StartException.class)
          .hasCauseInstanceOf(OnnxException.class);
    }
  }

  private static OnnxHandler<Tensor, Tensor> handler() {
    return OnnxHandler.builder("linear", Models.linear("batch")).build();
  }
}
