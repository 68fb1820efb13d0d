package io.headrace.dynamodb;

import static io.headrace.dynamodb.Batches.assertError;
import static io.headrace.dynamodb.Batches.assertFailure;
import static io.headrace.dynamodb.Batches.outcomes;
import static io.headrace.dynamodb.Batches.results;
import static io.headrace.dynamodb.Batches.start;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromBool;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromL;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromN;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromS;

import io.headrace.AsyncHandler;
import io.headrace.Batcher;
import io.headrace.DeadlineExceededException;
import io.headrace.Outcomes;
import io.headrace.StoppedException;
import io.headrace.dynamodb.DynamoDbServer.Fault.Failure;
import io.headrace.dynamodb.DynamoDbServer.Fault.Hang;
import io.headrace.dynamodb.DynamoDbServer.Fault.Leave;
import io.headrace.testkit.VirtualTime;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.core.exception.SdkClientException;

/** Limits, and a service that fails when we say so, with either kind of client. */
@ParameterizedClass
@ValueSource(booleans = {true, false})
class FaultsTest {
  private static DynamoDbServer server;

  @Parameter boolean isAsync;

  private Endpoint service;
  private TestTables tables;

  @BeforeAll
  static void open() throws IOException {
    server = new DynamoDbServer();
  }

  @AfterAll
  static void close() {
    server.close();
  }

  @BeforeEach
  void setUp() {
    service = new Endpoint("own", server.uri(), isAsync);
    tables = new TestTables(service.asyncClient());
    server.reset();
  }

  private AsyncHandler<String, String> names() {
    return service.<String>get().key(tables::person).one(item -> item.get("name").s());
  }

  private WriteBatch<WriteOperation> toWrite() {
    return service
        .<WriteOperation>write()
        .table(tables.persons, "id")
        .table(tables.stocks, "shop", "name");
  }

  private AsyncHandler<WriteOperation, Void> writes() {
    return toWrite().each(Function.identity());
  }

  private static List<String> ids(int count) {
    return IntStream.range(0, count).mapToObj(i -> "p" + i).toList();
  }

  private void store(int count) throws Exception {
    results(writes(), ids(count).stream().map(id -> tables.putPerson(id, id)).toList());
    server.batches.clear();
  }

  /** In async-batcher they were dropped, and read as "not found". */
  @Test
  void unprocessedKeysAreAskedAgain() throws Exception {
    store(10);
    server.fail(new Leave(3), new Leave(0), new Leave(4));
    List<String> asked = new ArrayList<>(ids(10));
    asked.addAll(List.of("nobody", "p3"));
    List<String> expected = new ArrayList<>(ids(10));
    expected.add(null);
    expected.add("p3");
    assertThat(results(names(), asked)).isEqualTo(expected);
    assertThat(server.batches).hasSize(4);
  }

  /** In async-batcher they were dropped, and so lost. */
  @Test
  void unprocessedWritesAreWrittenAgain() throws Exception {
    store(2);
    List<WriteOperation> writes = new ArrayList<>();
    ids(30).forEach(id -> writes.add(tables.putPerson(id, "new")));
    writes.add(tables.putStock("1.0", "tea", 3));
    writes.add(tables.delete(tables.person("p1")));
    server.fail(new Leave(3), new Leave(0), new Leave(1), new Leave(20));
    results(writes(), writes);
    List<String> expected = new ArrayList<>(Collections.nCopies(30, "new"));
    expected.set(1, null);
    assertThat(ids(30).stream().map(tables::nameOf).toList()).isEqualTo(expected);
    assertThat(tables.stored(tables.stock("1", "tea"))).isNotEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "400, ProvisionedThroughputExceededException",
    "400, ThrottlingException",
    "400, RequestLimitExceeded",
    "400, ReplicatedWriteConflictException",
    "500, InternalServerError",
    "503, ServiceUnavailable"
  })
  void whatTheServiceIsToBlameForIsTriedAgain(int status, String code) throws Exception {
    server.fail(new Failure(status, code), new Failure(status, code));
    results(writes(), List.of(tables.putPerson("a", "Ann"), tables.putPerson("b", "Bob")));
    assertThat(server.batches).hasSize(3);
    server.fail(new Failure(status, code));
    assertThat(results(names(), List.of("a", "nobody", "b"))).containsExactly("Ann", null, "Bob");
    assertThat(server.batches).hasSize(5);
  }

  @Test
  void whatTheClientIsToBlameForReachesAll() throws Exception {
    server.fail(new Failure(400, "UnrecognizedClientException"));
    Outcomes<String> outcomes = outcomes(names(), ids(10));
    for (int i = 0; i < 10; i++) {
      assertError(outcomes, i, "UnrecognizedClientException");
    }
    assertThat(server.batches).hasSize(1);
  }

  @Test
  void whatATableIsToBlameForReachesItsCallers() throws Exception {
    server.fail(
        new Failure(400, "AccessDeniedException"), // for the request of both tables
        new Failure(400, "AccessDeniedException")); // for that of one of them
    List<WriteOperation> writes = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      writes.add(tables.putPerson("p" + i, "P"));
      writes.add(tables.putStock("1", "tea" + i, i));
    }
    Outcomes<Void> outcomes = outcomes(writes(), writes);
    int denied = outcomes.failure(0) == null ? 1 : 0;
    for (int i = 0; i < 20; i += 2) {
      assertError(outcomes, i + denied, "AccessDeniedException");
      assertFailure(outcomes, i + 1 - denied).isNull();
    }
    assertThat(server.batches).hasSize(3);
  }

  @Test
  void aBadWriteIsFoundByHalves() throws Exception {
    List<WriteOperation> writes = new ArrayList<>();
    ids(24).forEach(id -> writes.add(tables.putPerson(id, "P")));
    writes.add(17, WriteOperation.put(tables.persons, Map.of("id", fromN("1"))));
    Outcomes<Void> outcomes = outcomes(writes(), writes);
    assertError(outcomes, 17, "ValidationException");
    assertThat(outcomes.failures()).isEqualTo(1);
    assertThat(server.batches).hasSizeLessThanOrEqualTo(1 + 2 * 5);
  }

  @Test
  void whatIsKnownToBeBadDoesNotBotherOthers() throws Exception {
    List<WriteOperation> writes = new ArrayList<>();
    ids(23).forEach(id -> writes.add(tables.putPerson(id, "P")));
    writes.add(3, tables.putPerson("large", "x".repeat(400 << 10)));
    writes.add(5, WriteOperation.put(tables.persons, Map.of("name", fromS("Nobody"))));
    assertThat(outcomes(writes(), writes).failures()).isEqualTo(2);
    assertThat(server.batches).hasSize(3);
  }

  @Test
  void requestsHaveAsMuchAsIsAllowed() throws Exception {
    store(0);
    results(writes(), ids(110).stream().map(id -> tables.putPerson(id, id)).toList());
    assertThat(server.batches).hasSize(5);
    server.batches.clear();
    assertThat(results(names(), ids(110))).isEqualTo(ids(110));
    assertThat(server.batches).hasSize(2);
  }

  /** Small elements take seven times as many bytes on the way as in the table. */
  @Test
  void itemsThatAreTooMuchForOneRequestAreAllWritten() throws Exception {
    var flags = fromL(Collections.nCopies(150_000, fromBool(true)));
    results(
        writes(),
        ids(9).stream()
            .map(id -> WriteOperation.put(tables.persons, Map.of("id", fromS(id), "flags", flags)))
            .toList());
    assertThat(server.batches).hasSize(2);
  }

  @Test
  void itemsThatAreTooMuchForOneResponseAreAllGot() throws Exception {
    String text = "x".repeat(399 << 10);
    results(writes(), ids(50).stream().map(id -> tables.putPerson(id, text)).toList());
    server.batches.clear();
    assertThat(results(names(), ids(50))).hasSize(50).containsOnly(text);
    assertThat(server.batches).hasSize(2);
  }

  /** Each batch writes items of its own again and again, and what is written last stays. */
  @Test
  void nothingIsLostWhateverTheServiceDoes() throws Exception {
    Random random = new Random(11);
    for (int i = 0; i < 100; i++) {
      server.fail(
          switch (random.nextInt(4)) {
            case 0 -> new Failure(400, "ThrottlingException");
            case 1 -> new Failure(500, "InternalServerError");
            default -> new Leave(random.nextInt(25));
          });
    }
    List<CompletableFuture<? extends List<Void>>> batches = new ArrayList<>();
    List<String> last = new ArrayList<>(Collections.nCopies(100, null));
    for (int batch = 0; batch < 10; batch++) {
      List<WriteOperation> writes = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        int number = batch * 10 + random.nextInt(10);
        String name = random.nextInt(4) == 0 ? null : "N" + i;
        last.set(number, name);
        writes.add(
            name == null
                ? tables.delete(tables.person("p" + number))
                : tables.putPerson("p" + number, name));
      }
      batches.add(start(writes(), writes));
    }
    for (CompletableFuture<? extends List<Void>> batch : batches) {
      assertThat(((Outcomes<?>) batch.get(50, TimeUnit.SECONDS)).failures()).isZero();
    }
    for (int i = 0; i < 20; i++) {
      server.fail(new Leave(random.nextInt(50)));
    }
    assertThat(results(names(), ids(100))).isEqualTo(last);
  }

  @Test
  void withoutAnAnswerCallersFailInTime() throws Exception {
    VirtualTime time = new VirtualTime();
    server.fail(new Hang());
    CompletableFuture<? extends List<String>> read =
        start(
            service.<String>get().key(tables::person).timeSource(time).<String>one(item -> ""),
            List.of("a"));
    await("the get").until(() -> server.batches.size() == 1);
    time.advance(Endpoint.PATIENCE);
    assertFailure((Outcomes<?>) read.join(), 0)
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("table %s: no answer of DynamoDB within PT50S", tables.persons);

    server.fail(new Hang());
    CompletableFuture<? extends List<Void>> write =
        start(
            toWrite().timeSource(time).each(Function.<WriteOperation>identity()),
            List.of(tables.putPerson("a", "Ann"), tables.putPerson("a", "Anna")));
    await("the write").until(() -> server.batches.size() == 2);
    time.advance(Endpoint.PATIENCE);
    Outcomes<?> outcomes = (Outcomes<?>) write.join();
    assertFailure(outcomes, 0)
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage(
            "table %s: no answer of DynamoDB within PT50S, so that it is unknown whether it was"
                + " written",
            tables.persons);
    assertFailure(outcomes, 1)
        .isInstanceOf(UnprocessedException.class)
        .hasMessage(
            "table %s: not sent, since earlier writes of the same item were not done within PT50S",
            tables.persons);
    assertThat(time.alarms()).isZero();
  }

  @Test
  void aShutdownDoesNotWaitForAnAnswer() {
    server.fail(new Hang());
    Batcher<String, String> batcher =
        Batcher.<String, String>asyncBuilder(names()).name("names").build();
    CompletableFuture<String> name = batcher.submit("a");
    await("the request").until(() -> server.batches.size() == 1);
    batcher.shutdownNow();
    assertThat(name)
        .failsWithin(Duration.ofSeconds(50))
        .withThrowableThat()
        .withCauseInstanceOf(StoppedException.class);
    batcher.close();
  }

  /**
   * The asynchronous client loses the refusal of the first connections now and then, and knows of
   * it only when the time is over in which it may get one.
   */
  @Test
  void withoutAConnectionAllGetTheErrorOfTheClient() throws Exception {
    try (Socket deaf = new Socket()) { // holds a port that nobody else gets, and does not listen
      deaf.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      URI nowhere = URI.create("http://127.0.0.1:" + deaf.getLocalPort());
      Endpoint none = new Endpoint("none", nowhere, isAsync, Duration.ofSeconds(1));
      AsyncHandler<String, String> names = none.<String>get().key(tables::person).one(item -> "");
      Outcomes<String> outcomes = outcomes(names, List.of("a", "b"));
      assertFailure(outcomes, 0).isInstanceOf(SdkClientException.class);
      assertFailure(outcomes, 1).isInstanceOf(SdkClientException.class);
    }
  }
}
