package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.WorkerDiedException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A flow that is shared between processes, of which some are killed. */
class FlowProcessesTest {
  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    Leftovers.awaitNone();
  }

  @Test
  void aServerThatIsKilledFailsWhatItHadAndTheNextOneIsUsed() throws Exception {
    Path socket = folder.resolve("flow.sock");
    try (FlowClient<String, String> client = oneConnection(socket)) {
      try (ServingProcess server = ServingProcess.server(socket)) {
        assertThat(client.call("hello")).isEqualTo("hello!");
        assertThat(client.call(ServingProcess.PID)).isEqualTo(Long.toString(server.pid()));
        CompletableFuture<String> hanging = client.submit(ServingProcess.HANG);
        assertThat(client.call("behind")).isEqualTo("behind!");
        server.kill();
        assertThatThrownBy(hanging::join)
            .cause()
            .isInstanceOf(WorkerDiedException.class)
            .hasMessageContaining("the connection to the flow server at " + socket + " has ended")
            .hasMessageContaining("the call may have been executed");
      }
      assertThat(socket).as("the socket of the dead server").exists();
      CompletableFuture<String> waits = client.submit(ServingProcess.PID);
      try (ServingProcess next = ServingProcess.server(socket)) {
        assertThat(waits.join()).isEqualTo(Long.toString(next.pid()));
      }
    }
    Files.delete(socket);
  }

  @Test
  void aServerNeedsNoFolderForTemporaryFiles() throws Exception {
    Path socket = folder.resolve("flow.sock");
    try (FlowClient<String, String> client = oneConnection(socket);
        ServingProcess _ =
            ServingProcess.server(socket, "-Djava.io.tmpdir=" + folder.resolve("none"))) {
      assertThat(client.call("hello")).isEqualTo("hello!");
    }
    Files.delete(socket);
  }

  /** With another one the client may learn later that it has ended, and lose a call through it. */
  private static FlowClient<String, String> oneConnection(Path socket) {
    return FlowClient.builder(socket).connections(1).connectTimeout(Duration.ofSeconds(30)).build();
  }

  @Test
  void sharedValuesAreReadInPlaceAndComeBackAlsoWhenTheServerIsKilled() throws Exception {
    Path socket = folder.resolve("flow.sock");
    try (SharedValues values = SharedValues.create(2 << 20);
        FlowClient<Object, Object> client =
            FlowClient.builder(socket).connectTimeout(Duration.ofSeconds(30)).build();
        ServingProcess server = ServingProcess.server(socket)) {
      MemorySegment value = values.allocate(1 << 20);
      assertThat(client.call(value)).isEqualTo(1L << 20);
      assertThat(value.get(ValueLayout.JAVA_BYTE, 0))
          .as("what the server wrote")
          .isEqualTo((byte) 42);
      CompletableFuture<Object> hanging = client.submit(List.of(ServingProcess.HANG, value));
      assertThat(client.call("behind")).isEqualTo("behind!");
      SharedValues.release(value);
      assertThat(values.usedBytes()).isEqualTo(1 << 20);
      server.kill();
      assertThatThrownBy(hanging::join).hasCauseInstanceOf(WorkerDiedException.class);
      Awaitility.await("the memory to be free").until(() -> values.usedBytes() == 0);
    }
    Files.delete(socket);
  }

  @Test
  void aServerWithoutMemoryForMoreConnectionsServesWhenThereAreFewer() throws Exception {
    Path socket = folder.resolve("flow.sock");
    try (ServingProcess server = ServingProcess.server(socket, "-XX:MaxDirectMemorySize=1m")) {
      List<SocketChannel> connections = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        connections.add(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
      }
      awaitOneThatIsClosed(connections);
      for (SocketChannel connection : connections) {
        connection.close();
      }
      try (FlowClient<String, String> client =
          FlowClient.builder(socket).connectTimeout(Duration.ofSeconds(30)).build()) {
        assertThat(client.call("hello")).isEqualTo("hello!");
      }
      Awaitility.await("no memory of connections that are gone, or were refused")
          .until(() -> Leftovers.memoryFiles(server.pid()) == 0);
    }
    Files.delete(socket);
  }

  private static void awaitOneThatIsClosed(List<SocketChannel> connections) throws IOException {
    for (SocketChannel connection : connections) {
      connection.configureBlocking(false);
    }
    ByteBuffer bytes = ByteBuffer.allocate(1);
    Awaitility.await("the refusal of a connection")
        .until(
            () -> {
              for (SocketChannel connection : connections) {
                if (connection.read(bytes) < 0) {
                  return true;
                }
              }
              return false;
            });
  }

  @Test
  void aServerWithoutMemoryForACallSaysSoAndServesOthers() throws Exception {
    Path socket = folder.resolve("flow.sock");
    try (ServingProcess _ = ServingProcess.server(socket, "-Xmx32m");
        FlowClient<String, String> client = oneConnection(socket)) {
      assertThat(client.call("before")).isEqualTo("before!");
      CompletableFuture<String> large = client.submit("x".repeat(40 << 20));
      assertThatThrownBy(() -> large.get(30, TimeUnit.SECONDS))
          .hasCauseInstanceOf(WorkerDiedException.class)
          .hasMessageContaining("the server has failed: java.lang.OutOfMemoryError");
      assertThat(client.submit("after").get(30, TimeUnit.SECONDS)).isEqualTo("after!");
    }
    Files.delete(socket);
  }

  @Test
  void aClientThatIsKilledWithdrawsItsCalls() throws Exception {
    Path socket = folder.resolve("flow.sock");
    HeldCalls held = new HeldCalls();
    try (FlowServer server = FlowServer.builder(held, socket).start();
        ServingProcess client = ServingProcess.client(socket)) {
      HeldCalls.Held first = held.next();
      assertThat(first.item()).isEqualTo("from " + client.pid());
      first.future().complete("answer");
      assertThat(client.line()).isEqualTo("answer");
      HeldCalls.Held second = held.next();
      assertThat(client.line()).isEqualTo("waits");
      client.kill();
      Awaitility.await("the withdrawal").until(second.future()::isCancelled);
      Awaitility.await("the end of the connection").until(() -> server.connections() == 0);
    }
  }
}
