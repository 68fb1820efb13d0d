package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.StoppedException;
import io.headrace.WorkerDiedException;
import io.headrace.shm.Mechanism;
import io.headrace.shm.SharedMemory;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients and servers that send what cannot be. */
class MalformedFramesTest {
  private static final int MAX_BYTES = 1 << 20;

  /** Memory of a client. */
  private static final SharedMemory LENT = SharedMemory.create(8192, Mechanism.best());

  @AfterAll
  static void release() {
    LENT.close();
  }

  @TempDir Path folder;

  private FlowServer server;
  private FlowClient<Object, Object> client;

  @BeforeEach
  void serve() throws Exception {
    server =
        FlowServer.builder((item, options) -> CompletableFuture.completedFuture(item), path())
            .maxFrameBytes(MAX_BYTES)
            .start();
    client = FlowClient.builder(path()).build();
    assertThat(client.call(1)).isEqualTo(1);
  }

  @AfterEach
  void othersDoNotNotice() throws Exception {
    assertThat(client.call(2)).isEqualTo(2);
    Awaitility.await("the end of the others").until(() -> server.connections() == 1);
    client.close();
    server.close();
  }

  private Path path() {
    return folder.resolve("flow.sock");
  }

  private static byte[] frame(Frame.Kind kind, Consumer<ValueWriter> content) {
    ValueWriter out = Frame.begin(kind, Types.NONE, 2 * MAX_BYTES);
    content.accept(out);
    return Frame.end(out).toArray(ValueLayout.JAVA_BYTE);
  }

  private static byte[] hello(long magic, int version) {
    return frame(
        Frame.Kind.HELLO,
        out -> {
          out.writeLong(magic);
          out.writeInt(version);
          out.writeInt(0);
          out.writeInt(2 * MAX_BYTES);
          out.writeString(""); // no memory can be reached
          out.writeLong(0);
        });
  }

  private static byte[] call(long id, long timeout, int priority, Consumer<ValueWriter> item) {
    return frame(
        Frame.Kind.CALL,
        out -> {
          out.writeLong(id);
          out.writeLong(timeout);
          out.writeInt(priority);
          out.writeByte((byte) 0);
          item.accept(out);
        });
  }

  /** A call with a value in a memory of the client. */
  private static byte[] lent(int memory, long offset) {
    byte[] call =
        call(
            1,
            0,
            0,
            out -> {
              out.writeByte(Tag.SEGMENT);
              out.writeByte(Tag.SHARED);
              out.writeLong(memory); // and generation 0
              out.writeLong(offset);
              out.writeLong(100);
              out.writeLong(0);
              out.writeLong(100);
            });
    call[Frame.FLAGS_OFFSET] = Frame.LENT;
    return call;
  }

  private static byte[] map(long number, long bytes) {
    return map(number, bytes, LENT.path());
  }

  private static byte[] map(long number, long bytes, String path) {
    return frame(
        Frame.Kind.MAP,
        out -> {
          out.writeLong(number);
          out.writeLong(bytes);
          out.writeString(path);
        });
  }

  private static byte[] length(int length) {
    return ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(length).array();
  }

  private static byte[] serialised() {
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      new ObjectOutputStream(bytes).writeObject(new java.util.ArrayList<>(List.of(1)));
      return bytes.toByteArray();
    } catch (IOException failure) {
      throw new IllegalStateException(failure);
    }
  }

  static Stream<Arguments> strangers() {
    return Stream.of(
        Arguments.of("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.UTF_8), "it can have from"),
        Arguments.of(serialised(), "it can have from"),
        Arguments.of(length(0), "a frame of 0 bytes"),
        Arguments.of(length(-1), "a frame of -1 bytes"),
        Arguments.of(length(MAX_BYTES), "it can have from 5 to 65536"),
        Arguments.of(hello(1, 1), "it is no client of a flow server"),
        Arguments.of(call(1, 0, 0, out -> out.write(1)), "it is no client of a flow server"),
        Arguments.of(hello(Frame.MAGIC, 1), "the client speaks version 1, the server 5"));
  }

  @ParameterizedTest
  @MethodSource("strangers")
  void whoIsNoClientIsRefused(byte[] sent, String reason) throws Exception {
    assertThat(refusal(sent)).contains(reason);
  }

  static Stream<Arguments> nonsense() {
    return Stream.of(
        Arguments.of(length(4), "a frame of 4 bytes"),
        Arguments.of(length(MAX_BYTES + 1), "it can have from 5 to 1048576: set maxFrameBytes"),
        Arguments.of(length(Integer.MAX_VALUE), "it can have from 5 to 1048576"),
        Arguments.of(new byte[] {6, 0, 0, 0, 99, 0}, "a frame of kind 99"),
        Arguments.of(new byte[] {5, 0, 0, 0, 3}, "8 bytes at 5 of a message of 5"),
        Arguments.of(hello(Frame.MAGIC, 1), "a client has sent HELLO"),
        Arguments.of(call(1, -1, 0, out -> out.write(1)), "with timeout -1"),
        Arguments.of(call(1, 0, -1, out -> out.write(1)), "and priority -1"),
        Arguments.of(call(1, 0, 0, out -> {}), "1 bytes at 26 of a message of 26"),
        Arguments.of(call(1, 0, 0, out -> out.writeByte((byte) 20)), "a value with tag 20"),
        Arguments.of(
            call(
                1,
                0,
                0,
                out -> {
                  out.writeByte(Tag.REGISTERED);
                  out.writeInt(77);
                }),
            "number of a class is 77, there are 19"),
        Arguments.of(
            call(
                1,
                0,
                0,
                out -> {
                  out.writeByte(Tag.SEGMENT);
                  out.writeByte(Tag.SHARED);
                  out.writeString("0123456789012345678901234567890123456789");
                }),
            "nothing is shared here"),
        Arguments.of(lent(1, 0), "there is no memory 1"),
        Arguments.of(map(1, 0), "memory 1 of 0 bytes"),
        Arguments.of(map(1, -1), "memory 1 of -1 bytes"),
        Arguments.of(frame(Frame.Kind.WELCOME, out -> out.writeLong(0)), "has sent WELCOME"),
        Arguments.of(
            call(
                1,
                0,
                0,
                out -> {
                  for (int i = 0; i < 100; i++) {
                    out.writeByte(Tag.LIST);
                    out.writeInt(1);
                  }
                }),
            "values within values deeper than 64"));
  }

  @Test
  void valuesThatAreNotWithinTheMemoryOfAClientAreNonsense() throws Exception {
    byte[] hello = hello(Frame.MAGIC, Frame.VERSION);
    byte[] map = map(1, LENT.sizeBytes());
    assertThat(refusal(hello, map, map)).contains("memory 1 of");
    for (long offset : new long[] {-1, LENT.sizeBytes() - 99, Long.MAX_VALUE}) {
      assertThat(refusal(hello, map, lent(1, offset))).contains("is not within the memory");
    }
  }

  @Test
  void aMemoryOfAClientThatIsNotThereFailsTheCallAlone() throws Exception {
    byte[] larger = map(1, 10 * LENT.sizeBytes());
    byte[] sound = call(2, 0, 0, out -> out.write(1));
    try (SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(path()))) {
      for (byte[] bytes : List.of(hello(Frame.MAGIC, Frame.VERSION), larger, lent(1, 0), sound)) {
        write(socket, bytes);
      }
      List<Frame.Kind> answers = new ArrayList<>();
      Wire wire = new Wire(socket);
      while (answers.size() < 4) {
        answers.add(Frame.readKind(Frame.reader(wire.receive(MAX_BYTES), Types.NONE)));
      }
      assertThat(answers)
          .containsExactlyInAnyOrder(
              Frame.Kind.WELCOME, Frame.Kind.FAILED, Frame.Kind.RETURNED, Frame.Kind.ANSWER);
    }
  }

  @Test
  void aMemoryOfAClientThatCannotBeMappedIsTriedAgainByTheNextCall() throws Exception {
    try (SharedMemory memory = SharedMemory.create(LENT.sizeBytes(), Mechanism.PORTABLE);
        SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(path()))) {
      Path file = Path.of(memory.path());
      Path away = Files.move(file, file.resolveSibling("away"));
      Wire wire = new Wire(socket);
      write(socket, hello(Frame.MAGIC, Frame.VERSION));
      write(socket, map(1, memory.sizeBytes(), memory.path()));
      write(socket, lent(1, 0));
      assertThat(kind(wire)).isEqualTo(Frame.Kind.WELCOME);
      ValueReader failed = Frame.reader(wire.receive(MAX_BYTES), Types.NONE);
      assertThat(Frame.readKind(failed)).isEqualTo(Frame.Kind.FAILED);
      assertThat(failed.readLong()).isEqualTo(1);
      assertThat(kind(wire)).isEqualTo(Frame.Kind.RETURNED);
      Files.move(away, file);
      write(socket, lent(1, 0));
      assertThat(List.of(kind(wire), kind(wire)))
          .containsExactlyInAnyOrder(Frame.Kind.ANSWER, Frame.Kind.RETURNED);
      assertThat(Failures.read(failed))
          .hasMessageContaining("the server cannot read a shared value")
          .hasMessageContaining("raise their limit (ulimit -n)");
    }
  }

  private static Frame.Kind kind(Wire wire) throws IOException {
    return Frame.readKind(Frame.reader(wire.receive(MAX_BYTES), Types.NONE));
  }

  /** A server, as far as its answer to a client that calls it. */
  private static Wire welcomed(SocketChannel socket, Probe probe) throws IOException {
    Wire wire = new Wire(socket);
    assertThat(kind(wire)).isEqualTo(Frame.Kind.HELLO);
    write(socket, welcome(probe));
    assertThat(List.of(kind(wire), kind(wire)))
        .containsExactlyInAnyOrder(Frame.Kind.REACHED, Frame.Kind.CALL);
    return wire;
  }

  @Test
  void aMemoryOfAServerThatCannotBeMappedIsTriedAgainByTheNextAnswer() throws Exception {
    Path other = folder.resolve("other.sock");
    try (SharedMemory memory = SharedMemory.create(LENT.sizeBytes(), Mechanism.PORTABLE);
        Probe probe = Probe.create();
        ServerSocketChannel fake = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        FlowClient<Object, Object> client = FlowClient.builder(other).connections(1).build()) {
      Path file = Path.of(memory.path());
      Path away = Files.move(file, file.resolveSibling("elsewhere"));
      fake.bind(UnixDomainSocketAddress.of(other));
      CompletableFuture<Object> first = client.submit(1);
      try (SocketChannel socket = fake.accept()) {
        Wire wire = welcomed(socket, probe);
        write(socket, map(1, memory.sizeBytes(), memory.path()));
        write(socket, lentAnswer(1));
        Awaitility.await("the answer that cannot be read").until(first::isDone);
        Files.move(away, file, StandardCopyOption.REPLACE_EXISTING);
        CompletableFuture<Object> second = client.submit(2);
        assertThat(List.of(kind(wire), kind(wire)))
            .containsExactlyInAnyOrder(Frame.Kind.RETURNED, Frame.Kind.CALL);
        write(socket, lentAnswer(2));
        assertThat(((MemorySegment) second.get(30, TimeUnit.SECONDS)).byteSize()).isEqualTo(100);
        assertThatThrownBy(first::join)
            .hasMessageContaining("the client cannot read a shared value")
            .hasMessageContaining("raise their limit (ulimit -n)");
        assertThat(kind(wire)).isEqualTo(Frame.Kind.RETURNED);
      }
    }
  }

  /** The server may use its memory for something else as soon as it has ended. */
  @Test
  void aLentValueThatIsReadAfterTheEndOfTheServerIsNotBelieved() throws Exception {
    Path other = folder.resolve("other.sock");
    try (SharedMemory memory = SharedMemory.create(LENT.sizeBytes(), Mechanism.best());
        Probe probe = Probe.create();
        ServerSocketChannel fake = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        FlowClient<Object, Object> client = FlowClient.builder(other).connections(1).build()) {
      fake.bind(UnixDomainSocketAddress.of(other));
      CompletableFuture<Object> future = client.submit(1);
      try (SocketChannel socket = fake.accept()) {
        Wire wire = welcomed(socket, probe);
        write(socket, map(1, memory.sizeBytes(), memory.path()));
        probe.end();
        write(socket, lentAnswer(1));
        assertThatThrownBy(future::join)
            .hasCauseInstanceOf(WorkerDiedException.class)
            .hasMessageContaining("the server has closed it while an answer was read");
      }
    }
  }

  private static byte[] welcome(Probe probe) {
    return frame(
        Frame.Kind.WELCOME,
        out -> {
          out.writeInt(MAX_BYTES);
          out.writeByte((byte) 1);
          probe.write(out);
        });
  }

  /** An answer with a value in a memory of the server. */
  private static byte[] lentAnswer(long id) {
    byte[] call = lent(1, 0);
    return frame(
        Frame.Kind.ANSWER,
        out -> {
          out.writeLong(id);
          out.writeByte((byte) 1);
          for (int i = Frame.FLAGS_OFFSET + 1; i < call.length; i++) {
            out.writeByte(call[i]);
          }
        });
  }

  @ParameterizedTest
  @MethodSource("nonsense")
  void aClientThatSendsNonsenseIsDisconnected(byte[] sent, String reason) throws Exception {
    assertThat(refusal(hello(Frame.MAGIC, Frame.VERSION), sent)).contains(reason);
  }

  @Test
  void aClientThatEndsWithinAFrameIsForgotten() throws Exception {
    try (SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(path()))) {
      write(socket, hello(Frame.MAGIC, Frame.VERSION));
      write(socket, length(100_000));
    }
  }

  @Test
  void aClientThatEndsWithMoreCallsThanAreTakenIsForgotten() throws Exception {
    Path other = folder.resolve("other.sock");
    HeldCalls held = new HeldCalls();
    List<HeldCalls.Held> calls = new ArrayList<>();
    try (FlowServer full =
        FlowServer.builder(held, other).closeTimeout(Duration.ofMillis(1)).start()) {
      try (SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(other))) {
        write(socket, hello(Frame.MAGIC, Frame.VERSION));
        for (int i = 1; i <= Frame.MAX_UNANSWERED + 1; i++) {
          write(socket, call(i, 0, 0, out -> out.write(1)));
        }
        while (calls.size() < Frame.MAX_UNANSWERED) {
          calls.add(held.next());
        }
      }
      Awaitility.await("the end of the connection").until(() -> full.connections() == 0);
      assertThat(calls).allMatch(call -> call.future().isCancelled());
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void whateverAClientSendsTheServerGoesOn(long seed) throws Exception {
    Random random = new Random(seed);
    for (int i = 0; i < 100; i++) {
      byte[] sent =
          call(5, 0, 0, out -> out.write(List.of("text", new int[] {1, 2}, 3.5, List.of(1))));
      for (int changes = random.nextInt(1, 4); changes > 0; changes--) {
        sent[random.nextInt(4, sent.length)] = (byte) random.nextInt(256);
      }
      try (SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(path()))) {
        write(socket, hello(Frame.MAGIC, Frame.VERSION));
        write(socket, sent);
        write(socket, length(0)); // the end, if the server has understood the rest
        assertThat(everything(socket)).as("seed %d, round %d", seed, i).contains("disconnects");
      } catch (IOException reset) {
        // the server has closed it while this was still writing
      }
    }
  }

  /** What the server says at last. */
  private String refusal(byte[]... sent) throws IOException {
    try (SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(path()))) {
      for (byte[] bytes : sent) {
        write(socket, bytes);
      }
      return everything(socket);
    }
  }

  private static void write(SocketChannel socket, byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      var _ = socket.write(buffer);
    }
  }

  /** The frames until the server closes the connection; the last one says why. */
  private static String everything(SocketChannel socket) throws IOException {
    Wire wire = new Wire(socket);
    while (true) {
      MemorySegment frame = wire.receive(MAX_BYTES);
      ValueReader in = Frame.reader(frame, Types.NONE);
      if (Frame.readKind(in) == Frame.Kind.REFUSED) {
        assertThatThrownBy(() -> wire.receive(MAX_BYTES)).isInstanceOf(IOException.class);
        return "the server disconnects: " + in.readString();
      }
    }
  }

  @Test
  void aClientThatSaysNothingIsDisconnected() throws Exception {
    AlarmByHand alarm = new AlarmByHand();
    Path other = folder.resolve("other.sock");
    try (FlowServer waiting = FlowServer.builder(server.service(), other).time(alarm).start();
        SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(other))) {
      Awaitility.await("the alarm").until(alarm::isSet);
      assertThat(waiting.connections()).isEqualTo(1);
      alarm.ring();
      assertThat(socket.read(ByteBuffer.allocate(1))).as("the end").isNegative();
      Awaitility.await("the end of the connection").until(() -> waiting.connections() == 0);
    }
  }

  /** The reason is behind answers for which there is no room in the socket. */
  @Test
  void aClientThatIsRefusedAndDoesNotReadIsDisconnected() throws Exception {
    AlarmByHand alarm = new AlarmByHand();
    Path other = folder.resolve("other.sock");
    try (FlowServer waiting = FlowServer.builder(server.service(), other).time(alarm).start();
        SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(other))) {
      write(socket, hello(Frame.MAGIC, Frame.VERSION));
      assertThat(kind(new Wire(socket))).isEqualTo(Frame.Kind.WELCOME);
      for (int id = 1; id <= 100; id++) {
        write(socket, call(id, 0, 0, out -> out.write("x".repeat(50_000))));
      }
      write(socket, length(-1));
      Awaitility.await("the alarm").until(alarm::isSet);
      assertThat(waiting.connections()).isEqualTo(1);
      alarm.ring();
      Awaitility.await("the end of the connection").until(() -> waiting.connections() == 0);
    }
  }

  @Test
  void aServerThatIsNoneFailsTheCallsWithTheReason() throws Exception {
    Path other = folder.resolve("other.sock");
    try (ServerSocketChannel fake = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        FlowClient<Object, Object> deceived =
            FlowClient.builder(other).connectTimeout(Duration.ofMillis(50)).build()) {
      fake.bind(UnixDomainSocketAddress.of(other));
      Thread.startVirtualThread(() -> answerNonsense(fake));
      assertThatThrownBy(() -> deceived.call(1))
          .isInstanceOf(StoppedException.class)
          .hasMessageContaining("a frame of 1347703880 bytes"); // HTTP
    }
  }

  @Test
  void answersThatAreThereAreReadWhenTheServerHasEnded() throws Exception {
    Path other = folder.resolve("other.sock");
    String large = "x".repeat(100_000); // more than is read at once
    CountDownLatch writeMore = new CountDownLatch(1);
    try (ServerSocketChannel fake = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        FlowClient<Object, Object> last = FlowClient.builder(other).connections(1).build()) {
      fake.bind(UnixDomainSocketAddress.of(other));
      CompletableFuture<Object> first = last.submit(1);
      CompletableFuture<Void> reading = first.thenRun(() -> await(writeMore));
      CompletableFuture<Object> second = last.submit(2);
      try (SocketChannel socket = fake.accept()) {
        Wire wire = new Wire(socket);
        var _ = wire.receive(MAX_BYTES); // HELLO
        write(socket, welcome());
        var _ = wire.receive(MAX_BYTES);
        var _ = wire.receive(MAX_BYTES);
        write(socket, answer(1, "first"));
        write(socket, answer(2, large));
      }
      assertThat(first.get(30, TimeUnit.SECONDS)).isEqualTo("first");
      CompletableFuture<Object> third = last.submit(3);
      Awaitility.await("a write that fails").until(((ClientCall) third)::isSent);
      writeMore.countDown();
      assertThat(second.get(30, TimeUnit.SECONDS)).isEqualTo(large);
      assertThat(reading).succeedsWithin(Duration.ofSeconds(30));
      assertThatThrownBy(() -> third.get(30, TimeUnit.SECONDS))
          .hasCauseInstanceOf(WorkerDiedException.class)
          .hasMessageNotContaining("null");
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static byte[] welcome() {
    return frame(
        Frame.Kind.WELCOME,
        out -> {
          out.writeInt(MAX_BYTES);
          out.writeByte((byte) 0);
          out.writeString(""); // no memory can be reached
          out.writeLong(0);
        });
  }

  private static byte[] answer(long id, Object result) {
    return frame(
        Frame.Kind.ANSWER,
        out -> {
          out.writeLong(id);
          out.writeByte((byte) 0);
          out.write(result);
        });
  }

  /** It takes the connection into its backlog, and that is all. */
  @Test
  void aServerThatDoesNotAnswerIsNotWaitedForLongerThanTheConnectTimeout() throws Exception {
    Path other = folder.resolve("other.sock");
    try (ServerSocketChannel silent = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        FlowClient<Object, Object> deceived =
            FlowClient.builder(other).connectTimeout(Duration.ofMillis(50)).build()) {
      silent.bind(UnixDomainSocketAddress.of(other));
      CompletableFuture<Object> call = deceived.submit(1);
      assertThatThrownBy(() -> call.get(30, TimeUnit.SECONDS))
          .hasCauseInstanceOf(StoppedException.class)
          .hasMessageContaining("it has not answered within the connect timeout of PT0.05S");
    }
  }

  @Test
  void memoryIsGivenBackIfWhatIsBehindALentValueIsNonsense() throws Exception {
    byte[] lent = lent(1, 0);
    byte[] call =
        call(
            1,
            0,
            0,
            out -> {
              out.writeByte(Tag.LIST);
              out.writeInt(2);
              for (int i = Frame.FLAGS_OFFSET + 1; i < lent.length; i++) {
                out.writeByte(lent[i]);
              }
              out.writeByte((byte) 20);
            });
    call[Frame.FLAGS_OFFSET] = Frame.LENT;
    assertThat(refusal(hello(Frame.MAGIC, Frame.VERSION), map(1, LENT.sizeBytes()), call))
        .contains("a value with tag 20");
    Awaitility.await("the memory to be unmapped")
        .until(
            () -> {
              System.gc();
              return Memories.ALL.count() == 0;
            });
  }

  private static void answerNonsense(ServerSocketChannel fake) {
    try {
      while (true) {
        write(fake.accept(), "HTTP/1.1 400 Bad Request".getBytes(StandardCharsets.UTF_8));
      }
    } catch (IOException closed) {
      // the test is over
    }
  }
}
