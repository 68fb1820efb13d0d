package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Service;
import io.headrace.Tensor;
import io.headrace.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What cannot travel is refused with a remedy, and its neighbours are not. */
class RefusedValuesTest {
  private static final URI LOGS = URI.create("http://host/logs/");

  private static final String CONFINED =
      " bytes of a confined arena, which other threads cannot read: use Arena.ofShared(),"
          + " Arena.ofAuto() or SharedValues.copy";

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  /** Makes URIs relative, and segments of numbers of bytes; gives back all else. */
  private static final class Making implements Handler<Object, Object> {
    private @Nullable Arena arena;

    @Override
    public List<Object> handle(List<Object> items) {
      return items.stream().map(this::made).toList();
    }

    Object made(Object item) {
      if (item instanceof Integer bytes) {
        arena = arena == null ? Arena.ofConfined() : arena;
        return arena.allocate(bytes).fill((byte) 7);
      }
      return item instanceof URI uri ? LOGS.relativize(uri) : item;
    }
  }

  private static Flow<Object, Object> flow() throws InterruptedException {
    return Flow.<Object>builder("refusing")
        .<Object>stepPerWorker(
            "make",
            HandlerFactory.of(Making::new),
            step -> step.batch(BatchPolicy.greedy(8)).workers(WorkerProcesses.of(1)))
        .build()
        .start(Duration.ofSeconds(30));
  }

  private static void checkAlone(Service<Object, Object> service, Object refused, String message) {
    List<CompletableFuture<Object>> answers = service.submitAll(List.of("1", refused, "2"));
    assertThatThrownBy(answers.get(1)::join)
        .cause()
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
    assertThat(answers.get(0).join()).isEqualTo("1");
    assertThat(answers.get(2).join()).isEqualTo("2");
  }

  private static void checkUris(Service<Object, Object> service) {
    for (String name : List.of("10:30.txt", "log:30.txt")) {
      URI file = LOGS.resolve("./" + name);
      String message = "the URI " + name + " cannot travel";
      checkAlone(service, file, message); // which is made of it
      checkAlone(service, LOGS.relativize(file), message);
    }
    assertThat(service.submit(URI.create("./10:30.txt")).join())
        .isEqualTo(URI.create("./10:30.txt"));
  }

  @Test
  void aUriWhoseTextIsNotReadAsItselfFailsAloneInABatch() throws Exception {
    try (Flow<Object, Object> flow = flow()) {
      checkUris(flow);
      assertThat(flow.workers("make").getFirst().restarts()).isZero();
    }
  }

  private FlowServer serve() throws Exception {
    Making making = new Making();
    Service<Object, Object> service =
        (item, options) -> CompletableFuture.completedFuture(making.made(item));
    return FlowServer.builder(service, folder.resolve("refusing.sock")).start();
  }

  @Test
  void aUriWhoseTextIsNotReadAsItselfFailsItsCallThroughASocketAlone() throws Exception {
    try (FlowServer server = serve();
        FlowClient<Object, Object> client =
            FlowClient.builder(server.path()).connections(1).build()) {
      CompletableFuture<Object> before = client.submit("before");
      checkUris(client);
      assertThat(before.join()).isEqualTo("before");
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  /** Also if a worker is idle, and so the thread of the caller packs its batch. */
  @ParameterizedTest
  @ValueSource(ints = {100, 100_000})
  void bytesOfAConfinedArenaDoNotTravelToAWorker(int bytes) throws Exception {
    try (Flow<Object, Object> flow = flow();
        SharedValues values = SharedValues.create(1 << 20);
        Arena confined = Arena.ofConfined();
        Arena shared = Arena.ofShared()) {
      MemorySegment segment = confined.allocate(bytes);
      for (Object value :
          List.of(
              segment,
              segment.asByteBuffer(),
              Tensor.ofSegment(TensorType.INT8, segment, bytes),
              List.of(segment))) {
        assertThatThrownBy(() -> flow.call(value))
            .isExactlyInstanceOf(IllegalArgumentException.class)
            .hasMessage("a value has " + bytes + CONFINED);
        checkAlone(flow, value, CONFINED);
      }
      for (MemorySegment remedy :
          List.of(shared.allocate(bytes), Arena.ofAuto().allocate(bytes), values.copy(segment))) {
        assertThat(((MemorySegment) flow.call(remedy)).byteSize()).isEqualTo(bytes);
      }
    }
  }

  /** The thread that writes them is always the same. */
  @ParameterizedTest
  @ValueSource(ints = {100, 100_000})
  void bytesOfAConfinedArenaTravelBackFromAWorkerAndFromAClient(int bytes) throws Exception {
    try (Flow<Object, Object> flow = flow()) {
      MemorySegment made = (MemorySegment) flow.call(bytes);
      assertThat(made.byteSize()).isEqualTo(bytes);
      assertThat(made.get(JAVA_BYTE, bytes - 1)).isEqualTo((byte) 7);
    }
    try (FlowServer server = serve();
        FlowClient<Object, Object> client = FlowClient.builder(server.path()).build();
        Arena confined = Arena.ofConfined()) {
      MemorySegment back = (MemorySegment) client.call(confined.allocate(bytes));
      assertThat(back.byteSize()).isEqualTo(bytes);
      checkAlone(client, bytes, CONFINED); // which another thread writes than makes it
    }
  }
}
