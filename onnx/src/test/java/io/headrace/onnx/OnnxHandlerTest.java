package io.headrace.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.headrace.Outcomes;
import io.headrace.Tensor;
import io.headrace.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the model computes for good items: stacked, grouped, one by one. */
class OnnxHandlerTest {
  private final List<OnnxHandler<?, ?>> started = new ArrayList<>();

  @AfterEach
  void close() {
    started.forEach(OnnxHandler::close);
  }

  @Test
  void stacksAndSlicesBatchesOfAnySize() {
    var handler = start(OnnxHandler.builder("linear", Models.linear("batch")).build());
    for (int size : new int[] {1, 2, 3, 8, 33, 5, 1, 100, 2}) {
      List<Tensor> items = new ArrayList<>();
      for (int i = 0; i < size; i++) {
        items.add(Tensor.of(new float[] {i, 2 * i}, 2));
      }
      List<Tensor> results = handler.handle(items);
      assertThat(results).hasSize(size);
      for (int i = 0; i < size; i++) {
        assertThat(results.get(i)).isEqualTo(linear(i, 2 * i));
      }
    }
  }

  @Test
  void worksWithoutSymbols() {
    var handler = start(OnnxHandler.builder("linear", Models.linear("?")).build());
    assertThat(handler.handle(List.of(pair(1, 0), pair(0, 1))))
        .containsExactly(linear(1, 0), linear(0, 1));
  }

  @Test
  void resultsAreNotOverwrittenByTheNextBatch() {
    var handler = start(OnnxHandler.builder("linear", Models.linear("batch")).build());
    Tensor first = handler.handle(List.of(pair(1, 0))).getFirst();
    handler.handle(List.of(pair(5, 5)));
    assertThat(first).isEqualTo(linear(1, 0));
  }

  @Test
  void readsItemsInNativeMemory() {
    var handler = start(OnnxHandler.builder("linear", Models.linear("batch")).build());
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 9, 1, 1);
      Tensor item = Tensor.ofSegment(TensorType.FLOAT, memory.asSlice(4), 2);
      assertThat(handler.handle(List.of(item, pair(2, 2))))
          .containsExactly(linear(1, 1), linear(2, 2));
    }
  }

  @Test
  void notANumberIsAValue() {
    var handler = start(OnnxHandler.builder("linear", Models.linear("batch")).build());
    List<Tensor> results =
        handler.handle(List.of(pair(Float.NaN, 0), pair(1, 0), pair(Float.POSITIVE_INFINITY, 0)));
    assertThat(results.get(0).floatAt(0)).isNaN();
    assertThat(results.get(1)).isEqualTo(linear(1, 0));
    assertThat(results.get(2).floatAt(0)).isInfinite();
  }

  @Test
  void severalInputsAndOutputsByName() {
    byte[] model =
        Models.model()
            .input("a", DataType.FLOAT, "n", 2)
            .input("b", DataType.FLOAT, "n", 2)
            .node("Add", List.of("a", "b"), "sum")
            .node("Mul", List.of("a", "b"), "product")
            .output("sum", DataType.FLOAT, "n", 2)
            .output("product", DataType.FLOAT, "n", 2)
            .bytes();
    var handler = start(OnnxHandler.builder("two", model).buildNamed());
    var results =
        handler.handle(
            List.of(
                Map.of("a", pair(1, 2), "b", pair(3, 4)),
                Map.of("b", pair(7, 8), "a", pair(5, 6))));
    assertThat(results.get(0)).containsOnlyKeys("sum", "product");
    assertThat(results.get(0).get("sum")).isEqualTo(pair(4, 6));
    assertThat(results.get(0).get("product")).isEqualTo(pair(3, 8));
    assertThat(results.get(1).get("sum")).isEqualTo(pair(12, 14));
    var chosen = start(OnnxHandler.builder("two", model).outputs("product").buildNamed());
    assertThat(chosen.handle(List.of(Map.of("a", pair(1, 2), "b", pair(3, 4)))).getFirst())
        .containsOnlyKeys("product");
  }

  @Test
  void everyTypeOfNumberPasses() {
    checkIdentity(DataType.FLOAT, Tensor.of(new float[] {1, 2}, 2));
    checkIdentity(DataType.DOUBLE, Tensor.of(new double[] {1, 2}, 2));
    checkIdentity(DataType.INT32, Tensor.of(new int[] {1, -2}, 2));
    checkIdentity(DataType.INT64, Tensor.of(new long[] {1, -2}, 2));
    checkIdentity(DataType.INT8, Tensor.of(new byte[] {1, -2}, 2));
    checkIdentity(DataType.UINT8, bytes(TensorType.UINT8, 1, -2));
    checkIdentity(DataType.BOOL, bytes(TensorType.BOOL, 1, 0));
    checkIdentity(DataType.INT16, bytes(TensorType.INT16, 1, 2, 3, 4));
    checkIdentity(DataType.FLOAT16, bytes(TensorType.FLOAT16, 1, 2, 3, 4));
    checkIdentity(DataType.BFLOAT16, bytes(TensorType.BFLOAT16, 1, 2, 3, 4));
  }

  @Test
  void everyByteButZeroIsTrue() {
    byte[] model =
        Models.model()
            .input("x", DataType.BOOL, "batch", 6)
            .node("Not", List.of("x"), "y")
            .output("y", DataType.BOOL, "batch", 6)
            .bytes();
    var handler = start(OnnxHandler.builder("not", model).build());
    Tensor item = booleans(0, 1, 2, 127, 128, 255);
    Tensor expected = booleans(1, 0, 0, 0, 0, 0);
    assertThat(handler.handle(List.of(item, item))).containsExactly(expected, expected);
  }

  private static Tensor booleans(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return Tensor.ofSegment(TensorType.BOOL, MemorySegment.ofArray(bytes), bytes.length);
  }

  private void checkIdentity(DataType type, Tensor item) {
    byte[] model =
        Models.model()
            .input("x", type, "batch", 2)
            .node("Identity", List.of("x"), "y")
            .output("y", type, "batch", 2)
            .bytes();
    var handler = start(OnnxHandler.builder(type + " identity", model).build());
    assertThat(handler.handle(List.of(item, item))).containsExactly(item, item);
    byte[] unknown =
        Models.model()
            .input("x", type, "batch", 2)
            .node("Identity", List.of("x"), "y")
            .output("y", type, "batch", "k")
            .bytes();
    handler = start(OnnxHandler.builder(type + " identity", unknown).build());
    assertThat(handler.handle(List.of(item, item))).containsExactly(item, item);
  }

  @Test
  void itemsOfDifferentShapesShareRunsByShape() {
    byte[] model =
        Models.model()
            .input("x", DataType.FLOAT, "batch", "length")
            .node("Add", List.of("x", "x"), "y")
            .output("y", DataType.FLOAT, "batch", "length")
            .bytes();
    var handler = start(OnnxHandler.builder("dynamic", model).build());
    List<Tensor> results =
        handler.handle(List.of(row(1), row(1, 2), row(3), row(3, 4), row(), row(4, 5, 6), row(5)));
    assertThat(results)
        .containsExactly(row(2), row(2, 4), row(6), row(6, 8), row(), row(8, 10, 12), row(10));
  }

  @Test
  void itemsWithoutElementsAreAnsweredIfTheyCanBeCounted() {
    byte[] model =
        Models.model()
            .input("x", DataType.FLOAT, "batch", "a", "b", "c")
            .node("Neg", List.of("x"), "y")
            .output("y", DataType.FLOAT, "batch", "a", "b", "c")
            .bytes();
    var handler = start(OnnxHandler.builder("empty", model).build());
    Tensor item = Tensor.of(new float[0], 0, 1L << 40, 1L << 40);
    Tensor uncountable = Tensor.of(new float[0], 1L << 40, 1L << 40, 0);
    Outcomes<Tensor> outcomes = (Outcomes<Tensor>) handler.handle(List.of(item, uncountable));
    assertThat(outcomes.get(0)).isEqualTo(item);
    assertThat(outcomes.failure(1))
        .as("ONNX Runtime counts from the left")
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void outputsOfAShapeThatDependsOnTheDataAreRead() {
    byte[] model =
        Models.model()
            .input("x", DataType.FLOAT, "batch", "length")
            .longs("minusOne", -1)
            .node("Concat", List.of("x", "x"), "y", Models.attribute("axis", 1))
            .output("y", DataType.FLOAT, "batch", "twice")
            .bytes();
    var handler = start(OnnxHandler.builder("twice", model).build());
    assertThat(handler.handle(List.of(row(1, 2), row(3, 4), row(5))))
        .containsExactly(row(1, 2, 1, 2), row(3, 4, 3, 4), row(5, 5));
  }

  @Test
  void outputsThatLieAboutTheirShapeAreRead() {
    byte[] model =
        Models.model()
            .input("x", DataType.FLOAT, "batch", "length")
            .node("Concat", List.of("x", "x"), "y", Models.attribute("axis", 1))
            .output("y", DataType.FLOAT, "batch", "length")
            .bytes();
    var handler = start(OnnxHandler.builder("lie", model).build());
    for (int i = 0; i < 3; i++) {
      assertThat(handler.handle(List.of(row(1, 2), row(3, 4))))
          .containsExactly(row(1, 2, 1, 2), row(3, 4, 3, 4));
    }
  }

  @Test
  void outputsThatBeginToLieAboutTheirShapeAreRead() {
    byte[] model =
        Models.model()
            .input("a", DataType.FLOAT, "batch", "length")
            .input("b", DataType.FLOAT, "batch", "other")
            .node("Concat", List.of("a", "b"), "y", Models.attribute("axis", 1))
            .output("y", DataType.FLOAT, "batch", "length")
            .bytes();
    var handler = start(OnnxHandler.builder("lie", model).buildNamed());
    Tensor item = row(1, 2);
    for (Tensor other : List.of(row(), row(), row(3), row())) {
      var result = handler.handle(List.of(Map.of("a", item, "b", other))).getFirst();
      assertThat(result.get("y")).isEqualTo(other.size() == 0 ? item : row(1, 2, 3));
    }
  }

  @Test
  void outputsThatAreInputsAreRead() {
    Tensor first = Tensor.of(new long[] {41});
    Tensor second = Tensor.of(new long[] {42});
    var batched = start(OnnxHandler.builder("ids", withIds("n")).buildNamed());
    for (int i = 0; i < 2; i++) {
      assertThat(
              batched.handle(
                  List.of(
                      Map.of("id", first, "x", pair(1, 2)), Map.of("id", second, "x", pair(3, 4)))))
          .containsExactly(
              Map.of("id", first, "y", pair(-1, -2)), Map.of("id", second, "y", pair(-3, -4)));
    }
    var oneRow = start(OnnxHandler.builder("ids", withIds(1)).buildNamed());
    assertThat(oneRow.handle(List.of(Map.of("id", first, "x", pair(1, 2)))))
        .containsExactly(Map.of("id", first, "y", pair(-1, -2)));
    var oneByOne = start(OnnxHandler.builder("ids", withIds("n")).oneByOne().buildNamed());
    Tensor ids = Tensor.of(new long[] {41, 42}, 2);
    Tensor pairs = Tensor.of(new float[] {1, 2, 3, 4}, 2, 2);
    assertThat(oneByOne.handle(List.of(Map.of("id", ids, "x", pairs))))
        .containsExactly(Map.of("id", ids, "y", Tensor.of(new float[] {-1, -2, -3, -4}, 2, 2)));
  }

  /** Ids that are handed through, beside y = -x. */
  private static byte[] withIds(Object batch) {
    return Models.model()
        .input("id", DataType.INT64, batch)
        .input("x", DataType.FLOAT, batch, 2)
        .node("Neg", List.of("x"), "y")
        .output("id", DataType.INT64, batch)
        .output("y", DataType.FLOAT, batch, 2)
        .bytes();
  }

  @Test
  void modelFixedToOneRowRunsItemByItem() {
    var handler = start(OnnxHandler.builder("one row", Models.linear(1)).build());
    assertThat(handler.handle(List.of(pair(1, 0), pair(0, 1), pair(1, 1))))
        .containsExactly(linear(1, 0), linear(0, 1), linear(1, 1));
  }

  @Test
  void modelWithoutABatchDimensionTakesItsFullShapes() {
    var handler = start(OnnxHandler.builder("four rows", Models.linear(4)).build());
    Tensor item = Tensor.of(new float[] {1, 0, 0, 1, 1, 1, 0, 0}, 4, 2);
    Tensor expected = Tensor.of(new float[] {11, 22, 33, 14, 25, 36, 15, 27, 39, 10, 20, 30}, 4, 3);
    List<Tensor> results = handler.handle(List.of(item, pair(1, 0), item));
    assertThat(results.get(0)).isEqualTo(expected);
    assertThat(results.get(2)).isEqualTo(expected);
    assertThat(((Outcomes<Tensor>) results).failure(1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "input 'x' takes the shape [4, 2], given is [2]; the model is not"
                + " batched, so an item has all dimensions");
  }

  @Test
  void oneByOneTakesFullShapesOfAnyModel() {
    var handler = start(OnnxHandler.builder("rows", Models.linear("batch")).oneByOne().build());
    Tensor two = Tensor.of(new float[] {1, 0, 0, 1}, 2, 2);
    Tensor one = Tensor.of(new float[] {1, 1}, 1, 2);
    assertThat(handler.handle(List.of(two, one)))
        .containsExactly(
            Tensor.of(new float[] {11, 22, 33, 14, 25, 36}, 2, 3),
            Tensor.of(new float[] {15, 27, 39}, 1, 3));
  }

  @Test
  void outputThatIsNotBatchedMakesItemsRunAlone() {
    byte[] model =
        Models.model()
            .input("x", DataType.FLOAT, "batch", 2)
            .node("ReduceSum", List.of("x"), "sum", Models.attribute("keepdims", 0))
            .output("sum", DataType.FLOAT)
            .bytes();
    var handler = start(OnnxHandler.builder("sum", model).build());
    assertThat(handler.handle(List.of(Tensor.of(new float[] {1, 2, 3, 4}, 2, 2))))
        .containsExactly(Tensor.of(new float[] {10}));
  }

  @Test
  void outputsThatAreTensorsCanBeChosenBesideOthers() {
    byte[] model =
        Models.model()
            .input("x", DataType.FLOAT, "batch", 2)
            .node("Identity", List.of("x"), "y")
            .node("SequenceConstruct", List.of("x", "x"), "list")
            .output("y", DataType.FLOAT, "batch", 2)
            .output(Models.sequence("list"))
            .bytes();
    var handler = start(OnnxHandler.builder("list", model).outputs("y").build());
    assertThat(handler.handle(List.of(pair(1, 2)))).containsExactly(pair(1, 2));
    assertThatThrownBy(() -> OnnxHandler.builder("list", model).build().onStart())
        .isInstanceOf(OnnxException.class)
        .hasMessageContaining("output 'list' of model list")
        .hasMessageContaining("only tensors of the types [FLOAT, ")
        .hasMessageContaining("are supported, other outputs can be chosen");
  }

  private <H extends OnnxHandler<?, ?>> H start(H handler) {
    handler.onStart();
    started.add(handler);
    return handler;
  }

  static Tensor pair(float first, float second) {
    return Tensor.of(new float[] {first, second}, 2);
  }

  static Tensor row(float... values) {
    return Tensor.of(values, values.length);
  }

  /** What {@link Models#linear} computes. */
  static Tensor linear(float a, float b) {
    return Tensor.of(new float[] {a + 4 * b + 10, 2 * a + 5 * b + 20, 3 * a + 6 * b + 30}, 3);
  }

  private static Tensor bytes(TensorType type, int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return Tensor.ofSegment(type, MemorySegment.ofArray(bytes), 2);
  }
}
