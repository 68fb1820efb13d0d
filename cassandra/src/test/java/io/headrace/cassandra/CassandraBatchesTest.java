package io.headrace.cassandra;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.CqlIdentifier;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.metadata.schema.ColumnMetadata;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import com.datastax.oss.driver.api.core.servererrors.UnauthorizedException;
import com.datastax.oss.driver.api.core.type.DataTypes;
import com.datastax.oss.driver.internal.core.context.InternalDriverContext;
import com.datastax.oss.driver.internal.core.metadata.DefaultMetadata;
import com.datastax.oss.driver.internal.core.metadata.schema.DefaultColumnMetadata;
import com.datastax.oss.driver.internal.core.metadata.schema.DefaultKeyspaceMetadata;
import com.datastax.oss.driver.internal.core.metadata.schema.DefaultTableMetadata;
import com.datastax.oss.simulacron.common.result.UnauthorizedResult;
import com.datastax.oss.simulacron.common.stubbing.PrimeDsl;
import io.headrace.AsyncHandler;
import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Outcomes;
import io.headrace.cassandra.FakeCassandra.Request;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CassandraBatchesTest {
  record Person(String city, String name, Integer age) {}

  private static final Person ANN = new Person("Oslo", "Ann", 30);
  private static final Person BOB = new Person("Oslo", "Bob", 40);
  private static final Person CID = new Person("Rome", "Cid", 50);
  private static final Person DAN = new Person("Rome", "Dan", 60);

  private final FakeCassandra cassandra = FakeCassandra.SHARED;
  private final CqlSession session = FakeCassandra.SESSION;

  @BeforeEach
  void reset() {
    cassandra.reset();
  }

  private WriteBatch<Person> insert(CqlSession by) {
    return CassandraBatches.<Person>insert(by, "person")
        .set("city", Person::city)
        .set("name", Person::name)
        .set("age", Person::age);
  }

  private WriteBatch<Person> insert() {
    return insert(session);
  }

  private WriteBatch<Person> update() {
    return CassandraBatches.<Person>update(session, "person")
        .key("city", Person::city)
        .key("name", Person::name)
        .set("age", Person::age);
  }

  private WriteBatch<Person> delete() {
    return CassandraBatches.<Person>delete(session, "person")
        .key("city", Person::city)
        .key("name", Person::name);
  }

  private static Write set(Person person) {
    return Write.update("person")
        .key("city", person.city())
        .key("name", person.name())
        .set("age", person.age());
  }

  private static Write insertOf(Person person) {
    return Write.insert("person")
        .set("city", person.city())
        .set("name", person.name())
        .set("age", person.age());
  }

  private static Write deleteOf(Person person) {
    return Write.delete("person").key("city", person.city()).key("name", person.name());
  }

  private static Person person(int number) {
    return new Person("Oslo", "P" + number, number);
  }

  private static List<Person> persons(int count) {
    return IntStream.range(0, count).mapToObj(CassandraBatchesTest::person).toList();
  }

  @SafeVarargs
  @SuppressWarnings("varargs") // a list of them is all that is made
  private static <I> Outcomes<Boolean> handle(WriteBatch<I> batch, I... items) throws Exception {
    return handle(batch.applied(), Stream.of(items).toList());
  }

  private static <I> Outcomes<Boolean> handle(AsyncHandler<I, Boolean> handler, List<I> items)
      throws Exception {
    return (Outcomes<Boolean>) handler.handle(items).toCompletableFuture().join();
  }

  private static List<Integer> sizes(List<Request> requests) {
    return requests.stream().map(request -> request.statements().size()).toList();
  }

  @Test
  void writesOfAPartitionAreOneBatch() throws Exception {
    Person eve = new Person("Paris", "Eve", 70);
    assertThat(handle(insert(), ANN, CID, BOB, eve, DAN)).containsOnly(true).hasSize(5);
    assertThat(cassandra.requests)
        .extracting(request -> request.values("name").toList())
        .containsExactlyInAnyOrder(List.of("Ann", "Bob"), List.of("Cid", "Dan"), List.of("Eve"));
    assertThat(cassandra.requests)
        .extracting(Request::type)
        .as("one write alone is no BATCH")
        .containsExactlyInAnyOrder("UNLOGGED", "UNLOGGED", null);
    assertThat(cassandra.rows.ages())
        .isEqualTo(Map.of("Ann", 30, "Bob", 40, "Cid", 50, "Dan", 60, "Eve", 70));
  }

  @Test
  void aPartitionKeyOfSeveralColumns() throws Exception {
    Write first = Write.insert("thing").set("c", "x").set("b", 2).set("a", 1);
    Write same = Write.delete("thing").key("a", 1).key("b", 2).key("c", "y");
    Write other = Write.delete("thing").key("a", 2).key("b", 1).key("c", "x");
    assertThat(handle(CassandraBatches.writes(session), first, other, same)).containsOnly(true);
    assertThat(cassandra.requests)
        .extracting(request -> request.values("c").toList())
        .containsExactlyInAnyOrder(List.of("x", "y"), List.of("x"));
  }

  @Test
  void tablesWithTheSameKeyAreOfOnePartition() throws Exception {
    Write note = Write.insert("note").set("city", "Oslo").set("text", "rain");
    handle(CassandraBatches.writes(session), insertOf(ANN), note);
    assertThat(sizes(cassandra.requests)).containsExactly(2);
  }

  /** Of the session, which may have prepared them for others, and forgets those that nobody has. */
  @Test
  void statementsAreAskedForOnce() throws Exception {
    List<String> asked = new CopyOnWriteArrayList<>();
    AsyncHandler<Person, Boolean> handler =
        insert(Sessions.notingPrepared(session, asked)).ttl(Duration.ofMinutes(1)).applied();
    for (int i = 0; i < 3; i++) {
      handle(handler, List.of(ANN, BOB, CID));
    }
    String cql =
        "INSERT INTO person (city, name, age) VALUES (?, ?, ?) USING TIMESTAMP ? AND TTL ?";
    assertThat(asked).containsExactly(cql);
    assertThat(cassandra.requests)
        .flatExtracting(Request::statements)
        .allSatisfy(statement -> assertThat(statement.cql()).isEqualTo(cql))
        .allSatisfy(statement -> assertThat(statement.value("TTL")).isEqualTo(60));
  }

  @Test
  void optionsReachTheServer() throws Exception {
    WriteBatch<Person> batch =
        insert()
            .consistency(ConsistencyLevel.EACH_QUORUM)
            .timestamp(Person::age)
            .profile("patient");
    handle(batch, ANN, BOB, CID);
    assertThat(cassandra.requests)
        .extracting(Request::consistency)
        .containsOnly(ConsistencyLevel.EACH_QUORUM.getProtocolCode())
        .hasSize(2);
    assertThat(cassandra.requests)
        .flatExtracting(request -> request.values("TIMESTAMP").toList())
        .containsExactlyInAnyOrder(30L, 40L, 50L);
  }

  @Test
  void manyStatementsAreSeveralBatches() throws Exception {
    assertThat(handle(insert().maxStatements(4).applied(), persons(10))).containsOnly(true);
    assertThat(sizes(cassandra.requests)).containsExactly(4, 4, 2);
    assertThat(cassandra.requests)
        .as("one after the other")
        .flatExtracting(request -> request.values("name").toList())
        .containsExactlyElementsOf(persons(10).stream().<Object>map(Person::name).toList());
    cassandra.requests.clear();
    assertThat(handle(insert().applied(), persons(201))).containsOnly(true);
    assertThat(sizes(cassandra.requests)).containsExactly(100, 100, 1);
  }

  @Test
  void largeStatementsAreSeveralBatches() throws Exception {
    AsyncHandler<Integer, Boolean> handler =
        CassandraBatches.<Integer>insert(session, "thing")
            .set("a", size -> 1)
            .set("b", size -> 1)
            .set("c", String::valueOf)
            .set("data", ByteBuffer::allocate)
            .applied();
    assertThat(handle(handler, List.of(5000, 5001, 5002, 5003, 40_000, 1, 2)))
        .as("16 KiB each, but what is larger alone")
        .containsOnly(true);
    assertThat(cassandra.requests)
        .extracting(request -> request.values("c").toList())
        .containsExactly(
            List.of("5000", "5001", "5002"), List.of("5003"), List.of("40000"), List.of("1", "2"));
  }

  @Test
  void partitionsAreExecutedSideBySideUpToALimit() throws Exception {
    var asked = new ConcurrentLinkedQueue<CompletableFuture<AsyncResultSet>>();
    CqlSession stepped =
        Sessions.executing(
            session,
            statement -> {
              CompletableFuture<AsyncResultSet> answer = new CompletableFuture<>();
              asked.add(answer);
              return answer;
            });
    AsyncHandler<Integer, Boolean> handler =
        CassandraBatches.<Integer>insert(stepped, "person")
            .set("city", city -> "City" + city)
            .set("name", city -> "Ann")
            .maxInFlight(3)
            .applied();
    AsyncResultSet stored =
        session
            .executeAsync(session.prepare(Shape.of(insertOf(ANN)).cql()).bind("", "", 1, 1L))
            .toCompletableFuture()
            .join();
    CompletableFuture<? extends List<Boolean>> first =
        handler.handle(List.of(1, 2)).toCompletableFuture();
    awaitSize(asked, 2);
    CompletableFuture<? extends List<Boolean>> second =
        handler.handle(List.of(3, 4, 5)).toCompletableFuture();
    awaitSize(asked, 3);
    for (int i = 5; i > 0; i--) {
      awaitSize(asked, Math.min(3, i)); // a thread of the driver may still be about to ask
      asked.remove().complete(stored);
    }
    assertThat(first.join()).containsExactly(true, true);
    assertThat(second.join()).containsExactly(true, true, true);
  }

  private static void awaitSize(ConcurrentLinkedQueue<?> queue, int size) {
    await("requests in flight").until(() -> queue.size() == size);
  }

  /** With the one timestamp of a BATCH the delete wins, and of two values the larger one. */
  @Test
  void writesOfARowKeepTheirOrder() throws Exception {
    Person older = new Person("Oslo", "Ann", 9);
    handle(CassandraBatches.writes(session), insertOf(ANN), set(older));
    assertThat(cassandra.rows.ages()).containsExactly(Map.entry("Ann", 9));
    handle(CassandraBatches.writes(session), insertOf(ANN), deleteOf(ANN), insertOf(older));
    assertThat(cassandra.rows.ages()).containsExactly(Map.entry("Ann", 9));
    handle(CassandraBatches.writes(session), insertOf(ANN), deleteOf(ANN));
    assertThat(cassandra.rows.ages()).isEmpty();
    assertThat(sizes(cassandra.requests)).containsExactly(2, 3, 2);
  }

  @Test
  void manyWritesDoWhatTheyWouldDoOneByOne() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    AsyncHandler<Write, Boolean> handler =
        CassandraBatches.writes(session).maxStatements(7).applied();
    Map<Object, Object> expected = new TreeMap<>();
    for (int batch = 0; batch < 20; batch++) {
      List<Write> writes = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        int name = random.nextInt(12);
        Person person = new Person("City" + name % 3, "P" + name, random.nextInt(100));
        switch (random.nextInt(3)) {
          case 0 -> writes.add(deleteOf(person));
          case 1 -> writes.add(insertOf(person));
          default -> writes.add(set(person));
        }
        if (writes.getLast().kind == Kind.DELETE) {
          expected.remove(person.name());
        } else {
          expected.put(person.name(), person.age());
        }
      }
      assertThat(handle(handler, writes)).as("seed %d", seed).containsOnly(true).hasSize(50);
      assertThat(cassandra.rows.ages()).as("seed %d, batch %d", seed, batch).isEqualTo(expected);
    }
  }

  @Test
  void timestampsOfTheServersAreRefusedBecauseTheyHaveNoOrder() throws Exception {
    Draft draft =
        Draft.of(0, insertOf(ANN).timestamp(7), CassandraBatches.writes(session).terms(), () -> 1);
    assertThat(draft.values()).containsExactly("Oslo", "Ann", 30, 7L);
    assertThatThrownBy(
            () ->
                Draft.of(
                    0,
                    insertOf(ANN),
                    CassandraBatches.writes(session).terms(),
                    () -> Long.MIN_VALUE))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("an insert into person needs a timestamp: the session leaves");
  }

  /** In async-batcher every call failed, with a TypeError. */
  @Test
  void badOperationsFailOnlyTheirCallers() throws Exception {
    List<Write> writes =
        List.of(
            insertOf(ANN),
            Write.insert("person"),
            Write.update("person").set("age", 1),
            Write.update("person").key("city", "Oslo").key("name", "Ann"),
            Write.delete("person"),
            insertOf(new Person(null, "Bob", 1)),
            Write.update("person").key("city", "Oslo").key("name", "Bob").set("age", 1L),
            Write.update("person").key("city", 7).key("name", "Bob").set("age", 1),
            Write.update("person").key("city", "Oslo").key("name", "Bob").set("ages", 1),
            Write.update("person")
                .key("city", "Oslo")
                .key("name", "Bob")
                .set("tags", Arrays.asList("a", null)),
            insertOf(CID));
    Outcomes<Boolean> outcomes = handle(CassandraBatches.writes(session).applied(), writes);
    assertThat(IntStream.range(0, writes.size()).mapToObj(i -> message(outcomes.failure(i))))
        .containsExactly(
            "",
            "IllegalStateException: an insert into person sets nothing",
            "IllegalStateException: an update of person needs a key",
            "IllegalStateException: an update of person sets nothing",
            "IllegalStateException: a delete from person needs a key",
            "IllegalArgumentException: column city is of the partition key, so that it must not"
                + " be null",
            "IllegalArgumentException: column age is of type int, which takes java.lang.Integer,"
                + " not java.lang.Long",
            "IllegalArgumentException: column city is of type text, which takes java.lang.String,"
                + " not java.lang.Integer",
            "InvalidQueryException: Undefined column name ages in table ks.person",
            "IllegalArgumentException: the value of column tags cannot be encoded: Collection"
                + " elements cannot be null",
            "");
    assertThat(cassandra.rows.ages()).isEqualTo(Map.of("Ann", 30, "Cid", 50));
  }

  private static String message(Throwable failure) {
    return failure == null ? "" : failure.getClass().getSimpleName() + ": " + failure.getMessage();
  }

  @Test
  void aValueThatCannotBeHadFailsOnlyItsCaller() throws Exception {
    WriteBatch<String> lengths =
        CassandraBatches.<String>update(session, "person")
            .key("city", name -> "Oslo")
            .key("name", name -> name)
            .set("age", String::length);
    Outcomes<Boolean> outcomes = handle(lengths, "Ann", null, "Bobby");
    assertThat(outcomes.failure(1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("column name is of the key, so that it must not be null");
    assertThat(cassandra.rows.ages()).isEqualTo(Map.of("Ann", 3, "Bobby", 5));
  }

  @Test
  void unknownColumnsAreNamedWithThoseThatThereAre() throws Exception {
    CqlSession knowing = Sessions.knowing(session, schema("ks", "person", "city", "name", "age"));
    Write bad = Write.insert("ks.person").set("city", "Oslo").set("nme", "Ann").set("age", 1);
    cassandra.answerPrepare =
        cql -> cql.contains("nme") ? PrimeDsl.invalid("Undefined column name nme") : null;
    Outcomes<Boolean> outcomes =
        handle(
            CassandraBatches.writes(knowing),
            bad,
            insertOf(ANN),
            Write.delete("person").key("x", 1));
    assertThat(outcomes.failure(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("table ks.person has no column nme; its columns are city, name, age")
        .hasCauseInstanceOf(InvalidQueryException.class);
    assertThat(outcomes.get(1)).isTrue();
    assertThat(outcomes.failure(2))
        .hasMessage("table person has no column x; its columns are city, name, age");
    cassandra.answerPrepare = cql -> PrimeDsl.invalid("no such table");
    Outcomes<Boolean> others =
        handle(
            CassandraBatches.writes(knowing),
            Write.delete("ks.other").key("x", 1),
            Write.delete("none.person").key("x", 1),
            Write.delete("\"Odd.Name\"").key("x", 1),
            Write.update("person").key("city", "Oslo").set("tags['x']", "y"));
    assertThat(IntStream.range(0, 4).mapToObj(i -> others.failure(i).getMessage()))
        .containsOnly("no such table");
  }

  private DefaultMetadata schema(String keyspace, String table, String... columns) {
    CqlIdentifier ks = CqlIdentifier.fromCql(keyspace);
    CqlIdentifier name = CqlIdentifier.fromCql(table);
    Map<CqlIdentifier, ColumnMetadata> all = new LinkedHashMap<>();
    Stream.of(columns)
        .map(CqlIdentifier::fromCql)
        .forEach(c -> all.put(c, new DefaultColumnMetadata(ks, name, c, DataTypes.TEXT, false)));
    var metadata =
        new DefaultTableMetadata(
            ks, name, null, false, false, List.of(), Map.of(), all, Map.of(), Map.of());
    return DefaultMetadata.EMPTY.withSchema(
        Map.of(
            ks,
            new DefaultKeyspaceMetadata(
                ks,
                true,
                false,
                Map.of(),
                Map.of(),
                Map.of(name, metadata),
                Map.of(),
                Map.of(),
                Map.of())),
        false,
        (InternalDriverContext) session.getContext());
  }

  @Test
  void aStatementThatCouldNotBePreparedIsPreparedAnewNextTime() throws Exception {
    AsyncHandler<Write, Boolean> handler = CassandraBatches.writes(session).applied();
    Write drop = Write.delete("note").key("city", "Oslo");
    cassandra.answerPrepare = cql -> PrimeDsl.invalid("unconfigured table note");
    assertThat(handle(handler, List.of(drop)).failure(0)).hasMessage("unconfigured table note");
    cassandra.answerPrepare = cql -> null; // it was created meanwhile
    // The driver tells of a failure just before it forgets it: who asks between gets it again.
    await("preparing it anew").until(() -> handle(handler, List.of(drop)).failures() == 0);
    assertThat(cassandra.prepared).hasSize(2);
  }

  /** In async-batcher one bad operation failed all callers of its batch. */
  @Test
  void aWriteThatTheDatabaseRefusesFailsOnlyItsCaller() throws Exception {
    cassandra.answer =
        request ->
            request.values("age").anyMatch(age -> age.equals(3) || age.equals(6))
                ? PrimeDsl.invalid("age is " + request.values("age").toList())
                : null;
    Outcomes<Boolean> outcomes = handle(insert().applied(), persons(9));
    assertThat(outcomes.failures()).isEqualTo(2);
    assertThat(outcomes.failure(3))
        .isInstanceOf(InvalidQueryException.class)
        .hasMessage("age is [3]");
    assertThat(outcomes.failure(6)).hasMessage("age is [6]");
    assertThat(cassandra.rows.ages().values()).containsExactly(0, 1, 2, 4, 5, 7, 8);
    assertThat(sizes(cassandra.requests)).containsExactly(9, 4, 2, 2, 1, 1, 5, 2, 3, 1, 2);
  }

  @Test
  void whatIsWrongWithAllFailsAll() throws Exception {
    cassandra.answer = request -> new UnauthorizedResult("no");
    Outcomes<Boolean> outcomes = handle(insert(), ANN, BOB, CID);
    assertThat(outcomes.failures()).isEqualTo(3);
    assertThat(outcomes.failure(0)).isInstanceOf(UnauthorizedException.class);
    assertThat(sizes(cassandra.requests)).as("not searched").containsExactlyInAnyOrder(2, 1);
  }

  @Test
  void aTableThatMustNotBeWrittenFailsOnlyItsWrites() throws Exception {
    cassandra.answer =
        request ->
            request.statements().stream().anyMatch(statement -> statement.cql().contains("note"))
                ? new UnauthorizedResult("no right to modify note")
                : null;
    Write note = Write.insert("note").set("city", "Oslo").set("text", "rain");
    Outcomes<Boolean> outcomes =
        handle(CassandraBatches.writes(session), insertOf(ANN), note, insertOf(BOB), note);
    assertThat(outcomes.failures()).isEqualTo(2);
    assertThat(outcomes.failure(3)).hasMessage("no right to modify note");
    assertThat(cassandra.rows.ages().keySet()).containsExactly("Ann", "Bob");
  }

  @Test
  void loggedBatchesHaveSeveralPartitions() throws Exception {
    assertThat(handle(insert().logged(), ANN, CID, BOB, DAN)).containsOnly(true);
    assertThat(cassandra.requests).extracting(Request::type).containsExactly("LOGGED");
    assertThat(cassandra.requests.getFirst().values("name"))
        .containsExactly("Ann", "Cid", "Bob", "Dan");
  }

  @Test
  void loggedBatchesAreStoredAsAWholeOrNotAtAll() throws Exception {
    cassandra.answer = request -> PrimeDsl.invalid("no");
    Outcomes<Boolean> refused = handle(insert().logged(), ANN, CID);
    assertThat(refused.failures()).isEqualTo(2);
    assertThat(cassandra.requests).hasSize(1);
    cassandra.reset();
    Outcomes<Boolean> bad = handle(insert().logged(), ANN, new Person("Oslo", "Bob", null), CID);
    assertThat(bad.failures()).isZero();
    bad = handle(insert().logged(), ANN, new Person(null, "Bob", 1), CID);
    assertThat(bad.failures()).isEqualTo(3);
    assertThat(bad.failure(0)).hasMessageContaining("city");
    assertThat(cassandra.requests).hasSize(1);
  }

  @Test
  void countersAreAddedTo() throws Exception {
    WriteBatch<String> views =
        CassandraBatches.<String>update(session, "visits")
            .key("page", page -> page)
            .add("n", String::length);
    assertThat(handle(views, "home", "home", "about")).containsOnly(true);
    assertThat(cassandra.rows.added()).isEqualTo(13);
    assertThat(cassandra.requests)
        .extracting(Request::type)
        .containsExactlyInAnyOrder("COUNTER", null);
    assertThat(cassandra.requests)
        .flatExtracting(Request::statements)
        .extracting(FakeCassandra.Statement::cql)
        .containsOnly("UPDATE visits SET n = n + ? WHERE page = ?");
  }

  @Test
  void countersAndOtherWritesAreInBatchesOfTheirOwn() throws Exception {
    Write visit = Write.update("visits").key("page", "Oslo").add("n", 1);
    assertThat(handle(CassandraBatches.writes(session), insertOf(ANN), insertOf(BOB), visit, visit))
        .containsOnly(true);
    assertThat(cassandra.requests).extracting(Request::type).containsExactly("UNLOGGED", "COUNTER");
  }

  @Test
  void conditionalWritesGoAloneAndTellWhetherTheyWereApplied() throws Exception {
    cassandra.answer =
        request ->
            PrimeDsl.rows()
                .row("[applied]", request.values("name").toList().contains("Ann"))
                .columnTypes("[applied]", "boolean")
                .build();
    assertThat(handle(insert().ifNotExists(), ANN, BOB)).containsExactly(true, false);
    assertThat(handle(update().ifExists(), BOB, ANN)).containsExactly(false, true);
    assertThat(handle(delete().ifExists(), ANN, BOB)).containsExactly(true, false);
    assertThat(cassandra.requests).extracting(Request::type).containsOnlyNulls().hasSize(6);
    assertThat(cassandra.requests)
        .flatExtracting(Request::statements)
        .extracting(FakeCassandra.Statement::cql)
        .containsOnly(
            "INSERT INTO person (city, name, age) VALUES (?, ?, ?) IF NOT EXISTS",
            "UPDATE person SET age = ? WHERE city = ? AND name = ? IF EXISTS",
            "DELETE FROM person WHERE city = ? AND name = ? IF EXISTS");
  }

  @Test
  void conditionalWritesComeBetweenTheOthersOfTheirPartition() throws Exception {
    Write conditional = insertOf(person(2)).ifNotExists();
    handle(
        CassandraBatches.writes(session),
        insertOf(person(0)),
        insertOf(person(1)),
        conditional,
        insertOf(person(3)),
        insertOf(person(4)));
    assertThat(cassandra.requests)
        .extracting(request -> request.values("age").toList())
        .containsExactly(List.of(0, 1), List.of(2), List.of(3, 4));
  }

  @Test
  void eachWriteHasTermsOfItsOwn() throws Exception {
    Write update = set(ANN).ttl(Duration.ofHours(1)).timestamp(17);
    Write insert = insertOf(BOB).ttl(Duration.ZERO).timestamp(18);
    Write delete = deleteOf(CID).timestamp(19);
    assertThat(handle(CassandraBatches.writes(session), update, insert, delete)).containsOnly(true);
    assertThat(cassandra.requests)
        .flatExtracting(Request::statements)
        .extracting(FakeCassandra.Statement::cql, FakeCassandra.Statement::values)
        .containsExactlyInAnyOrder(
            tuple(
                "UPDATE person USING TIMESTAMP ? AND TTL ? SET age = ? WHERE city = ? AND name = ?",
                Map.of("TIMESTAMP", 17L, "TTL", 3600, "age", 30, "city", "Oslo", "name", "Ann")),
            tuple(
                "INSERT INTO person (city, name, age) VALUES (?, ?, ?) USING TIMESTAMP ? AND TTL ?",
                Map.of("TIMESTAMP", 18L, "TTL", 0, "age", 40, "city", "Oslo", "name", "Bob")),
            tuple(
                "DELETE FROM person USING TIMESTAMP ? WHERE city = ? AND name = ?",
                Map.of("TIMESTAMP", 19L, "city", "Rome", "name", "Cid")));
  }

  /** With the first versions of the protocol. */
  @Test
  void withoutKnownPartitionsEachWriteGoesAlone() throws Exception {
    Write first = Write.delete("old").key("id", 1);
    Write second = Write.delete("old").key("id", 1);
    assertThat(handle(CassandraBatches.writes(session), first, second)).containsExactly(true, true);
    assertThat(sizes(cassandra.requests)).containsExactly(1, 1);
  }

  @Test
  void nullRemovesAValue() throws Exception {
    handle(update(), ANN, new Person("Oslo", "Bob", null));
    assertThat(cassandra.requests.getFirst().values("age")).containsExactly(30, null);
  }

  @Test
  void whatCallersDoNextMayWaitForTheDriver() throws Exception {
    try (Batcher<Person, Boolean> batcher =
        Batcher.<Person, Boolean>asyncBuilder(insert().applied())
            .batch(BatchPolicy.greedy(10))
            .build()) {
      CompletableFuture<Long> next =
          batcher
              .submit(ANN)
              .thenApply(
                  stored -> {
                    session.prepare("DELETE FROM person WHERE city = ?");
                    return 1L;
                  });
      assertThat(next.join()).isEqualTo(1);
    }
  }

  @Test
  void writesCanBePrintedWithoutTheirValues() {
    assertThat(set(ANN)).hasToString("UPDATE person [city, name]");
    assertThat(insertOf(ANN)).hasToString("INSERT person [city, name, age]");
  }
}
