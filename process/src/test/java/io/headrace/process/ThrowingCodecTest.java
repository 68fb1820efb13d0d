package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Tensor;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A codec that throws an error, as one does whose class is missing, fails its item alone. */
class ThrowingCodecTest {
  private static final String WRITTEN = "written";
  private static final String READ = "read";
  private static final int MEMORY = 1 << 20;

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Throws when it is written or read. */
  private record Fragile(String when) {}

  static final class FragileCodec implements Codec<Fragile> {
    @Override
    public Class<Fragile> type() {
      return Fragile.class;
    }

    @Override
    public void write(Fragile value, ValueWriter out) {
      check(value, WRITTEN);
      out.writeString(value.when);
    }

    @Override
    public Fragile read(ValueReader in) {
      Fragile value = new Fragile(in.readString());
      check(value, READ);
      return value;
    }

    private static void check(Fragile value, String when) {
      if (value.when.equals(when)) {
        throw new NoClassDefFoundError("gone when " + when);
      }
    }
  }

  /** Reads something else than it has written. */
  private record Muddled(String how) {}

  static final class MuddledCodec implements Codec<Muddled> {
    static final List<String> HOWS = List.of("order", "too little", "too much");

    @Override
    public Class<Muddled> type() {
      return Muddled.class;
    }

    @Override
    public void write(Muddled value, ValueWriter out) {
      out.writeString(value.how);
      out.writeInt(1 << 30);
    }

    @Override
    public Muddled read(ValueReader in) {
      String how = in.readString();
      switch (how) {
        case "order" -> {
          var _ = in.readString();
        }
        case "too much" -> {
          var _ = in.readLong();
        }
        default -> {
          // the number is left
        }
      }
      return new Muddled(how);
    }
  }

  /** Makes fragile and muddled values of texts, and tensors of numbers of bytes. */
  private static final class Making implements Handler<Object, Object> {
    @Override
    public List<Object> handle(List<Object> items) {
      return items.stream().map(Making::made).toList();
    }

    static Object made(Object item) {
      return switch (item) {
        case String text ->
            MuddledCodec.HOWS.contains(text) ? new Muddled(text) : new Fragile(text);
        case Long bytes -> Tensor.of(new byte[bytes.intValue()], bytes);
        default -> item;
      };
    }
  }

  private static Flow<Object, Object> flow() throws InterruptedException {
    return Flow.<Object>builder("fragile")
        .<Object>stepPerWorker(
            "make",
            HandlerFactory.of(Making::new),
            step ->
                step.batch(BatchPolicy.greedy(8))
                    .workers(
                        WorkerProcesses.builder(1)
                            .register(FragileCodec.class, MuddledCodec.class)
                            .resultMemoryBytes(MEMORY)
                            .largeMemoryBytes(0)
                            .build()))
        .build()
        .start(Duration.ofSeconds(30));
  }

  @ParameterizedTest
  @ValueSource(strings = {WRITTEN, READ})
  void aResultOfAWorkerFailsItsCallAlone(String when) throws Exception {
    try (Flow<Object, Object> flow = flow()) {
      checkBatch(flow, when, "gone when " + when);
    }
  }

  private static void checkBatch(Flow<Object, Object> flow, Object fragile, String message) {
    List<CompletableFuture<Object>> answers = flow.submitAll(List.of(1, fragile, 2));
    assertThatThrownBy(answers.get(1)::join).hasStackTraceContaining(message);
    assertThat(answers.get(0).join()).isEqualTo(1);
    assertThat(answers.get(2).join()).isEqualTo(2);
    assertThat(flow.workers("make").getFirst().restarts()).isZero();
  }

  /** The worker has its memory back, which is large enough for two of these. */
  @Test
  void aResultThatCannotBeReadGivesItsMemoryBack() throws Exception {
    long bytes = MEMORY / 2 - 10_000;
    try (Flow<Object, Object> flow = flow()) {
      for (int i = 0; i < 3; i++) {
        List<CompletableFuture<Object>> answers =
            flow.submitAll(List.of(bytes, List.of(), READ, bytes));
        assertThatThrownBy(answers.get(2)::join).hasStackTraceContaining("gone when read");
        for (int large : new int[] {0, 3}) {
          Tensor tensor = (Tensor) answers.get(large).join();
          assertThat(tensor.byteSize()).isEqualTo(bytes);
          var _ = SharedValues.release(tensor); // one is on the heap: both take more than half
        }
        Object failing = List.of(Tensor.of(new byte[(int) bytes], bytes), new Fragile(READ));
        assertThatThrownBy(() -> flow.call(failing)).hasStackTraceContaining("gone when read");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {WRITTEN, READ})
  void anItemForAWorkerFailsItsCallAloneAndGivesItsMemoryBack(String when) throws Exception {
    try (Flow<Object, Object> flow = flow()) {
      Object item = List.of(Tensor.of(new byte[100_000], 100_000), new Fragile(when));
      checkBatch(flow, item, "gone when " + when);
      assertThatThrownBy(() -> flow.call(item)).hasStackTraceContaining("gone when " + when);
      assertThat(flow.call(2)).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {WRITTEN, READ})
  void aResultOrAnItemFailsItsCallThroughASocketAlone(String when) throws Exception {
    Path path = folder.resolve("fragile.sock");
    try (FlowServer server =
            FlowServer.builder(
                    (item, options) -> CompletableFuture.completedFuture(Making.made(item)), path)
                .register(FragileCodec.class, MuddledCodec.class)
                .start();
        FlowClient<Object, Object> client =
            FlowClient.builder(path)
                .register(FragileCodec.class, MuddledCodec.class)
                .connections(1)
                .build()) {
      for (Object fragile : List.of(when, new Fragile(when))) {
        CompletableFuture<Object> before = client.submit(1);
        CompletableFuture<Object> broken = client.submit(fragile);
        CompletableFuture<Object> after = client.submit(2);
        assertThatThrownBy(broken::join).hasStackTraceContaining("gone when " + when);
        assertThat(before.join()).isEqualTo(1);
        assertThat(after.join()).isEqualTo(2);
      }
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  private static String reads(String how) {
    return MuddledCodec.class.getName()
        + " reads what it has not written: "
        + switch (how) {
          case "too little" -> "of a value 4 bytes too few";
          case "too much" -> "of a value 4 bytes too many";
          default -> "";
        };
  }

  @ParameterizedTest
  @ValueSource(strings = {"order", "too little", "too much"})
  void aCodecThatReadsWhatItHasNotWrittenFailsItsItemOrResultAlone(String how) throws Exception {
    try (Flow<Object, Object> flow = flow()) {
      checkBatch(flow, how, reads(how));
      checkBatch(flow, List.of(new Muddled(how), "next"), reads(how));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"order", "too little", "too much"})
  void aCodecThatReadsWhatItHasNotWrittenFailsItsCallThroughASocketAlone(String how)
      throws Exception {
    Path path = folder.resolve("muddled.sock");
    HeldCalls held = new HeldCalls();
    try (FlowServer server =
            FlowServer.builder(
                    (item, options) ->
                        item.equals(1)
                            ? held.submit(item, options)
                            : CompletableFuture.completedFuture(Making.made(item)),
                    path)
                .register(MuddledCodec.class)
                .start();
        FlowClient<Object, Object> client =
            FlowClient.builder(path).register(MuddledCodec.class).connections(1).build()) {
      CompletableFuture<Object> before = client.submit(1);
      for (Object muddled : List.of(how, new Muddled(how))) {
        assertThatThrownBy(() -> client.call(muddled))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageStartingWith(reads("")); // what is behind it ends with the frame
      }
      held.next().future().complete(1);
      assertThat(before.join()).isEqualTo(1);
      assertThat(server.connections()).isEqualTo(1);
    }
  }
}
