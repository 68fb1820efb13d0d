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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A codec that throws an error, as one does whose class is missing, fails its call alone. */
class ThrowingCodecTest {
  private static final String WRITTEN = "written";
  private static final String READ = "read";

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

  /** Makes fragile values of texts. */
  private static final class Making implements Handler<Object, Object> {
    @Override
    public List<Object> handle(List<Object> items) {
      return items.stream().map(Making::made).toList();
    }

    static Object made(Object item) {
      return item instanceof String text ? new Fragile(text) : item;
    }
  }

  private static Flow<Object, Object> flow(int maxSize) throws InterruptedException {
    return Flow.<Object>builder("fragile")
        .<Object>stepPerWorker(
            "make",
            HandlerFactory.of(Making::new),
            step ->
                step.batch(BatchPolicy.greedy(maxSize))
                    .workers(WorkerProcesses.builder(1).register(FragileCodec.class).build()))
        .build()
        .start(Duration.ofSeconds(30));
  }

  @ParameterizedTest
  @ValueSource(strings = {WRITTEN, READ})
  void aResultOfAWorkerFailsItsCallAlone(String when) throws Exception {
    int maxSize = when.equals(READ) ? 1 : 8; // nobody knows where the next one begins
    try (Flow<Object, Object> flow = flow(maxSize)) {
      CompletableFuture<Object> before = flow.submit(1);
      CompletableFuture<Object> fragile = flow.submit(when);
      CompletableFuture<Object> after = flow.submit(2);
      assertThatThrownBy(fragile::join).hasStackTraceContaining("gone when " + when);
      assertThat(before.join()).isEqualTo(1);
      assertThat(after.join()).isEqualTo(2);
      assertThat(flow.workers("make").getFirst().restarts()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {WRITTEN, READ})
  void anItemForAWorkerFailsItsCallAloneAndGivesItsMemoryBack(String when) throws Exception {
    try (Flow<Object, Object> flow = flow(1)) {
      Object item = List.of(Tensor.of(new byte[100_000], 100_000), new Fragile(when));
      assertThatThrownBy(() -> flow.call(item)).hasStackTraceContaining("gone when " + when);
      assertThat(flow.call(2)).isEqualTo(2);
      assertThat(flow.workers("make").getFirst().restarts()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {WRITTEN, READ})
  void aResultOrAnItemFailsItsCallThroughASocketAlone(String when) throws Exception {
    Path path = folder.resolve("fragile.sock");
    try (FlowServer server =
            FlowServer.builder(
                    (item, options) -> CompletableFuture.completedFuture(Making.made(item)), path)
                .register(FragileCodec.class)
                .start();
        FlowClient<Object, Object> client =
            FlowClient.builder(path).register(FragileCodec.class).connections(1).build()) {
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
}
