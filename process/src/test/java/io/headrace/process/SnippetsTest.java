package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.CallOptions;
import io.headrace.Flow;
import io.headrace.Handler;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of the documentation. */
class SnippetsTest {
  /** A handler that loads a model. */
  public static final class Classifier implements Handler<String, String> {
    private final String model;

    public Classifier(String model) {
      this.model = model;
    }

    @Override
    public List<String> handle(List<String> texts) {
      return texts.stream().map(text -> text + " by " + model).toList();
    }
  }

  @Test
  void processes() throws Exception {
    String model = "m1";
    // @start region="processes"
    try (Flow<String, String> flow =
        Flow.<String>builder("texts")
            .<String>stepPerWorker(
                "classify",
                HandlerFactory.of(() -> new Classifier(model)),
                step ->
                    step.workers(
                        WorkerProcesses.builder(2)
                            .jvmOptions("-Xmx256m")
                            .retry(3) // it does no harm to classify a text again
                            .build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      assertThat(flow.call("hello")).isEqualTo("hello by m1");
    }
    // @end
  }

  @Test
  void factory() {
    Path model = Path.of("model.onnx");
    // @start region="factory"
    String path = model.toString(); // a Path is not serialisable
    HandlerFactory<Classifier> factory = HandlerFactory.of(() -> new Classifier(path));
    // @end
    assertThat(factory.get().model).isEqualTo("model.onnx");
  }

  @Test
  void classFactory() {
    // @start region="classFactory"
    HandlerFactory<Classifier> factory = HandlerFactory.of(Classifier.class, "model.onnx");
    // @end
    assertThat(factory.get().model).isEqualTo("model.onnx");
  }

  // @start region="codec"
  /** Sets of bits travel as arrays. */
  static final class BitSetCodec implements Codec<BitSet> {
    @Override
    public Class<BitSet> type() {
      return BitSet.class;
    }

    @Override
    public void write(BitSet value, ValueWriter out) {
      out.write(value.toLongArray());
    }

    @Override
    public BitSet read(ValueReader in) {
      return BitSet.valueOf((long[]) in.read());
    }
  }

  // @end

  @Test
  void codec() throws Exception {
    try (Flow<BitSet, BitSet> flow =
        Flow.<BitSet>builder("bits")
            .<BitSet>stepPerWorker(
                "same",
                HandlerFactory.of(() -> items -> items),
                step ->
                    step.workers(WorkerProcesses.builder(1).register(BitSetCodec.class).build()))
            .build()
            .start(Duration.ofSeconds(30))) {
      BitSet bits = BitSet.valueOf(new long[] {12, 34});
      assertThat(flow.call(bits)).isEqualTo(bits);
    }
  }

  @Test
  void shared() throws Exception {
    java.io.InputStream body = new java.io.ByteArrayInputStream(new byte[5000]);
    long contentLength = 5000;
    try (Flow<MemorySegment, Integer> flow =
            Flow.<MemorySegment>builder("images")
                .<Integer>stepPerWorker(
                    "sum",
                    HandlerFactory.of(
                        () -> items -> items.stream().map(item -> (int) item.byteSize()).toList()),
                    step -> step.workers(WorkerProcesses.of(1)))
                .build()
                .start(Duration.ofSeconds(30));
        // @start region="shared"
        SharedValues values = SharedValues.create(64 << 20)) {
      MemorySegment image = values.read(body, contentLength, Duration.ofSeconds(5));
      int sum = flow.call(image); // the worker reads what came from the stream, in place
      SharedValues.release(image); // or leave that to the garbage collector
      // @end
      assertThat(sum).isEqualTo(5000);
    }
  }

  private static final ThreadLocal<@Nullable String> TENANT = new ThreadLocal<>();

  // @start region="contextCarrier"
  /** Carries the tenant whose call a thread works at. */
  record TenantCarrier() implements ContextCarrier {
    @Override
    public Map<String, String> capture() {
      String tenant = TENANT.get();
      return tenant == null ? Map.of() : Map.of("tenant", tenant);
    }

    @Override
    public Scope restore(Map<String, String> context) {
      String before = TENANT.get();
      TENANT.set(context.get("tenant"));
      return () -> TENANT.set(before);
    }
  }

  // @end

  @Test
  void contextCarrier() {
    TenantCarrier carrier = new TenantCarrier();
    TENANT.set("a");
    Map<String, String> captured = carrier.capture();
    TENANT.remove();
    try (ContextCarrier.Scope _ = carrier.restore(captured)) {
      assertThat(TENANT.get()).isEqualTo("a");
    }
    assertThat(TENANT.get()).isNull();
  }

  record Question(String text) {}

  @Test
  void flowServerAndClient(@TempDir Path folder) throws Exception {
    try (Flow<Question, String> flow =
        Flow.<Question>builder("answers")
            .<String>step(
                "answer", items -> items.stream().map(item -> item.text() + " 42").toList())
            .build()
            .start()) {
      Path socket = folder.resolve("answers.sock");
      // @start region="flowServer"
      try (FlowServer server = FlowServer.builder(flow, socket).register(Question.class).start()) {
        // ... until the process is told to end
        // @end
        assertThat(server.path()).isEqualTo(socket);
        // @start region="flowClient"
        try (FlowClient<Question, String> answers =
            FlowClient.builder(socket).register(Question.class).build()) {
          String answer =
              answers.call(
                  new Question("what is it?"), CallOptions.timeout(Duration.ofSeconds(10)));
          assertThat(answer).isEqualTo("what is it? 42");
        }
        // @end
      }
    }
  }
}
