package io.headrace.onnx;

import static io.headrace.onnx.OnnxHandlerTest.linear;
import static io.headrace.onnx.OnnxHandlerTest.pair;
import static io.headrace.onnx.OnnxHandlerTest.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.headrace.InvalidInputException;
import io.headrace.Outcomes;
import io.headrace.Tensor;
import io.headrace.TensorType;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What bad items get, and that their neighbours in the batch are unharmed. */
class OnnxFailuresTest {
  private final List<OnnxHandler<?, ?>> started = new ArrayList<>();

  @AfterEach
  void close() {
    started.forEach(OnnxHandler::close);
  }

  @Test
  void wrongShapeFailsAlone() {
    var handler = start(OnnxHandler.builder("linear", Models.linear("batch")).build());
    var outcomes =
        outcomes(
            handler.handle(
                List.of(
                    pair(1, 0),
                    row(1, 2, 3),
                    pair(0, 1),
                    Tensor.of(pair(1, 2).toFloatArray(), 1, 2))));
    assertThat(outcomes.get(0)).isEqualTo(linear(1, 0));
    assertThat(outcomes.get(2)).isEqualTo(linear(0, 1));
    assertThat(outcomes.failure(1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("input 'x' takes the shape [2], given is [3]");
    assertThat(outcomes.failure(3)).hasMessageContaining("given is [1, 2]");
  }

  @Test
  void wrongTypeFailsAlone() {
    var handler = start(OnnxHandler.builder("linear", Models.linear("batch")).build());
    var outcomes = outcomes(handler.handle(List.of(Tensor.of(new double[2], 2), pair(0, 1))));
    assertThat(outcomes.failure(0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("input 'x' takes elements of type FLOAT, given are DOUBLE");
    assertThat(outcomes.get(1)).isEqualTo(linear(0, 1));
  }

  @Test
  void batchOfBadItemsOnly() {
    var handler = start(OnnxHandler.builder("linear", Models.linear("batch")).build());
    var outcomes = outcomes(handler.handle(List.of(row(1), row(2))));
    assertThat(outcomes.failure(0)).isInstanceOf(IllegalArgumentException.class);
    assertThat(outcomes.failure(1)).isInstanceOf(IllegalArgumentException.class);
  }

  /** Adds two inputs of the same shape. */
  private static OnnxHandler<Map<String, Tensor>, Map<String, Tensor>> sum() {
    byte[] model =
        Models.model()
            .input("a", DataType.FLOAT, "n", "k")
            .input("b", DataType.FLOAT, "n", "k")
            .node("Add", List.of("a", "b"), "sum")
            .output("sum", DataType.FLOAT, "n", "k")
            .bytes();
    return OnnxHandler.builder("sum", model).buildNamed();
  }

  @Test
  void missingAndUnknownInputsFailAlone() {
    var handler = start(sum());
    var outcomes =
        outcomes(
            handler.handle(
                List.of(
                    Map.of("a", pair(1, 2)),
                    Map.of("a", pair(1, 2), "b", pair(3, 4)),
                    Map.of("a", pair(1, 2), "b", pair(3, 4), "c", pair(5, 6)),
                    Map.of("a", pair(1, 2), "B", pair(3, 4)),
                    Map.of("a", pair(1, 2), "b", row(3, 4, 5)),
                    Map.of("a", pair(0, 0), "b", pair(1, 1)))));
    assertThat(outcomes.failure(0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("input 'b' is missing, given are [a]");
    assertThat(outcomes.get(1)).containsEntry("sum", pair(4, 6));
    assertThat(outcomes.failure(2))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("the model has the inputs [a, b], given are [")
        .hasMessageContaining("c");
    assertThat(outcomes.failure(3)).hasMessageContaining("input 'b' is missing");
    assertThat(outcomes.failure(4)).isInstanceOf(IllegalArgumentException.class);
    assertThat(outcomes.get(5)).containsEntry("sum", pair(1, 1));
  }

  @Test
  void inputsThatDifferInADimensionOfOneSymbolFailAlone() {
    var handler = start(sum());
    var outcomes =
        outcomes(
            handler.handle(
                List.of(
                    Map.of("a", row(1), "b", row(1, 2, 3)),
                    Map.of("a", row(1, 2, 3), "b", row(1)),
                    Map.of("a", row(1), "b", row(2)))));
    assertThat(outcomes.failure(0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("dimension 'k' has the length 1 in input 'a' and 3 in input 'b'");
    assertThat(outcomes.failure(1)).hasMessageContaining("3 in input 'a' and 1 in input 'b'");
    assertThat(outcomes.get(2)).containsEntry("sum", row(3));
    var square =
        Models.model()
            .input("x", DataType.FLOAT, "n", "k", "k")
            .node("Neg", List.of("x"), "y")
            .output("y", DataType.FLOAT, "n", "k", "k")
            .bytes();
    var negating = start(OnnxHandler.builder("square", square).build());
    assertThat(outcomes(negating.handle(List.of(Tensor.of(new float[2], 1, 2)))).failure(0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whatIsGivenForASingleNumberDoesNotSlowDownOtherItems() {
    byte[] model =
        Models.model()
            .input("a", DataType.FLOAT, "n", "k")
            .input("b", DataType.FLOAT)
            .node("Add", List.of("a", "b"), "sum")
            .output("sum", DataType.FLOAT, "n", "k")
            .bytes();
    var handler = start(OnnxHandler.builder("sum", model).buildNamed());
    Tensor zero = Tensor.of(new float[1]);
    handler.handle(List.of(Map.of("a", Tensor.of(new float[2], 1, 2), "b", zero)));
    Tensor matrix = Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
    var broadcast =
        handler.handle(List.of(Map.of("a", Tensor.of(new float[2], 1, 2), "b", matrix)));
    assertThat(broadcast.getFirst()).containsEntry("sum", matrix);
    int growths = handler.growths();
    handler.handle(List.of(Map.of("a", Tensor.of(new float[100], 1, 100), "b", zero)));
    assertThat(handler.growths()).as("the input, and the output with it").isEqualTo(growths + 2);
  }

  @Test
  void whatTheRuntimeRefusesFailsAlone() {
    var handler = start(OnnxHandler.builder("lookup", Models.lookup()).build());
    for (int i = 0; i < 3; i++) {
      var outcomes = outcomes(handler.handle(List.of(id(2), id(7), id(0), id(-9), id(1))));
      assertThat(outcomes.get(0)).isEqualTo(pair(5, 6));
      assertThat(outcomes.get(2)).isEqualTo(pair(1, 2));
      assertThat(outcomes.get(4)).isEqualTo(pair(3, 4));
      assertThat(outcomes.failure(1))
          .isInstanceOf(OnnxException.class)
          .hasMessageContaining("model lookup failed on a batch of 1")
          .hasMessageContaining("7");
      assertThat(outcomes.failure(3)).hasMessageContaining("-9");
    }
  }

  @Test
  void withoutIsolationTheBatchFails() {
    var handler =
        start(OnnxHandler.builder("lookup", Models.lookup()).isolateFailures(false).build());
    var outcomes = outcomes(handler.handle(List.of(id(2), id(7), pair(1, 2))));
    assertThat(outcomes.failure(0))
        .isInstanceOf(OnnxException.class)
        .hasMessageContaining("model lookup failed on a batch of 2");
    assertThat(outcomes.failure(1)).isSameAs(outcomes.failure(0));
    assertThat(outcomes.failure(2)).isInstanceOf(IllegalArgumentException.class);
    assertThat(handler.handle(List.of(id(2)))).containsExactly(pair(5, 6));
  }

  @Test
  void tensorWhoseMemoryIsGoneFailsAlone() {
    var handler = start(OnnxHandler.builder("linear", Models.linear("batch")).build());
    Tensor released;
    try (Arena arena = Arena.ofConfined()) {
      released = Tensor.ofSegment(TensorType.FLOAT, arena.allocate(8), 2);
    }
    var outcomes = outcomes(handler.handle(List.of(pair(1, 0), released, pair(0, 1))));
    assertThat(outcomes.get(0)).isEqualTo(linear(1, 0));
    assertThat(outcomes.failure(1)).isInstanceOf(IllegalStateException.class);
    assertThat(outcomes.get(2)).isEqualTo(linear(0, 1));
  }

  @Test
  void outputWhoseFirstDimensionIsNotTheBatchIsReported() {
    byte[] model =
        Models.model()
            .input("x", DataType.FLOAT, "?", 2)
            .node("Concat", List.of("x", "x"), "y", Models.attribute("axis", 0))
            .output("y", DataType.FLOAT, "?", 2)
            .bytes();
    var handler = start(OnnxHandler.builder("doubled", model).build());
    var outcomes = outcomes(handler.handle(List.of(pair(1, 2), pair(3, 4))));
    assertThat(outcomes.failure(0))
        .isInstanceOf(OnnxException.class)
        .hasMessage(
            "output 'y' of model doubled has the shape [4, 2] for a batch of 2; its first dimension"
                + " is not the batch, so build the handler with oneByOne()");
    assertThat(outcomes.failure(1)).isSameAs(outcomes.failure(0));
    var oneByOne = start(OnnxHandler.builder("doubled", model).oneByOne().build());
    assertThat(oneByOne.handle(List.of(Tensor.of(new float[] {1, 2}, 1, 2))))
        .containsExactly(Tensor.of(new float[] {1, 2, 1, 2}, 2, 2));
  }

  @Test
  void whatItsRowsKnowOfEachOtherKeepsAModelFromBeingBatched() {
    byte[] similarity =
        Models.model()
            .input("x", DataType.FLOAT, "N", 2)
            .node("Transpose", List.of("x"), "xt")
            .node("MatMul", List.of("x", "xt"), "y")
            .output("y", DataType.FLOAT, "N", "N")
            .bytes();
    var handler = start(OnnxHandler.builder("similarity", similarity).build());
    Tensor rows = Tensor.of(new float[] {1, 2, 3, 4}, 2, 2);
    assertThat(handler.handle(List.of(rows, Tensor.of(new float[] {5, 6}, 1, 2))))
        .containsExactly(
            Tensor.of(new float[] {5, 11, 11, 25}, 2, 2), Tensor.of(new float[] {61}, 1, 1));
    byte[] square =
        Models.model()
            .input("x", DataType.FLOAT, "n", "n")
            .node("Neg", List.of("x"), "y")
            .output("y", DataType.FLOAT, "n", "n")
            .bytes();
    var negating = start(OnnxHandler.builder("square", square).build());
    assertThat(outcomes(negating.handle(List.of(pair(1, 2)))).failure(0))
        .hasMessage(
            "input 'x' takes the shape [n, n], given is [2]; the model is not"
                + " batched, so an item has all dimensions");
  }

  @Test
  void symbolsThatDifferAreTheBatchIfToldSo() {
    byte[] model =
        Models.model()
            .input("x", DataType.FLOAT, "unk__5", 2)
            .node("Neg", List.of("x"), "y")
            .output("y", DataType.FLOAT, "unk__6", 2)
            .bytes();
    var whole = start(OnnxHandler.builder("exported", model).build());
    assertThat(outcomes(whole.handle(List.of(pair(1, 2)))).failure(0))
        .isInstanceOf(IllegalArgumentException.class);
    var handler = start(OnnxHandler.builder("exported", model).batched().build());
    assertThat(handler.handle(List.of(pair(1, 2), pair(3, 4))))
        .containsExactly(pair(-1, -2), pair(-3, -4));
    var fixed = OnnxHandler.builder("fixed", Models.linear(1)).batched().build();
    assertThatThrownBy(fixed::onStart)
        .isInstanceOf(OnnxException.class)
        .hasMessage(
            "model fixed cannot be batched: the first dimension of 'x' FLOAT[1, 2] is not dynamic");
  }

  @Test
  void anItemThatIsNullFailsAlone() {
    var handler = start(OnnxHandler.builder("linear", Models.linear("batch")).build());
    var outcomes = outcomes(handler.handle(Arrays.asList(null, pair(1, 0))));
    assertThat(outcomes.failure(0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("the item is null");
    assertThat(outcomes.get(1)).isEqualTo(linear(1, 0));
  }

  private <H extends OnnxHandler<?, ?>> H start(H handler) {
    handler.onStart();
    started.add(handler);
    return handler;
  }

  private static <O> Outcomes<O> outcomes(List<O> results) {
    return (Outcomes<O>) results;
  }

  private static Tensor id(long id) {
    return Tensor.of(new long[] {id});
  }
}
