package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchSizeMismatchException;
import io.headrace.CallOptions;
import io.headrace.DeadlineExceededException;
import io.headrace.Flow;
import io.headrace.HeadraceException;
import io.headrace.OnFull;
import io.headrace.QueueFullException;
import io.headrace.RejectedException;
import io.headrace.Service;
import io.headrace.StoppedException;
import io.headrace.Tensor;
import io.headrace.TimeSource;
import io.headrace.WorkerDiedException;
import io.headrace.Workers;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A flow that is shared through a socket, in one process. */
class FlowSocketTest {
  private static final Duration LONG = Duration.ofSeconds(30);

  @TempDir Path folder;

  private final HeldCalls held = new HeldCalls();
  private final List<AutoCloseable> toClose = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : toClose.reversed()) {
      one.close();
    }
    assertThat(folder).isEmptyDirectory();
  }

  private Path path() {
    return folder.resolve("flow.sock");
  }

  private FlowServer serve(Service<?, ?> service, Class<?>... types) throws IOException {
    FlowServer server =
        FlowServer.builder(service, path())
            .register(types)
            .maxFrameBytes(20 << 20)
            .closeTimeout(Duration.ofMillis(1))
            .start();
    toClose.add(server);
    return server;
  }

  private FlowClient<Object, Object> client(Class<?>... types) {
    FlowClient<Object, Object> client =
        FlowClient.builder(path())
            .register(types)
            .maxFrameBytes(20 << 20)
            .connections(1)
            .connectTimeout(LONG)
            .build();
    toClose.add(client);
    return client;
  }

  private static final Service<Object, Object> ECHO =
      (item, options) -> CompletableFuture.completedFuture(item);

  private static Throwable failureOf(CompletableFuture<?> future) {
    try {
      return new AssertionError("no failure but " + future.join());
    } catch (CompletionException failure) {
      return failure.getCause();
    }
  }

  // Calls.

  @Test
  void callsOfOneConnectionAreAnsweredInAnyOrder() throws Exception {
    FlowServer server = serve(held);
    FlowClient<Object, Object> client = client();
    List<CompletableFuture<Object>> futures =
        client.submitAll(IntStream.range(0, 100).boxed().toList());
    List<HeldCalls.Held> calls = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      calls.add(held.next());
    }
    for (HeldCalls.Held call : calls.reversed()) {
      call.future().complete((int) call.item() * 2);
      assertThat(futures.get((int) call.item()).join()).isEqualTo((int) call.item() * 2);
    }
    assertThat(server.connections()).isEqualTo(1);
  }

  @Test
  void manyThreadsShareAFewConnections() throws Exception {
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("doubling")
            .<Integer>step("double", items -> items.stream().map(i -> 2 * i).toList())
            .build()
            .start()) {
      FlowServer server = serve(flow);
      try (FlowClient<Integer, Integer> client =
          FlowClient.builder(path()).connections(3).build()) {
        List<Thread> threads = new ArrayList<>();
        List<Integer> wrong = new java.util.concurrent.CopyOnWriteArrayList<>();
        for (int t = 0; t < 50; t++) {
          int first = 1000 * t;
          threads.add(
              Thread.startVirtualThread(
                  () -> {
                    for (int i = first; i < first + 100; i++) {
                      if (client.submit(i).join() != 2 * i) {
                        wrong.add(i);
                      }
                    }
                  }));
        }
        for (Thread thread : threads) {
          thread.join();
        }
        assertThat(wrong).isEmpty();
        assertThat(server.connections()).isBetween(1, 3);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 4095, 65_000, 65_536, 70_000, 16 << 20})
  void valuesOfAnySizeTravel(int size) throws Exception {
    byte[] bytes = new byte[size];
    for (int i = 0; i < size; i++) {
      bytes[i] = (byte) (i * 31);
    }
    serve(ECHO);
    FlowClient<Object, Object> client = client();
    Tensor tensor = Tensor.of(bytes, size);
    assertThat(client.call(Map.of("tensor", tensor, "name", "x")))
        .isEqualTo(Map.of("tensor", tensor, "name", "x"));
    assertThat(client.call(tensor)).isEqualTo(tensor);
  }

  @Test
  void aNullResultIsOne() throws Exception {
    serve((Service<Object, Object>) (item, options) -> CompletableFuture.completedFuture(null));
    assertThat(client().call(1)).isNull();
  }

  // Timeouts, priorities, cancellation.

  @Test
  void timeoutAndPriorityTravel() throws Exception {
    serve(held);
    FlowClient<Object, Object> client = client();
    CompletableFuture<Object> future =
        client.submit(1, CallOptions.timeout(Duration.ofHours(1)).withPriority(7));
    HeldCalls.Held call = held.next();
    assertThat(call.options().priority()).isEqualTo(7);
    assertThat(call.options().timeout()).isBetween(Duration.ofMinutes(59), Duration.ofHours(1));
    call.future().complete(2);
    assertThat(future.join()).isEqualTo(2);
    var _ = client.submit(1);
    assertThat(held.next().options().timeout()).as("none is made up").isNull();
  }

  @Test
  void aTimeoutThatIsOverFailsTheCallAndWithdrawsIt() throws Exception {
    serve(held);
    AlarmByHand alarm = new AlarmByHand();
    try (FlowClient<Object, Object> client = FlowClient.builder(path()).time(alarm).build()) {
      CompletableFuture<Object> future = client.submit(1, CallOptions.timeout(LONG));
      HeldCalls.Held call = held.next();
      assertThat(call.options().timeout()).isEqualTo(LONG);
      alarm.ring();
      assertThat(failureOf(future))
          .isInstanceOf(DeadlineExceededException.class)
          .hasMessageContaining("within its timeout of PT30S");
      Awaitility.await("the cancellation").until(call.future()::isCancelled);
    }
  }

  /** An alarm that is cancelled may be under way. */
  @Test
  void theAlarmOfTheConnectTimeoutDoesNotCloseAConnectionThatIsMade() throws Exception {
    serve(held);
    AlarmByHand alarm = new AlarmByHand(true);
    try (FlowClient<Object, Object> client = FlowClient.builder(path()).time(alarm).build()) {
      CompletableFuture<Object> future = client.submit(1);
      HeldCalls.Held call = held.next();
      assertThat(alarm.isSet()).isTrue();
      alarm.ring();
      call.future().complete(2);
      assertThat(future.get(30, TimeUnit.SECONDS)).isEqualTo(2);
    }
  }

  @Test
  void aTimeoutIsOverAlsoIfThereIsNoServer() {
    CompletableFuture<Object> future =
        client().submit(1, CallOptions.timeout(Duration.ofMillis(50)));
    assertThat(failureOf(future)).isInstanceOf(DeadlineExceededException.class);
  }

  /** The server would take what is left for a time of its own, or for nonsense. */
  @ParameterizedTest
  @ValueSource(longs = {0, 1})
  void aCallWhoseTimeIsOverIsNotSent(long lateNanos) {
    AlarmByHand time = new AlarmByHand();
    ClientCall call = new ClientCall(1, Duration.ofNanos(7), time);
    call.encode(MemorySegment.ofArray(new byte[100]), List.of(), () -> MemorySegment.NULL);
    time.pass(7 + lateNanos);
    assertThat(call.frame(100)).isNull();
    assertThat(call.isSent()).isFalse();
  }

  @Test
  void aCallThatIsAnsweredHasNoAlarm() throws Exception {
    serve(ECHO);
    AlarmByHand time = new AlarmByHand();
    try (FlowClient<Object, Object> client = FlowClient.builder(path()).time(time).build()) {
      assertThat(client.submit("a", CallOptions.timeout(LONG)).join()).isEqualTo("a");
      Awaitility.await("the end of the alarm").until(() -> !time.isSet());
    }
  }

  @Test
  void aConnectionWithoutACallIsUsedAgain() throws Exception {
    FlowServer server = serve(ECHO);
    try (FlowClient<Object, Object> client = FlowClient.builder(path()).connections(3).build()) {
      for (int i = 0; i < 10; i++) {
        assertThat(client.call(i)).isEqualTo(i);
      }
      assertThat(client.connectionCount()).isEqualTo(1);
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void aCallThatNobodyWaitsForKeepsNoFrame() {
    WeakReference<byte[]> frame = frameOfACallThatIsLate();
    Awaitility.await("its memory to be given back")
        .until(
            () -> {
              System.gc();
              return frame.get() == null;
            });
  }

  /** There is no server, so the call stays in the queue of its connection. */
  private WeakReference<byte[]> frameOfACallThatIsLate() {
    byte[] frame = new byte[100];
    ClientCall call = new ClientCall(1, Duration.ofMillis(1), TimeSource.system());
    call.encode(MemorySegment.ofArray(frame), List.of(), () -> MemorySegment.NULL);
    ClientConnection connection = new ClientConnection(FlowClient.builder(path()).build());
    assertThat(connection.enter(call)).isTrue();
    toClose.add(() -> assertThat(connection.calls()).isZero());
    assertThat(failureOf(call)).isInstanceOf(DeadlineExceededException.class);
    return new WeakReference<>(frame);
  }

  @Test
  void aFlowExpiresTheCallByTheTimeoutOfTheClient() throws Exception {
    try (Flow<Object, Object> flow = blocked()) {
      serve(flow);
      FlowClient<Object, Object> client = client();
      var _ = client.submit(1);
      CompletableFuture<Object> waits =
          client.submit(2, CallOptions.timeout(Duration.ofMillis(300)));
      assertThat(failureOf(waits)).isInstanceOf(DeadlineExceededException.class);
      Awaitility.await("an empty queue").until(() -> flow.queued("block") == 0);
      flow.shutdownNow();
    }
  }

  private static Flow<Object, Object> blocked() throws InterruptedException {
    return Flow.<Object>builder("blocked")
        .<Object>step(
            "block",
            items -> {
              new java.util.concurrent.CountDownLatch(1).await();
              return items;
            },
            step -> step.workers(Workers.threads(1)).queue(1, OnFull.fail()))
        .build()
        .start();
  }

  @Test
  void aCancellationTravels() throws Exception {
    serve(held);
    CompletableFuture<Object> future = client().submit(1);
    HeldCalls.Held call = held.next();
    future.cancel(true);
    Awaitility.await("the cancellation").until(call.future()::isCancelled);
  }

  @Test
  void aCancellationTravelsAlsoWhenTheServerTakesNoMoreCalls() throws Exception {
    serve(held);
    FlowClient<Object, Object> client = client();
    List<CompletableFuture<Object>> futures = new ArrayList<>();
    for (int i = 0; i <= Frame.MAX_UNANSWERED; i++) {
      futures.add(client.submit(i));
    }
    List<HeldCalls.Held> calls = new ArrayList<>();
    for (int i = 0; i < Frame.MAX_UNANSWERED; i++) {
      calls.add(held.next());
    }
    futures.get(7).cancel(true);
    Awaitility.await("the cancellation").until(calls.get(7).future()::isCancelled);
    HeldCalls.Held waited = held.next();
    assertThat(waited.item()).isEqualTo(Frame.MAX_UNANSWERED);
    waited.future().complete("done");
    assertThat(futures.getLast().join()).isEqualTo("done");
    calls.getLast().future().complete("last");
    assertThat(futures.get(Frame.MAX_UNANSWERED - 1).join()).isEqualTo("last");
  }

  @Test
  void callsThatAreCancelledBeforeTheyAreSentTakeNoPlaces() throws Exception {
    FlowClient<Object, Object> client = client();
    for (int i = 0; i < Frame.MAX_UNANSWERED; i++) {
      client.submit(i).cancel(true);
    }
    CompletableFuture<Object> future = client.submit("sent");
    serve(ECHO);
    assertThat(future).succeedsWithin(LONG).isEqualTo("sent");
  }

  @Test
  void aClientThatClosesFailsAndWithdrawsItsCalls() throws Exception {
    FlowServer server = serve(held);
    FlowClient<Object, Object> client = client();
    CompletableFuture<Object> future = client.submit(1);
    HeldCalls.Held call = held.next();
    client.close();
    assertThat(failureOf(future))
        .isInstanceOf(StoppedException.class)
        .hasMessageContaining("is closed");
    Awaitility.await("the cancellation").until(call.future()::isCancelled);
    Awaitility.await("the end of the connection").until(() -> server.connections() == 0);
    assertThat(failureOf(client.submit(2))).isInstanceOf(StoppedException.class);
  }

  @Test
  void aClientThatClosesBeforeItIsConnectedFailsItsCalls() {
    FlowClient<Object, Object> client = client();
    CompletableFuture<Object> future = client.submit(1);
    client.close();
    assertThat(failureOf(future)).isInstanceOf(StoppedException.class);
  }

  // Errors.

  static List<HeadraceException> outcomes() {
    return List.of(
        new BatchSizeMismatchException("a"),
        new DeadlineExceededException("b"),
        new QueueFullException("c"),
        new RejectedException("d", null),
        new StoppedException("e"),
        new WorkerDiedException("f"));
  }

  @ParameterizedTest
  @MethodSource("outcomes")
  void outcomesArriveAsWhatTheyAre(HeadraceException outcome) throws Exception {
    serve((Service<Object, Object>) (item, options) -> CompletableFuture.failedFuture(outcome));
    assertThatThrownBy(() -> client().call(1))
        .isExactlyInstanceOf(outcome.getClass())
        .hasMessage(outcome.getMessage());
  }

  private static final class OwnException extends RuntimeException {
    private static final long serialVersionUID = 1;

    OwnException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  @Test
  void otherFailuresArriveWithClassMessageCauseAndStackTrace() throws Exception {
    OwnException own = new OwnException("own", new java.io.FileNotFoundException("no model"));
    serve((Service<Object, Object>) (item, options) -> CompletableFuture.failedFuture(own));
    assertThatThrownBy(() -> client().call(1))
        .isExactlyInstanceOf(RemoteException.class)
        .hasMessage(OwnException.class.getName() + ": own")
        .hasStackTraceContaining("FlowSocketTest")
        .cause()
        .isExactlyInstanceOf(java.io.FileNotFoundException.class)
        .hasMessage("no model");
  }

  @Test
  void oneFailureFailsNoOther() throws Exception {
    serve(
        (Service<Object, Object>)
            (item, options) ->
                item.equals(2)
                    ? CompletableFuture.failedFuture(new IllegalStateException("two"))
                    : CompletableFuture.completedFuture(item));
    List<CompletableFuture<Object>> futures = client().submitAll(List.of(1, 2, 3));
    assertThat(futures.get(0).join()).isEqualTo(1);
    assertThat(failureOf(futures.get(1)))
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("two");
    assertThat(futures.get(2).join()).isEqualTo(3);
  }

  @Test
  void theFailureOfAFutureBehindAnotherIsThatOfTheFirst() throws Exception {
    serve(
        (item, options) ->
            CompletableFuture.failedFuture(new QueueFullException("full")).thenApply(i -> i));
    assertThat(client().submit(1).handle((result, failure) -> failure).join())
        .isInstanceOf(QueueFullException.class)
        .hasMessage("full");
  }

  @Test
  void aServiceThatThrowsFailsTheCall() throws Exception {
    try (Flow<Object, Object> flow = blocked()) {
      serve(flow);
      assertThatThrownBy(() -> client().call(1, CallOptions.priority(3)))
          .isExactlyInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("priority is 3, blocked has only 0");
      flow.shutdownNow();
    }
  }

  @Test
  void aServiceWithoutAFutureFailsTheCallAlone() throws Exception {
    serve(
        (Service<Object, Object>)
            (item, options) -> item.equals(1) ? null : CompletableFuture.completedFuture(item));
    FlowClient<Object, Object> client = client();
    assertThatThrownBy(() -> client.submit(1).get(30, TimeUnit.SECONDS))
        .hasCauseExactlyInstanceOf(NullPointerException.class)
        .hasMessageContaining("the service has returned no future");
    assertThat(client.call(2)).isEqualTo(2);
  }

  // Sizes.

  @Test
  void anItemThatIsTooLongFailsAloneAndTheConnectionStaysInStep() throws Exception {
    FlowServer server = serve(ECHO);
    FlowClient<Object, Object> client = client();
    assertThat(client.call(1)).isEqualTo(1);
    assertThatThrownBy(() -> client.call("t".repeat(21 << 20))) // a text is not lent
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("more than 20971520 bytes: set maxFrameBytes");
    assertThat(client.call(2)).isEqualTo(2);
    assertThat(server.connections()).isEqualTo(1);
  }

  @Test
  void aResultThatIsTooLongFailsAloneAndTheConnectionStaysInStep() throws Exception {
    serve(
        (Service<Object, Object>)
            (item, options) -> CompletableFuture.completedFuture("t".repeat((int) item)));
    FlowClient<Object, Object> client = client();
    CompletableFuture<Object> tooLong = client.submit(21 << 20);
    CompletableFuture<Object> behind = client.submit(5);
    assertThat(failureOf(tooLong))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("more than 20971520 bytes");
    assertThat(behind.join()).isEqualTo("ttttt");
  }

  /** The one side may take less than the other. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatIsTooLongForTheOtherSideFailsAloneAndTheConnectionStaysInStep(boolean isServerSmall)
      throws Exception {
    int small = 64 << 10;
    int large = 1 << 20;
    Service<Object, Object> service =
        (item, options) ->
            item.equals("held")
                ? held.submit(item, options)
                : CompletableFuture.completedFuture(
                    item instanceof Integer n ? "t".repeat(n) : "done"); // a text is not lent
    try (FlowServer server =
            FlowServer.builder(service, path())
                .maxFrameBytes(isServerSmall ? small : large)
                .start();
        FlowClient<Object, Object> client =
            FlowClient.builder(path())
                .connections(1)
                .maxFrameBytes(isServerSmall ? large : small)
                .build()) {
      CompletableFuture<Object> before = client.submit("held");
      HeldCalls.Held call = held.next();
      for (Object tooLong : List.of("t".repeat(small), small)) {
        assertThat(failureOf(client.submit(tooLong)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("more than 65536 bytes: set maxFrameBytes");
      }
      call.future().complete("held");
      assertThat(before.join()).isEqualTo("held");
      assertThat(client.call(new byte[small - 100])).isEqualTo("done");
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  /** It is found when the server is known to which it goes. */
  @Test
  void aCallThatIsTooLongForAServerThatComesLaterFailsAlone() throws Exception {
    FlowClient<Object, Object> client = client();
    CompletableFuture<Object> tooLong = client.submit(new byte[64 << 10]);
    CompletableFuture<Object> behind = client.submit("behind");
    toClose.add(FlowServer.builder(ECHO, path()).maxFrameBytes(64 << 10).start());
    assertThat(failureOf(tooLong)).isInstanceOf(IllegalArgumentException.class);
    assertThat(behind.join()).isEqualTo("behind");
  }

  // Classes.

  record Point(int x, int y) {}

  record Other(int x) {}

  @Test
  void classesThatAreRegisteredTravel() throws Exception {
    serve(ECHO, Point.class);
    assertThat(client(Point.class).call(new Point(1, 2))).isEqualTo(new Point(1, 2));
    assertThatThrownBy(() -> client(Point.class).call(new Other(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Other is not registered");
  }

  @Test
  void aResultThatIsNotRegisteredFailsItsCall() throws Exception {
    serve(
        (Service<Object, Object>) (i, options) -> CompletableFuture.completedFuture(new Other(1)));
    assertThatThrownBy(() -> client().call(1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Other is not registered");
  }

  @Test
  void aClientWithOtherClassesIsRefused() throws Exception {
    serve(ECHO, Point.class, Other.class);
    assertThatThrownBy(() -> client(Other.class, Point.class).call(1))
        .isInstanceOf(RejectedException.class)
        .hasMessageContaining("refuses this client")
        .hasMessageContaining("register the same on both sides, in the same order");
    assertThat(client(Point.class, Other.class).call(1)).isEqualTo(1);
  }

  // The life of the server.

  @Test
  void theSocketIsItsOwnersAndIsRemoved() throws Exception {
    FlowServer server = serve(ECHO);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path())))
        .isEqualTo("rw-------");
    server.close();
    assertThat(path()).doesNotExist();
    server.close();
  }

  @Test
  void theSocketOfAnotherServerIsLeftWhenOneCloses() throws Exception {
    FlowServer first = serve(held);
    Files.delete(path());
    serve(ECHO);
    first.close();
    assertThat(client().call("still there")).isEqualTo("still there");
  }

  @Test
  void theSocketOfAServerThatLivesIsNotTaken() throws Exception {
    serve(ECHO);
    assertThatThrownBy(() -> serve(ECHO))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("another server listens on");
    assertThat(client().call(1)).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void ofServersThatStartAtOnceOneDoes(boolean isStaleThere) throws Exception {
    for (int i = 0; i < 50; i++) {
      if (isStaleThere) {
        try (ServerSocketChannel stale = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
          stale.bind(UnixDomainSocketAddress.of(path()));
        }
      }
      CyclicBarrier begin = new CyclicBarrier(2);
      List<CompletableFuture<FlowServer>> starts = new ArrayList<>();
      for (int s = 0; s < 2; s++) {
        starts.add(CompletableFuture.supplyAsync(() -> startAt(begin), Thread::startVirtualThread));
      }
      List<FlowServer> started = new ArrayList<>();
      for (CompletableFuture<FlowServer> start : starts) {
        try {
          started.add(start.join());
        } catch (CompletionException failure) {
          assertThat(failure).hasMessageContaining("another server listens on");
        }
      }
      assertThat(started).as("round %d", i).hasSize(1);
      SocketChannel.open(UnixDomainSocketAddress.of(path())).close();
      started.getFirst().close();
      assertThat(path()).doesNotExist();
    }
  }

  private FlowServer startAt(CyclicBarrier begin) {
    try {
      begin.await();
      return FlowServer.builder(ECHO, path()).start();
    } catch (Exception failure) {
      throw new CompletionException(failure);
    }
  }

  @Test
  void anOptionIsSetOnce() {
    FlowClientBuilder client =
        FlowClient.builder(path()).connections(1).maxFrameBytes(1 << 20).connectTimeout(LONG);
    FlowServerBuilder server =
        FlowServer.builder(ECHO, path()).maxFrameBytes(1 << 20).closeTimeout(LONG);
    assertSetBefore(() -> client.connections(2), "connections is set to 2, it was set to 1");
    String frames = "maxFrameBytes is set to 65536, it was set to 1048576";
    assertSetBefore(() -> client.maxFrameBytes(65_536), frames);
    assertSetBefore(() -> server.maxFrameBytes(65_536), frames);
    assertSetBefore(() -> client.connectTimeout(LONG), "connectTimeout is set to PT30S, it was");
    assertSetBefore(() -> server.closeTimeout(LONG), "closeTimeout is set to PT30S, it was");
    ContextCarrier carrier = new ContextCarrierTest.UserCarrier();
    client.propagate(carrier);
    server.propagate(carrier);
    assertSetBefore(() -> client.propagate(carrier), "context carrier is set to");
    assertSetBefore(() -> server.propagate(carrier), "context carrier is set to");
  }

  private static void assertSetBefore(Runnable again, String message) {
    assertThatThrownBy(again::run)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void theFolderMayBeAsLongAsASocketAllows() throws Exception {
    Path deep = folder.resolve("x".repeat(89 - folder.toString().length()));
    Files.createDirectory(deep);
    Path path = deep.resolve("s");
    try (FlowServer _ = FlowServer.builder(ECHO, path).start();
        FlowClient<Object, Object> client = FlowClient.builder(path).build()) {
      assertThat(client.call(1)).isEqualTo(1);
    }
    Files.delete(deep);
  }

  @Test
  void aPathThatIsTooLongIsRefused() {
    Path path = folder.resolve("x".repeat(110));
    assertThatThrownBy(() -> FlowServer.builder(ECHO, path).start())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no socket can be made at " + path)
        .hasMessageContaining("may have 107 bytes on Linux");
  }

  @Test
  void aSocketThatIsRemovedMeanwhileIsClosed() throws Exception {
    Path link = folder.resolve("link");
    for (int i = 0; i < 300; i++) {
      FlowServer server = FlowServer.builder(ECHO, path()).start();
      Files.createLink(link, path());
      CyclicBarrier begin = new CyclicBarrier(2);
      Thread remover =
          Thread.startVirtualThread(
              () -> {
                try {
                  begin.await();
                  Files.deleteIfExists(path());
                } catch (Exception failure) {
                  throw new CompletionException(failure);
                }
              });
      begin.await();
      server.close();
      remover.join();
      Awaitility.await("the end of the socket in round " + i)
          .pollDelay(Duration.ZERO)
          .pollInterval(Duration.ofMillis(1))
          .until(() -> isDead(link));
      Files.delete(link);
    }
  }

  private static boolean isDead(Path socket) throws IOException {
    try (SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      return false;
    } catch (ConnectException refused) {
      return true;
    }
  }

  @Test
  void aFileThatIsNoSocketIsNotReplaced() throws Exception {
    Files.writeString(path(), "mine");
    assertThatThrownBy(() -> serve(ECHO))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("exists and is no socket");
    assertThat(path()).hasContent("mine");
    Files.delete(path());
  }

  @Test
  void aClientMayStartBeforeItsServer() throws Exception {
    CompletableFuture<Object> future = client().submit("early");
    serve(ECHO);
    assertThat(future.join()).isEqualTo("early");
  }

  @Test
  void withoutAServerACallFailsWhenTheConnectTimeoutIsOver() {
    try (FlowClient<Object, Object> client =
        FlowClient.builder(path()).connectTimeout(Duration.ofMillis(50)).build()) {
      assertThatThrownBy(() -> client.call(1))
          .isInstanceOf(StoppedException.class)
          .hasMessageContaining("there is no flow server at " + path());
    }
  }

  @Test
  void aServerThatClosesAnswersWhatItHas() throws Exception {
    FlowServer server = FlowServer.builder(held, path()).closeTimeout(Duration.ofHours(1)).start();
    FlowClient<Object, Object> client = client();
    CompletableFuture<Object> future = client.submit(1);
    HeldCalls.Held call = held.next();
    Thread closing = Thread.startVirtualThread(server::close);
    Awaitility.await("the close").until(() -> !Files.exists(path()));
    assertThat(failureOf(client.submit(2)))
        .isInstanceOf(StoppedException.class)
        .hasMessageContaining("is closed");
    call.future().complete(10);
    assertThat(future.join()).isEqualTo(10);
    closing.join();
    Awaitility.await("the client to learn of the end").until(() -> client.connectionCount() == 0);
    serve(ECHO);
    assertThat(client.call(3)).as("by the next server").isEqualTo(3);
  }

  @Test
  void aServerThatClosesAnswersWhatItIsAboutToSubmit() throws Exception {
    CountDownLatch submitting = new CountDownLatch(1);
    CompletableFuture<Object> result = new CompletableFuture<>();
    Service<Object, Object> slow =
        (item, options) -> {
          submitting.countDown();
          return CompletableFuture.completedFuture(result.join());
        };
    FlowServer server = FlowServer.builder(slow, path()).closeTimeout(LONG).start();
    CompletableFuture<Object> future = client().submit(1);
    submitting.await();
    Thread closing = Thread.ofPlatform().start(server::close);
    Awaitility.await("the close").until(() -> closing.getState() == Thread.State.TIMED_WAITING);
    result.complete(10);
    assertThat(future.join()).isEqualTo(10);
    closing.join();
  }

  @Test
  void aServerThatClosesCancelsWhatTakesTooLong() throws Exception {
    FlowServer server = serve(held);
    CompletableFuture<Object> future = client().submit(1);
    HeldCalls.Held call = held.next();
    server.close();
    assertThat(failureOf(future))
        .isInstanceOf(WorkerDiedException.class)
        .hasMessageContaining("the call may have been executed");
    Awaitility.await("the cancellation").until(call.future()::isCancelled);
  }

  @Test
  void aCallThatWasNotSentWhenTheServerEndsWasNotExecuted() throws Exception {
    FlowServer server = serve(held);
    FlowClient<Object, Object> client = client();
    List<CompletableFuture<Object>> futures = new ArrayList<>();
    for (int i = 0; i <= Frame.MAX_UNANSWERED; i++) {
      futures.add(client.submit(i));
    }
    for (int i = 0; i < Frame.MAX_UNANSWERED; i++) {
      held.next();
    }
    server.close();
    assertThat(failureOf(futures.getFirst())).isInstanceOf(WorkerDiedException.class);
    assertThat(failureOf(futures.getLast()))
        .isInstanceOf(StoppedException.class)
        .hasMessageContaining("has ended");
  }

  @Test
  void aWorkerProcessThatDiesBehindAServerIsReplaced() throws Exception {
    try (Flow<Integer, Object> flow =
        Flow.<Integer>builder("doubling")
            .<Object>stepPerWorker(
                "double",
                HandlerFactory.of(Doubling::new),
                step -> step.workers(WorkerProcesses.of(1)))
            .build()
            .start(LONG)) {
      serve(flow);
      FlowClient<Object, Object> client = client();
      assertThatThrownBy(() -> client.call(Doubling.EXIT))
          .isInstanceOf(WorkerDiedException.class)
          .hasMessageContaining("has exited with code 17");
      assertThat(client.call(4)).isEqualTo(8);
    }
  }
}
