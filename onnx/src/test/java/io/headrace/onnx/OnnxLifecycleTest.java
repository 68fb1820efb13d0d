package io.headrace.onnx;

import static io.headrace.onnx.OnnxHandlerTest.linear;
import static io.headrace.onnx.OnnxHandlerTest.pair;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.headrace.Tensor;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Start, close, sharing between threads, and what is refused at the start. */
class OnnxLifecycleTest {
  @TempDir Path folder;

  @Test
  void readsTheFileWhenItStarts() throws IOException {
    Path file = folder.resolve("linear.onnx");
    var handler = OnnxHandler.builder(file).build();
    assertThatThrownBy(handler::onStart)
        .isInstanceOf(OnnxException.class)
        .hasMessage("model " + file + " cannot be loaded: there is no such file");
    handler.close();
    Files.write(file, Models.linear("batch"));
    handler.onStart();
    assertThat(handler.handle(List.of(pair(1, 0)))).containsExactly(linear(1, 0));
    handler.close();
    assertThat(handler).hasToString("OnnxHandler of model " + file);
  }

  @Test
  void refusesWhatIsNoModel() throws IOException {
    Path file = Files.writeString(folder.resolve("text.onnx"), "this is no model");
    assertStartFails(OnnxHandler.builder(file), file.toString(), "cannot be loaded");
    assertStartFails(OnnxHandler.builder("none", new byte[0]), "model none", "cannot be loaded");
    assertStartFails(OnnxHandler.builder(folder), folder.toString(), "it is a folder");
  }

  @Test
  void readsFilesThatTheRuntimeCannotName() throws IOException {
    Path file = folder.resolve("linear.onnx");
    Files.write(file, Models.lookup()); // what a file of another file system is not taken for
    URI archive = URI.create("jar:" + folder.resolve("models.zip").toUri());
    try (FileSystem zip = FileSystems.newFileSystem(archive, Map.of("create", "true"))) {
      Path zipped = zip.getPath(file.toString());
      Files.createDirectories(zipped.getParent());
      Files.write(zipped, Models.linear("batch"));
      assertIsLinear(zipped);
    }
    assertIsLinear(Files.write(folder.resolve("\ud83d\ude00.onnx"), Models.linear("batch")));
  }

  private static void assertIsLinear(Path file) {
    var handler = OnnxHandler.builder(file).build();
    handler.onStart();
    assertThat(handler.handle(List.of(pair(1, 2)))).containsExactly(linear(1, 2));
    handler.close();
  }

  @Test
  void refusesInputsAndOutputsThatDoNotSuit() {
    byte[] two =
        Models.model()
            .input("a", DataType.FLOAT, "n", 2)
            .input("b", DataType.FLOAT, "n", 2)
            .node("Add", List.of("a", "b"), "sum")
            .node("Mul", List.of("a", "b"), "product")
            .output("sum", DataType.FLOAT, "n", 2)
            .output("product", DataType.FLOAT, "n", 2)
            .bytes();
    assertStartFails(
        OnnxHandler.builder("two", two),
        "model two has the inputs ['a' FLOAT[n, 2]",
        "buildNamed()");
    assertStartFails(
        OnnxHandler.builder("two", two).outputs("sum", "quotient"),
        "model two has no output 'quotient', its outputs are [",
        "product");
    byte[] several =
        Models.model()
            .input("x", DataType.FLOAT, "n", 2)
            .node("Identity", List.of("x"), "y")
            .node("Neg", List.of("x"), "z")
            .output("y", DataType.FLOAT, "n", 2)
            .output("z", DataType.FLOAT, "n", 2)
            .bytes();
    assertStartFails(
        OnnxHandler.builder("several", several), "has the outputs ['y' FLOAT", "outputs(name)");
    byte[] strings =
        Models.model()
            .input("text", DataType.STRING, "n")
            .node("Identity", List.of("text"), "y")
            .output("y", DataType.STRING, "n")
            .bytes();
    assertStartFails(
        OnnxHandler.builder("strings", strings),
        "input 'text' of model strings",
        "only tensors of");
    byte[] unsigned =
        Models.model()
            .input("x", DataType.UINT32, "n")
            .node("Identity", List.of("x"), "y")
            .output("y", DataType.UINT32, "n")
            .bytes();
    assertStartFails(OnnxHandler.builder("unsigned", unsigned), "input 'x'", "UINT32", "INT64");
  }

  @Test
  void refusesAnExecutionProviderThatIsNotThere() {
    assertStartFails(
        OnnxHandler.builder("linear", Models.linear("batch"))
            .executionProvider(ExecutionProvider.CORE_ML),
        "execution provider CORE_ML, asked for by model linear, is not in this build",
        "CPU");
  }

  @Test
  void acceptsEveryOptionOfTheSession() {
    var handler =
        OnnxHandler.builder("linear", Models.linear("batch"))
            .intraOpThreads(2)
            .interOpThreads(2)
            .spinning(true)
            .optimization(GraphOptimization.BASIC)
            .executionProvider(ExecutionProvider.CPU)
            .sessionConfig("session.disable_prepacking", "1")
            .warmUp(1, 4)
            .build();
    handler.onStart();
    assertThat(handler.handle(List.of(pair(1, 0)))).containsExactly(linear(1, 0));
    handler.close();
  }

  @Test
  void isToldWhenItIsNotStarted() {
    var handler = OnnxHandler.builder("linear", Models.linear("batch")).build();
    assertThatThrownBy(() -> handler.handle(List.of(pair(1, 0))))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the handler of model linear is not started: call onStart first");
    handler.close();
  }

  @Test
  void canBeStartedAgain() {
    var handler = OnnxHandler.builder("linear", Models.linear("batch")).build();
    for (int i = 0; i < 3; i++) {
      handler.onStart();
      assertThat(handler.handle(List.of(pair(1, i)))).containsExactly(linear(1, i));
      handler.close();
      assertThatThrownBy(() -> handler.handle(List.of(pair(1, 0))))
          .isInstanceOf(IllegalStateException.class);
      handler.close();
    }
  }

  @Test
  void theMemoryOfThreadsThatAreNoMoreIsFreed() {
    Settings settings =
        new Settings(
            "model linear",
            null,
            new Settings.Bytes(Models.linear("batch")),
            1,
            1,
            false,
            GraphOptimization.ALL,
            Map.of(),
            Map.of(),
            List.of(),
            null,
            false,
            List.of());
    Lanes lanes = new Lanes(Model.open(settings));
    List<Lane> taken = Stream.generate(lanes::take).limit(Lanes.MAX_IDLE + 1).toList();
    taken.forEach(lanes::giveBack);
    List<Row> rows = List.of(new Row(new Tensor[] {pair(1, 0)}));
    assertThatCode(() -> taken.getFirst().run(rows)).doesNotThrowAnyException();
    assertThatThrownBy(() -> taken.getLast().run(rows))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("Already closed");
    lanes.close();
  }

  @Test
  void isReleasedByTheLastOfThoseWhoShareIt() {
    var handler = OnnxHandler.builder("linear", Models.linear("batch")).build();
    handler.onStart();
    handler.onStart();
    handler.close();
    assertThat(handler.handle(List.of(pair(1, 0)))).containsExactly(linear(1, 0));
    handler.close();
    assertThatThrownBy(() -> handler.handle(List.of(pair(1, 0))))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void buffersAreReused() {
    var handler = OnnxHandler.builder("mlp", Models.perceptron(784, 128, 10)).warmUp(32).build();
    handler.onStart();
    int growths = handler.growths();
    Tensor item = Tensor.of(new float[784], 784);
    for (int i = 0; i < 1000; i++) {
      assertThat(handler.handle(Collections.nCopies(1 + i % 32, item))).hasSize(1 + i % 32);
    }
    assertThat(handler.growths()).isEqualTo(growths);
    handler.close();
  }

  @Test
  void warmUpNeedsItemsOfAKnownShape() {
    byte[] model =
        Models.model()
            .input("x", DataType.FLOAT, "batch", "length")
            .node("Identity", List.of("x"), "y")
            .output("y", DataType.FLOAT, "batch", "length")
            .bytes();
    assertStartFails(
        OnnxHandler.builder("dynamic", model).warmUp(1),
        "warm-up of model dynamic is not possible: its input 'x' takes items of the shape"
            + " [length]");
  }

  @Test
  void saysWhyAWarmUpFailed() {
    byte[] large =
        Models.model()
            .input("x", DataType.FLOAT, "batch", 100_000, 100_000)
            .node("Neg", List.of("x"), "y")
            .output("y", DataType.FLOAT, "batch", 100_000, 100_000)
            .bytes();
    assertStartFails(
        OnnxHandler.builder("large", large).warmUp(1),
        "warm-up of model large is not possible: its input 'x' takes items of the shape"
            + " [100000, 100000], 40000000000 bytes; at most 2147483583 are possible");
    byte[] sevens =
        Models.model()
            .input("x", DataType.INT64, "batch")
            .longs("seven", 7)
            .floats("table", new float[] {1, 2, 3, 4, 5, 6}, 3, 2)
            .node("Add", List.of("x", "seven"), "id")
            .node("Gather", List.of("table", "id"), "row")
            .output("row", DataType.FLOAT, "batch", 2)
            .bytes();
    assertStartFails(
        OnnxHandler.builder("sevens", sevens).warmUp(2),
        "warm-up of model sevens with 2 items failed: model sevens failed on a batch of 2:");
  }

  @Test
  void oneInstanceServesSeveralThreads() throws Exception {
    var handler = OnnxHandler.builder("linear", Models.linear("batch")).build();
    handler.onStart();
    runInThreads(4, thread -> checkBatches(handler, thread));
    handler.close();
  }

  @Test
  void instancesRunBesideEachOther() throws Exception {
    runInThreads(
        2,
        thread -> {
          var handler = OnnxHandler.builder("linear", Models.linear("batch")).build();
          handler.onStart();
          checkBatches(handler, thread);
          handler.close();
        });
  }

  private static void checkBatches(OnnxHandler<Tensor, Tensor> handler, int thread) {
    for (int i = 0; i < 500; i++) {
      int first = i;
      var items = IntStream.rangeClosed(0, i % 9).mapToObj(n -> pair(first + n, thread)).toList();
      var expected =
          IntStream.rangeClosed(0, i % 9).mapToObj(n -> linear(first + n, thread)).toList();
      assertThat(handler.handle(items)).isEqualTo(expected);
    }
  }

  @Test
  void closeWaitsForTheBatchesThatRun() throws Exception {
    var handler = OnnxHandler.builder("mlp", Models.perceptron(784, 1024, 10)).build();
    Tensor item = Tensor.of(new float[784], 784);
    for (int round = 0; round < 20; round++) {
      handler.onStart();
      AtomicInteger batches = new AtomicInteger();
      AtomicInteger closed = new AtomicInteger();
      try (ExecutorService closer = Executors.newSingleThreadExecutor()) {
        Future<?> closing =
            closer.submit(
                () -> {
                  Awaitility.await("batches run").until(() -> batches.get() > 5);
                  handler.close();
                });
        runInThreads(
            3,
            _ -> {
              try {
                while (true) {
                  assertThat(handler.handle(Collections.nCopies(8, item))).hasSize(8);
                  batches.incrementAndGet();
                }
              } catch (IllegalStateException e) {
                closed.incrementAndGet();
              }
            });
        closing.get();
      }
      assertThat(closed).hasValue(3);
    }
  }

  @Test
  void interruptionIsIgnoredAndKept() {
    var handler = OnnxHandler.builder("linear", Models.linear("batch")).build();
    handler.onStart();
    Thread.currentThread().interrupt();
    assertThat(handler.handle(List.of(pair(1, 0)))).containsExactly(linear(1, 0));
    assertThat(Thread.interrupted()).isTrue();
    handler.close();
  }

  @Test
  void builderRefusesWhatMakesNoSense() {
    var builder = OnnxHandler.builder("linear", new byte[0]);
    assertThatThrownBy(() -> builder.intraOpThreads(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("intraOpThreads is 0, it has to be at least 1");
    assertThatThrownBy(() -> builder.warmUp(4, 0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.outputs("a", "a")).hasMessageContaining("[a, a]");
    assertThatThrownBy(builder::outputs).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.interOpThreads(-1))
        .hasMessage("interOpThreads is -1, it has to be at least 1");
    builder.intraOpThreads(2);
    assertThatThrownBy(() -> builder.intraOpThreads(3))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("intraOpThreads is set to 3, it was set to 2 before");
    builder.executionProvider(ExecutionProvider.CUDA, Map.of("device_id", "1"));
    assertThatThrownBy(() -> builder.executionProvider(ExecutionProvider.CUDA))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(
            () ->
                builder.executionProvider(ExecutionProvider.TENSOR_RT, Map.of("device_id", "one")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("device_id is 'one', it has to be a number from 0 to 2147483647");
    for (String deviceId : List.of("3000000000", "-1")) {
      assertThatThrownBy(
              () ->
                  builder.executionProvider(
                      ExecutionProvider.TENSOR_RT, Map.of("device_id", deviceId)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(deviceId);
    }
    assertThatThrownBy(
            () -> builder.executionProvider(ExecutionProvider.CPU, Map.of("device_id", "0")))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void builderRefusesWhatContradictsOtherOptionsOrChangesThreads() {
    var builder = OnnxHandler.builder("linear", new byte[0]).oneByOne();
    assertThatThrownBy(builder::oneByOne).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(builder::batched)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("batched is set to true, it was set to false before");
    assertThatThrownBy(builder::warmUp)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("warmUp has no batch sizes, there has to be one at least");
    for (String key :
        List.of("session.intra_op.allow_spinning", "session.inter_op.allow_spinning")) {
      assertThatThrownBy(() -> builder.sessionConfig(key, "1"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("sessionConfig " + key + " is refused: it is what spinning(boolean) sets");
    }
    assertThatThrownBy(() -> builder.sessionConfig("session.set_denormal_as_zero", "1"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the arithmetic of the thread that starts the handler");
  }

  private static void assertStartFails(OnnxHandlerBuilder builder, String... messages) {
    var handler = builder.build();
    assertThatThrownBy(handler::onStart)
        .isInstanceOf(OnnxException.class)
        .hasMessageContainingAll(messages);
    handler.close();
  }

  private static void runInThreads(int count, IntConsumer task) throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(count)) {
      List<? extends Future<?>> futures =
          IntStream.range(0, count)
              .mapToObj(thread -> threads.submit(() -> task.accept(thread)))
              .toList();
      for (Future<?> future : futures) {
        future.get();
      }
    }
  }
}
