package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Service;
import io.headrace.Tensor;
import io.headrace.WorkerDiedException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.LinkedBlockingQueue;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Values in shared memory that go through a {@link FlowServer}: where they are, and how long. */
class SharedCallsTest {
  private static final int MIB = 1 << 20;

  @TempDir Path folder;

  private final HeldCalls held = new HeldCalls();
  private final List<AutoCloseable> toClose = new ArrayList<>();
  private final SharedValues values = SharedValues.create(4 * MIB);

  @AfterEach
  void nothingIsLeft() throws Exception {
    for (AutoCloseable one : toClose.reversed()) {
      one.close();
    }
    values.close();
    Leftovers.awaitNone();
  }

  private Path path() {
    return folder.resolve("flow.sock");
  }

  private FlowServer serve(Service<?, ?> service) throws IOException {
    FlowServer server = FlowServer.builder(service, path()).maxFrameBytes(64 << 10).start();
    toClose.add(server);
    return server;
  }

  private FlowClient<Object, Object> client() {
    return client(FlowClient.builder(path()));
  }

  private FlowClient<Object, Object> client(FlowClientBuilder builder) {
    FlowClient<Object, Object> client =
        builder
            .maxFrameBytes(64 << 10)
            .connections(1)
            .connectTimeout(Duration.ofSeconds(30))
            .build();
    toClose.add(client);
    return client;
  }

  private static Tensor tensor(int bytes) {
    byte[] data = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      data[i] = (byte) (i * 31);
    }
    return Tensor.of(data, bytes);
  }

  private void awaitAllBack() {
    Awaitility.await("all memory to be given back")
        .atMost(Duration.ofSeconds(30))
        .until(() -> values.usedBytes() == 0);
  }

  /** Copies tensors, so that results are in the memory of the worker. */
  private static final class Copy implements Handler<Object, Object> {
    @Override
    public List<Object> handle(List<Object> items) {
      return items.stream()
          .map(Tensor.class::cast)
          .<Object>map(t -> Tensor.of(t.segment().toArray(JAVA_BYTE), t.shape()))
          .toList();
    }
  }

  private Flow<Object, Object> inAWorker() throws InterruptedException {
    Flow<Object, Object> flow =
        Flow.<Object>builder("copies")
            .<Object>stepPerWorker(
                "copy",
                HandlerFactory.of(Copy::new),
                step ->
                    step.batch(BatchPolicy.greedy(1))
                        .workers(WorkerProcesses.builder(1).resultMemoryBytes(4 * MIB).build()))
            .build()
            .start(Duration.ofSeconds(30));
    toClose.add(flow);
    return flow;
  }

  @Test
  void whatTheServiceWritesIsSeenByTheCaller() throws Exception {
    serve(held);
    MemorySegment value = values.allocate(MIB);
    CompletableFuture<Object> answer = client().submit(List.of("name", value));
    HeldCalls.Held call = held.next();
    MemorySegment there = (MemorySegment) ((List<?>) call.item()).get(1);
    assertThat(there.byteSize()).isEqualTo(MIB);
    assertThat(there.address()).isNotEqualTo(value.address());
    there.set(JAVA_BYTE, MIB - 1, (byte) 42);
    call.future().complete("done");
    assertThat(answer.join()).isEqualTo("done");
    assertThat(value.get(JAVA_BYTE, MIB - 1)).isEqualTo((byte) 42);
  }

  @Test
  void memoryIsUsedAgainWhenTheCallIsAnsweredAndTheValueReleased() throws Exception {
    serve(held);
    FlowClient<Object, Object> client = client();
    for (int i = 0; i < 20; i++) { // five times as much as there is
      MemorySegment value = values.allocate(MIB);
      CompletableFuture<Object> answer = client.submit(value);
      HeldCalls.Held call = held.next();
      SharedValues.release(value);
      assertThat(values.usedBytes()).as("bytes while the call runs").isEqualTo(MIB);
      call.future().complete(i);
      assertThat(answer.join()).isEqualTo(i);
      awaitAllBack();
    }
  }

  @Test
  void oneValueInManyCallsIsGivenBackAfterTheLast() throws Exception {
    serve(held);
    FlowClient<Object, Object> client = client();
    MemorySegment value = values.allocate(MIB);
    List<HeldCalls.Held> calls = new ArrayList<>();
    List<CompletableFuture<Object>> answers = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      answers.add(client.submit(List.of(i, value.asSlice(1000L * i, 1000), value)));
      calls.add(held.next());
    }
    SharedValues.release(value);
    for (int i = 0; i < 5; i++) {
      assertThat(values.usedBytes()).isEqualTo(MIB);
      calls.get(i).future().complete(i);
      assertThat(answers.get(i).join()).isEqualTo(i);
    }
    awaitAllBack();
  }

  @Test
  void callsThatOverlapGiveTheirOtherValuesBack() throws Exception {
    serve(held);
    FlowClient<Object, Object> client = client();
    MemorySegment common = values.allocate(4096);
    var _ = client.submit(common);
    HeldCalls.Held before = held.next();
    for (int i = 0; i < 20; i++) { // seven times as much as there is
      MemorySegment own = values.allocate(MIB, Duration.ofSeconds(30));
      var _ = client.submit(List.of(common, own));
      SharedValues.release(own);
      HeldCalls.Held call = held.next();
      before.future().complete("done");
      before = call;
    }
    SharedValues.release(common);
    before.future().complete("done");
    awaitAllBack();
  }

  @Test
  void aValueMayBeMuchLargerThanAFrameAndGoesToAWorkerAndBack() throws Exception {
    serve(inAWorker());
    FlowClient<Object, Object> client = client();
    for (int i = 0; i < 20; i++) {
      Tensor shared = values.copy(tensor(MIB + i));
      assertThat(client.call(shared)).as("result %d", i).isEqualTo(shared);
      SharedValues.release(shared);
      awaitAllBack();
    }
  }

  /** As results of worker processes are that were copied to the heap. */
  @Test
  void valuesOfAResultMayBeLargerThanAFrameThoughTheyAreOnTheHeap() throws Exception {
    serve(
        (Service<Object, Object>)
            (item, options) ->
                CompletableFuture.completedFuture(List.of(item, tensor(MIB), tensor(50_000))));
    FlowClient<Object, Object> client = client();
    for (int i = 0; i < 20; i++) {
      assertThat(client.call(i)).isEqualTo(List.of(i, tensor(MIB), tensor(50_000)));
    }
    Awaitility.await("all memory but for the shared values to be given back")
        .until(() -> Memories.ALL.count() == 1);
  }

  /** As results of worker processes of the client are that were copied to the heap. */
  @ParameterizedTest
  @ValueSource(ints = {64 << 10, 8 * MIB})
  void valuesOfAnItemMayBeLargerThanAFrameThoughTheyAreOnTheHeap(int mostOfClient)
      throws Exception {
    serve(
        (Service<Object, Object>)
            (item, options) -> CompletableFuture.completedFuture(item.toString()));
    FlowClient<Object, Object> client =
        FlowClient.builder(path()).connections(1).maxFrameBytes(mostOfClient).build();
    toClose.add(client);
    assertThat(client.call("hello")).as("the server says what it takes").isEqualTo("hello");
    for (int i = 0; i < 20; i++) {
      List<Object> item = List.of(i, tensor(MIB), tensor(50_000));
      assertThat(client.call(item)).isEqualTo(item.toString());
    }
    Awaitility.await("all memory but for the shared values to be given back")
        .atMost(Duration.ofSeconds(30))
        .until(
            () -> {
              var _ = client.call("hello"); // which tells the server what is gone
              System.gc();
              return Memories.ALL.count() == 1;
            });
  }

  @Test
  void aResultIsTheCallersOwn() throws Exception {
    FlowServer server = serve(inAWorker());
    FlowClient<Object, Object> client = client();
    Tensor expected = tensor(MIB);
    Tensor result = (Tensor) client.call(values.copy(expected));
    for (int i = 0; i < 10; i++) {
      var _ = client.call(values.copy(tensor(5000 + i)));
    }
    server.close();
    assertThat(result).isEqualTo(expected);
  }

  @Test
  void whatTheServicePassesOnComesBack() throws Exception {
    serve((Service<Object, Object>) (item, options) -> CompletableFuture.completedFuture(item));
    Tensor shared = values.copy(tensor(MIB));
    assertThat(client().call(shared)).isEqualTo(shared);
  }

  @Test
  void aFutureThatIsKeptKeepsNoMemory() throws Exception {
    serve((Service<Object, Object>) (item, options) -> CompletableFuture.completedFuture(1));
    CompletableFuture<Object> kept = client().submit(values.allocate(MIB));
    assertThat(kept.join()).isEqualTo(1);
    awaitAllBackAfterCollection();
    assertThat(kept).isCompleted();
  }

  @Test
  void aCallThatIsCancelledGivesItsMemoryBack() throws Exception {
    serve(held);
    MemorySegment value = values.allocate(MIB);
    CompletableFuture<Object> answer = client().submit(value);
    HeldCalls.Held call = held.next();
    SharedValues.release(value);
    answer.cancel(true);
    Awaitility.await("the cancellation").until(call.future()::isCancelled);
    awaitAllBack();
  }

  @Test
  void aCallThatCannotBeReadGivesItsMemoryBack() throws Exception {
    serve(held);
    FlowClient<Object, Object> client = client();
    MemorySegment value = values.allocate(MIB);
    assertThatThrownBy(() -> client.call(List.of(value, new Object())))
        .isInstanceOf(IllegalArgumentException.class);
    SharedValues.release(value);
    awaitAllBack();
    assertThat(held.isEmpty()).isTrue();
  }

  @Test
  void whatIsReleasedBeforeIsRefused() throws Exception {
    serve(held);
    FlowClient<Object, Object> client = client();
    MemorySegment value = values.allocate(MIB);
    SharedValues.release(value);
    assertThatThrownBy(() -> client.call(value)).hasMessageContaining("released before");
  }

  @Test
  void aClientThatReadsNoResultsIsDisconnectedAndItsMemoryGivenBack() throws Exception {
    AlarmByHand alarm = new AlarmByHand();
    List<MemorySegment> result = new ArrayList<>(List.of(values.allocate(MIB)));
    FlowServer server =
        FlowServer.builder(
                (i, options) -> CompletableFuture.completedFuture(result.getFirst()), path())
            .time(alarm)
            .start();
    toClose.add(server);
    try (SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(path()));
        Probe probe = Probe.create()) {
      Wire wire = new Wire(socket);
      greet(socket, wire, probe);
      write(socket, call(1));
      assertThat(kinds(wire, 2)).containsExactly(Frame.Kind.MAP, Frame.Kind.ANSWER);
      write(socket, returned(1));
      MemorySegment shared = result.set(0, MemorySegment.ofArray(new byte[1]));
      write(socket, call(2));
      assertThat(kinds(wire, 1)).as("what is not lent").containsExactly(Frame.Kind.ANSWER);
      result.set(0, shared);
      alarm.ring();
      assertThat(alarm.isSet()).as("whether something is lent").isFalse();
      write(socket, call(3));
      assertThat(kinds(wire, 1)).containsExactly(Frame.Kind.ANSWER);
      write(socket, returned(3));
      write(socket, call(4));
      assertThat(kinds(wire, 1)).containsExactly(Frame.Kind.ANSWER);
      SharedValues.release(result.getFirst());
      alarm.ring();
      write(socket, call(5)); // fails, for the value is released
      assertThat(kinds(wire, 1)).as("something came back").containsExactly(Frame.Kind.FAILED);
      assertThat(values.usedBytes()).isEqualTo(MIB);
      alarm.ring();
      Awaitility.await("the end of the connection").until(() -> server.connections() == 0);
      awaitAllBack();
      result.clear();
    }
  }

  @Test
  void theOtherSideIsToldOfMemoryThatIsGoneByWhateverIsSentNext() throws Exception {
    List<MemorySegment> result = new ArrayList<>();
    serve((i, options) -> CompletableFuture.completedFuture(i.equals(1) ? result.getFirst() : i));
    try (SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(path()));
        Probe probe = Probe.create()) {
      Wire wire = new Wire(socket);
      greet(socket, wire, probe);
      int before = Memories.ALL.count();
      try (SharedValues passing = SharedValues.create(MIB)) {
        result.add(passing.allocate(MIB));
      }
      write(socket, call(1));
      assertThat(kinds(wire, 2)).containsExactly(Frame.Kind.MAP, Frame.Kind.ANSWER);
      result.clear();
      write(socket, returned(1));
      Awaitility.await("the memory to be gone")
          .until(
              () -> {
                System.gc();
                return Memories.ALL.count() == before;
              });
      write(socket, call(2));
      assertThat(kinds(wire, 2)).containsExactly(Frame.Kind.UNMAP, Frame.Kind.ANSWER);
    }
  }

  @Test
  void aServerIsToldOfMemoryThatIsGoneByTheNextCall() throws Exception {
    serve((Service<Object, Object>) (item, options) -> CompletableFuture.completedFuture(1));
    FlowClient<Object, Object> client = client();
    int before = Memories.ALL.count();
    try (SharedValues passing = SharedValues.create(MIB)) {
      assertThat(client.call(passing.allocate(MIB))).isEqualTo(1);
    }
    Awaitility.await("the memory to be gone, here and at the server")
        .until(
            () -> {
              System.gc();
              return client.call("plain").equals(1) && Memories.ALL.count() == before;
            });
  }

  private static void greet(SocketChannel socket, Wire wire, Probe probe) throws IOException {
    ValueWriter hello = begin(Frame.Kind.HELLO);
    hello.writeLong(Frame.MAGIC);
    hello.writeInt(Frame.VERSION);
    hello.writeInt(0);
    hello.writeInt(64 << 10);
    probe.write(hello);
    write(socket, hello);
    assertThat(kinds(wire, 1)).containsExactly(Frame.Kind.WELCOME);
    write(socket, begin(Frame.Kind.REACHED));
  }

  private static ValueWriter call(long id) {
    ValueWriter out = begin(Frame.Kind.CALL);
    out.writeLong(id);
    out.writeLong(0);
    out.writeInt(0);
    out.writeByte((byte) 0);
    out.write((int) id);
    return out;
  }

  private static ValueWriter returned(long id) {
    ValueWriter out = begin(Frame.Kind.RETURNED);
    out.writeLong(id);
    return out;
  }

  private static ValueWriter begin(Frame.Kind kind) {
    return Frame.begin(kind, new Types(List.of()), 1000);
  }

  private static void write(SocketChannel socket, ValueWriter frame) throws IOException {
    ByteBuffer bytes = Frame.end(frame).asByteBuffer();
    while (bytes.hasRemaining()) {
      var _ = socket.write(bytes);
    }
  }

  /** Those of the next frames. */
  private static List<Frame.Kind> kinds(Wire wire, int count) throws IOException {
    List<Frame.Kind> kinds = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      MemorySegment frame = wire.receive(64 << 10);
      kinds.add(Frame.readKind(Frame.reader(frame, new Types(List.of()))));
    }
    return kinds;
  }

  @Test
  void theEndOfTheServerGivesAllBack() throws Exception {
    FlowServer server = serve(held);
    FlowClient<Object, Object> client = client();
    MemorySegment value = values.allocate(MIB);
    CompletableFuture<Object> answer = client.submit(value);
    HeldCalls.Held call = held.next();
    SharedValues.release(value);
    Thread.currentThread().interrupt(); // it does not wait for the call
    server.close();
    assertThat(Thread.interrupted()).isTrue();
    assertThatThrownBy(answer::join).hasCauseInstanceOf(WorkerDiedException.class);
    awaitAllBack();
    assertThat(((MemorySegment) call.item()).get(JAVA_BYTE, 0)).as("still mapped").isZero();
  }

  /** As when a service does not stop for a client that has ended, and keeps one of its futures. */
  @Test
  void whatIsAnsweredAfterTheEndOfTheClientKeepsNoMemory() throws Exception {
    BlockingQueue<Uncancellable> calls = new LinkedBlockingQueue<>();
    FlowServer server =
        serve(
            (Service<Object, Object>)
                (item, options) -> {
                  Uncancellable call = new Uncancellable(item);
                  calls.add(call);
                  return call;
                });
    int before = Memories.ALL.count();
    FlowClient<Object, Object> client = client();
    Uncancellable kept = callsThatAreAnsweredLate(client, server, calls);
    Awaitility.await("the end of the memory")
        .atMost(Duration.ofSeconds(30))
        .until(
            () -> {
              System.gc();
              return Memories.ALL.count() == before;
            });
    assertThat(kept).isNotDone();
  }

  /** Returns one that is not answered. */
  private Uncancellable callsThatAreAnsweredLate(
      FlowClient<Object, Object> client, FlowServer server, BlockingQueue<Uncancellable> calls)
      throws InterruptedException {
    MemorySegment value = values.allocate(MIB);
    var _ = client.submit("kept");
    Uncancellable kept = calls.take();
    List<Uncancellable> late = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      var _ = client.submit(value);
      late.add(calls.take());
    }
    client.close();
    Awaitility.await("the end of the connection").until(() -> server.connections() == 0);
    late.forEach(call -> call.complete(call.item));
    SharedValues.release(value);
    return kept;
  }

  private static final class Uncancellable extends CompletableFuture<Object> {
    private final Object item;

    Uncancellable(Object item) {
      this.item = item;
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      return false;
    }
  }

  @Test
  void whatIsLentAfterTheEndOfAConnectionIsGivenBack() throws Exception {
    MemorySegment value = values.allocate(MIB);
    Block block = requireNonNull(Memories.ALL.findBlock(value));
    block.retain();
    SharedValues.release(value);
    assertThat(values.usedBytes()).isEqualTo(MIB);
    Lending lending = new Lending();
    lending.close();
    MemorySegment frame = MemorySegment.ofArray(new byte[1]);
    assertThat(lending.lend(1, List.of(block), frame)).isSameAs(frame);
    assertThat(lending.count()).isZero();
    assertThat(values.usedBytes()).isZero();
  }

  @Test
  void callsThatAreNeverSentGiveTheirMemoryBack() throws Exception {
    FlowClient<Object, Object> client = client();
    MemorySegment value = values.allocate(MIB);
    CompletableFuture<Object> answer = client.submit(value); // there is no server
    SharedValues.release(value);
    client.close();
    assertThatThrownBy(answer::join).isInstanceOf(CompletionException.class);
    assertThatThrownBy(() -> client.call(values.allocate(MIB)));
    System.gc();
    awaitAllBackAfterCollection();
  }

  private void awaitAllBackAfterCollection() {
    Awaitility.await("all memory to be given back")
        .atMost(Duration.ofSeconds(30))
        .until(
            () -> {
              System.gc();
              return values.usedBytes() == 0;
            });
  }

  @Test
  void aFailureThatIsTooLongIsToldShortly() throws Exception {
    IllegalStateException tooLong = new IllegalStateException("x".repeat(100_000));
    serve((Service<Object, Object>) (item, options) -> CompletableFuture.failedFuture(tooLong));
    assertThatThrownBy(() -> client().call(1))
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("a value takes more than");
  }

  @Test
  void whereMemoryIsNotReachedValuesAreCopied() throws Exception {
    serve((Service<Object, Object>) (item, options) -> CompletableFuture.completedFuture(item));
    FlowClient<Object, Object> client = client(FlowClient.builder(path()).probe(Probe::none));
    Tensor small = values.copy(tensor(5000));
    assertThat(client.call(small)).isEqualTo(small);
    Tensor large = values.copy(tensor(MIB));
    for (Tensor tooLong : List.of(large, tensor(MIB))) {
      assertThatThrownBy(() -> client.call(tooLong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("maxFrameBytes");
    }
    SharedValues.release(small);
    SharedValues.release(large);
    awaitAllBack();
  }

  @Test
  void manyThreadsShareValuesAndConnections() throws Exception {
    serve(inAWorker());
    FlowClient<Object, Object> client = client();
    CyclicBarrier begin = new CyclicBarrier(8);
    List<CompletableFuture<Void>> threads = new ArrayList<>();
    Tensor common = values.copy(tensor(100_000));
    for (int t = 0; t < 8; t++) {
      int seed = t;
      threads.add(
          CompletableFuture.runAsync(
              () -> callOften(client, begin, common, seed), Thread::startVirtualThread));
    }
    threads.forEach(CompletableFuture::join);
    SharedValues.release(common);
    awaitAllBack();
  }

  private void callOften(
      FlowClient<Object, Object> client, CyclicBarrier begin, Tensor common, int seed) {
    try {
      begin.await();
      for (int i = 0; i < 50; i++) {
        Tensor own = values.copy(tensor(4096 + 100 * seed + i));
        Tensor sent = i % 3 == 0 ? common : own;
        assertThat(client.call(sent)).isEqualTo(sent);
        SharedValues.release(own);
      }
    } catch (Exception failure) {
      throw new CompletionException(failure);
    }
  }
}
