package io.headrace.cassandra;

import static java.util.concurrent.CompletableFuture.failedFuture;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.datastax.oss.driver.api.core.AllNodesFailedException;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.DriverTimeoutException;
import com.datastax.oss.driver.api.core.NodeUnavailableException;
import com.datastax.oss.driver.api.core.RequestThrottlingException;
import com.datastax.oss.driver.api.core.connection.BusyConnectionException;
import com.datastax.oss.driver.api.core.connection.ClosedConnectionException;
import com.datastax.oss.driver.api.core.connection.HeartbeatException;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.metadata.Node;
import com.datastax.oss.driver.api.core.servererrors.BootstrappingException;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import com.datastax.oss.driver.api.core.servererrors.OverloadedException;
import com.datastax.oss.driver.api.core.servererrors.UnavailableException;
import com.datastax.oss.driver.api.core.servererrors.WriteFailureException;
import com.datastax.oss.driver.api.core.servererrors.WriteTimeoutException;
import com.datastax.oss.protocol.internal.Frame;
import com.datastax.oss.protocol.internal.response.error.Unprepared;
import com.datastax.oss.simulacron.common.cluster.AbstractNode;
import com.datastax.oss.simulacron.common.codec.ConsistencyLevel;
import com.datastax.oss.simulacron.common.codec.WriteType;
import com.datastax.oss.simulacron.common.result.Result;
import com.datastax.oss.simulacron.common.stubbing.Action;
import com.datastax.oss.simulacron.common.stubbing.MessageResponseAction;
import com.datastax.oss.simulacron.common.stubbing.PrimeDsl;
import com.datastax.oss.simulacron.server.RejectScope;
import io.headrace.AsyncHandler;
import io.headrace.Batcher;
import io.headrace.Outcomes;
import io.headrace.StoppedException;
import io.headrace.TimeLeft;
import io.headrace.cassandra.FakeCassandra.Request;
import io.headrace.testkit.VirtualTime;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is tried again, and what is not. */
class RetriesTest {
  private final FakeCassandra cassandra = FakeCassandra.SHARED;
  private final VirtualTime time = new VirtualTime();
  private final AtomicInteger failures = new AtomicInteger();

  @BeforeEach
  void reset() {
    cassandra.reset();
  }

  private WriteBatch<String> insert(CqlSession session) {
    return CassandraBatches.<String>insert(session, "person")
        .set("city", name -> "Oslo")
        .set("name", name -> name)
        .set("age", String::length)
        .timeSource(time);
  }

  private WriteBatch<String> insert() {
    return insert(FakeCassandra.SESSION);
  }

  private WriteBatch<String> add() {
    return add(FakeCassandra.SESSION);
  }

  private WriteBatch<String> add(CqlSession session) {
    return CassandraBatches.<String>update(session, "visits")
        .key("page", page -> "home")
        .add("n", page -> 1)
        .timeSource(time);
  }

  private static Result writeTimeout() {
    return PrimeDsl.writeTimeout(ConsistencyLevel.QUORUM, 1, 2, WriteType.SIMPLE);
  }

  private static Result unavailable() {
    return PrimeDsl.unavailable(ConsistencyLevel.QUORUM, 2, 1);
  }

  /** Fails some times, and then stores. */
  private Function<Request, Result> failing(int times, Result with) {
    return request -> failures.getAndIncrement() < times ? with : null;
  }

  /** The server has forgotten a prepared statement. */
  private static final class Forgotten extends Result {
    private final byte[] id;

    Forgotten(Request request) {
      super(0, false);
      id = request.statements().getFirst().cql().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    @SuppressWarnings("rawtypes") // as the simulator has it
    public List<Action> toActions(AbstractNode node, Frame frame) {
      return List.of(new MessageResponseAction(new Unprepared("forgotten", id)));
    }
  }

  private static CompletableFuture<List<Boolean>> start(WriteBatch<String> batch, String... items)
      throws Exception {
    return batch.applied().handle(List.of(items)).toCompletableFuture().thenApply(List::copyOf);
  }

  /** Lets the pauses pass, each when it has begun. */
  private Outcomes<Boolean> finish(AsyncHandler<String, Boolean> handler, String... items)
      throws Exception {
    return finish(handler, List.of(items));
  }

  private Outcomes<Boolean> finish(AsyncHandler<String, Boolean> handler, List<String> items)
      throws Exception {
    CompletableFuture<? extends List<Boolean>> result = handler.handle(items).toCompletableFuture();
    while (!result.isDone()) {
      await("a pause, or the result")
          .atMost(Duration.ofSeconds(60)) // for many items on a busy machine
          .until(() -> time.alarms() > 0 || result.isDone());
      time.advanceToNext();
    }
    return (Outcomes<Boolean>) result.join();
  }

  @Test
  void errorsThatPassAreTriedAgainWithTheSameTimestamps() throws Exception {
    for (Result error :
        List.of(
            writeTimeout(),
            unavailable(),
            PrimeDsl.overloaded("busy"),
            PrimeDsl.isBootstrapping())) {
      reset();
      failures.set(0);
      cassandra.answer = failing(3, error);
      assertThat(finish(insert().applied(), "Ann", "Bob")).as("%s", error).containsOnly(true);
      assertThat(cassandra.requests)
          .as("three pauses; the driver itself may have tried more often")
          .hasSizeGreaterThanOrEqualTo(4)
          .extracting(request -> request.values("TIMESTAMP").toList())
          .containsOnly(cassandra.requests.getFirst().values("TIMESTAMP").toList());
      assertThat(cassandra.rows.ages()).isEqualTo(Map.of("Ann", 3, "Bob", 3));
    }
  }

  /** A retry policy of the application may hand them on as they are. */
  @Test
  void errorsOfTheDriverThatPassAreTriedAgain() throws Exception {
    Node node = FakeCassandra.SESSION.getMetadata().getNodes().values().iterator().next();
    for (Throwable error :
        List.of(
            new OverloadedException(node),
            new BootstrappingException(node),
            new UnavailableException(node, DefaultConsistencyLevel.QUORUM, 2, 1),
            new NodeUnavailableException(node),
            new RequestThrottlingException("as a test says"),
            new ClosedConnectionException("as a test says"),
            new HeartbeatException(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 1), "as a test says", null),
            new BusyConnectionException(1))) {
      reset();
      failures.set(0);
      CqlSession once =
          Sessions.executing(
              FakeCassandra.SESSION,
              statement ->
                  failures.getAndIncrement() == 0
                      ? failedFuture(error)
                      : FakeCassandra.SESSION.executeAsync(statement));
      assertThat(finish(insert(once).applied(), "Ann")).as("%s", error).containsOnly(true);
    }
  }

  @Test
  void onlyThePartitionThatFailsIsTriedAgain() throws Exception {
    WriteBatch<String> cities =
        CassandraBatches.<String>insert(FakeCassandra.SESSION, "person")
            .set("city", city -> city)
            .set("name", city -> city)
            .set("age", String::length)
            .timeSource(time);
    cassandra.answer =
        request ->
            request.values("city").toList().contains("Rome") && failures.getAndIncrement() == 0
                ? writeTimeout()
                : null;
    assertThat(finish(cities.applied(), "Oslo", "Rome", "Paris")).containsOnly(true);
    assertThat(cassandra.requests)
        .extracting(request -> request.values("city").toList().getFirst())
        .containsExactlyInAnyOrder("Oslo", "Rome", "Paris", "Rome");
  }

  @Test
  void pausesGrowUntilTheTimeIsOver() throws Exception {
    cassandra.answer = request -> writeTimeout();
    long beginNanos = time.nanoTime();
    Outcomes<Boolean> outcomes =
        finish(insert().retryFor(Duration.ofSeconds(10)).applied(), "Ann", "Bob");
    Duration passed = Duration.ofNanos(time.nanoTime() - beginNanos);
    assertThat(passed).isBetween(Duration.ofSeconds(8), Duration.ofSeconds(10));
    assertThat(cassandra.requests)
        .as("50 ms, 100 ms, ... 2 s, each up to a half shorter")
        .hasSizeBetween(9, 17);
    assertThat(outcomes.failures()).isEqualTo(2);
    assertThat(outcomes.failure(0))
        .isInstanceOf(WriteTimeoutException.class)
        .hasMessageContaining("2 replica were required but only 1 acknowledged the write");
  }

  @Test
  void noPauseIsLongerThanTwoSeconds() throws Exception {
    cassandra.answer = request -> writeTimeout();
    finish(insert().retryFor(Duration.ofSeconds(20)).applied(), "Ann");
    assertThat(cassandra.requests).hasSizeGreaterThan(12);
  }

  @Test
  void nothingIsTriedAgainOnceNobodyWaits() throws Exception {
    cassandra.answer = request -> writeTimeout();
    TimeLeft left = TimeLeft.of(time, List.of(Duration.ofMillis(300), Duration.ofSeconds(1)));
    long beginNanos = time.nanoTime();
    Outcomes<Boolean> outcomes = finish(insert().applied(), left.on(List.of("Ann", "Bob")));
    assertThat(outcomes.failures()).isEqualTo(2);
    assertThat(Duration.ofNanos(time.nanoTime() - beginNanos))
        .isBetween(Duration.ofMillis(300), Duration.ofSeconds(1));
  }

  @Test
  void withoutTimeNothingIsTriedAgain() throws Exception {
    cassandra.answer = request -> writeTimeout();
    assertThat(start(insert().retryFor(Duration.ZERO), "Ann").handle((r, e) -> e).join())
        .isNotNull();
    assertThat(cassandra.requests).hasSize(1);
    assertThat(time.alarms()).isZero();
  }

  @Test
  void countersAreNeverAddedToTwice() throws Exception {
    cassandra.answer = request -> writeTimeout();
    Outcomes<Boolean> outcomes = finish(add().applied(), "home", "home");
    assertThat(outcomes.failure(0)).isInstanceOf(WriteTimeoutException.class);
    assertThat(cassandra.requests).hasSize(1);
  }

  @Test
  void conditionalWritesAreNeverTriedAgain() throws Exception {
    cassandra.answer = request -> writeTimeout();
    Outcomes<Boolean> outcomes = finish(insert().ifNotExists().applied(), "Ann");
    assertThat(outcomes.failure(0)).isInstanceOf(WriteTimeoutException.class);
    assertThat(cassandra.requests).hasSize(1);
  }

  @Test
  void theDriverIsToldWhatMayBeExecutedTwice() throws Exception {
    List<Boolean> idempotent = new CopyOnWriteArrayList<>();
    CqlSession noting =
        Sessions.executing(
            FakeCassandra.SESSION,
            statement -> {
              idempotent.add(statement.isIdempotent());
              return FakeCassandra.SESSION.executeAsync(statement);
            });
    for (String[] items : new String[][] {{"one"}, {"one", "two"}}) {
      finish(insert(noting).applied(), items);
      finish(add(noting).applied(), items);
    }
    finish(insert(noting).ifNotExists().applied(), "one");
    assertThat(idempotent).containsExactly(true, false, true, false, false);
  }

  @Test
  void errorsThatStayAreNotTriedAgain() throws Exception {
    cassandra.answer =
        request -> PrimeDsl.writeFailure(ConsistencyLevel.ONE, 0, 1, Map.of(), WriteType.SIMPLE);
    Outcomes<Boolean> outcomes = finish(insert().applied(), "Ann", "Bob");
    assertThat(outcomes.failure(0)).isInstanceOf(WriteFailureException.class);
    assertThat(outcomes.failure(1)).isSameAs(outcomes.failure(0));
    assertThat(cassandra.requests).hasSize(1);
  }

  @Test
  void preparingIsTriedAgain() throws Exception {
    cassandra.answerPrepare =
        cql -> failures.getAndIncrement() < 2 ? PrimeDsl.overloaded("busy") : null;
    AsyncHandler<String, Boolean> handler =
        CassandraBatches.<String>delete(FakeCassandra.SESSION, "note")
            .key("city", city -> city)
            .key("text", city -> city)
            .timeSource(time)
            .applied();
    assertThat(finish(handler, "Ann")).containsOnly(true);
    assertThat(cassandra.prepared).hasSize(3);
  }

  @Test
  void theDriverPreparesAnewWhatTheServerHasForgotten() throws Exception {
    cassandra.answer = request -> failures.getAndIncrement() == 0 ? new Forgotten(request) : null;
    assertThat(finish(insert().applied(), "Ann", "Bob")).containsOnly(true);
    assertThat(cassandra.requests).hasSize(2);
  }

  @Test
  void aServerThatDoesNotAnswerIsAskedAgain() throws Exception {
    cassandra.answer = failing(1, PrimeDsl.noResult());
    assertThat(finish(insert().profile("hurried").applied(), "Ann", "Bob")).containsOnly(true);
    assertThat(cassandra.requests).hasSizeGreaterThanOrEqualTo(2);
    cassandra.answer = request -> PrimeDsl.noResult();
    cassandra.requests.clear();
    Outcomes<Boolean> outcomes = finish(insert().ifNotExists().profile("hurried").applied(), "Ann");
    assertThat(outcomes.failure(0)).isInstanceOf(DriverTimeoutException.class);
    await("the request, which the next test would have").until(() -> !cassandra.requests.isEmpty());
  }

  @Test
  void aShutdownEndsThePauses() throws Exception {
    cassandra.answer = request -> writeTimeout();
    Batcher<String, Boolean> batcher =
        Batcher.<String, Boolean>asyncBuilder(insert().applied()).timeSource(time).build();
    CompletableFuture<Boolean> answer = batcher.submit("Ann");
    await("the first pause").until(() -> time.alarms() > 0);
    batcher.shutdownNow();
    assertThat(answer.handle((stored, failure) -> failure).join())
        .isInstanceOf(StoppedException.class);
    int tries = cassandra.requests.size();
    while (time.advanceToNext()) {
      // Whatever is due.
    }
    assertThat(cassandra.requests).hasSize(tries);
  }

  @Test
  void whatWaitsForItsTurnIsNotSentOnceTheBatchIsGivenUp() throws Exception {
    List<CompletableFuture<AsyncResultSet>> sent = new CopyOnWriteArrayList<>();
    CqlSession slow =
        Sessions.executing(
            FakeCassandra.SESSION,
            statement -> {
              sent.add(new CompletableFuture<>());
              return sent.getLast();
            });
    AsyncHandler<String, Boolean> handler = insert(slow).maxInFlight(1).maxStatements(1).applied();
    var _ = handler.handle(List.of("Ann"));
    await("the statement is prepared, and sent").until(() -> sent.size() == 1);
    CompletableFuture<?> waiting = handler.handle(List.of("Bob")).toCompletableFuture();
    assertThat(sent).hasSize(1);
    // Before anything else is told of the end.
    var _ = waiting.whenComplete((_, _) -> sent.getFirst().completeExceptionally(new Error()));
    waiting.cancel(false);
    assertThat(sent).hasSize(1);
    var _ = handler.handle(List.of("Cid"));
    assertThat(sent).as("the turn was given back").hasSize(2);
  }

  @Test
  void batchesOfAPartitionAreSentOneAfterTheOther() throws Exception {
    List<CompletableFuture<AsyncResultSet>> sent = new CopyOnWriteArrayList<>();
    CqlSession slow =
        Sessions.executing(
            FakeCassandra.SESSION,
            statement -> {
              sent.add(new CompletableFuture<>());
              return sent.getLast();
            });
    CompletableFuture<? extends List<Boolean>> answer =
        insert(slow)
            .ifNotExists()
            .applied()
            .handle(List.of("Ann", "Bob", "Cid"))
            .toCompletableFuture();
    for (int i = 1; i <= 3; i++) {
      int count = i;
      await("the next is sent").until(() -> sent.size() == count);
      assertThat(answer).isNotDone();
      sent.getLast().completeExceptionally(new IllegalStateException("as a test says"));
    }
    assertThat(((Outcomes<Boolean>) answer.join()).failures()).isEqualTo(3);
  }

  @Test
  void whatWaitsForItsTurnIsWithdrawnWhenTheBatchIsGivenUp() {
    CompletableFuture<Object> result = new CompletableFuture<>();
    CompletableFuture<Object> turn = new CompletableFuture<>();
    new Tries(FakeCassandra.SESSION, insert().terms(), result, null).cancelWhenGivenUp(turn);
    assertThat(turn).isNotDone();
    result.cancel(false);
    assertThat(turn).isCancelled();
  }

  @Test
  void theRestOfABatchThatIsRefusedIsTriedAgainToo() throws Exception {
    cassandra.answer =
        request -> {
          if (request.values("name").toList().contains("bad")) {
            return PrimeDsl.invalid("bad");
          }
          return failures.getAndIncrement() == 0 ? unavailable() : null;
        };
    Outcomes<Boolean> outcomes = finish(insert().applied(), "Ann", "Bob", "bad", "Cid");
    assertThat(outcomes.failure(2)).isInstanceOf(InvalidQueryException.class);
    assertThat(outcomes.failures()).isEqualTo(1);
    assertThat(cassandra.rows.ages().keySet()).containsExactly("Ann", "Bob", "Cid");
  }

  @Test
  void aServerThatCannotBeReached() throws Exception {
    try (FakeCassandra own = new FakeCassandra();
        CqlSession session = own.session()) {
      AsyncHandler<String, Boolean> handler = insert(session).applied();
      assertThat(finish(handler, "Ann")).containsOnly(true);
      own.node().rejectConnections(0, RejectScope.STOP);
      Outcomes<Boolean> outcomes = finish(handler, "Bob", "Cid");
      assertThat(outcomes.failure(0)).isInstanceOf(AllNodesFailedException.class);
      assertThat(outcomes.failure(1)).isSameAs(outcomes.failure(0));
    }
  }

  @Test
  void aClosedSessionIsNamed() throws Exception {
    try (CqlSession session = cassandra.session()) {
      AsyncHandler<String, Boolean> handler =
          CassandraBatches.<String>insert(session, "person")
              .set("city", city -> city)
              .set("name", city -> city)
              .set("age", String::length)
              .applied();
      assertThat(finish(handler, "Ann")).containsOnly(true);
      session.closeAsync().toCompletableFuture().join();
      String[] cities = IntStream.range(0, 20_000).mapToObj(i -> "City" + i).toArray(String[]::new);
      Outcomes<Boolean> outcomes = finish(handler, cities);
      assertThat(outcomes.failures()).isEqualTo(cities.length);
      assertThat(outcomes.failure(0))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith("the CqlSession is closed");
    }
  }

  @Test
  void whatTheDriverThrowsAtOnceIsAnswered() throws Exception {
    CqlSession broken =
        Sessions.executing(
            FakeCassandra.SESSION,
            statement -> {
              throw new IllegalArgumentException("no such profile");
            });
    Outcomes<Boolean> outcomes = finish(insert(broken).applied(), "Ann", "Bob");
    assertThat(outcomes.failure(1)).hasMessage("no such profile");
    CqlSession odd =
        Sessions.executing(
            FakeCassandra.SESSION, statement -> failedFuture(new OutOfMemoryError()));
    assertThat(finish(insert(odd).maxInFlight(1).applied(), "Ann").failure(0))
        .isInstanceOf(OutOfMemoryError.class);
  }
}
