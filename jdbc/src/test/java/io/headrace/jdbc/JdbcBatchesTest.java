package io.headrace.jdbc;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Handler;
import io.headrace.Outcomes;
import io.headrace.TimeLeft;
import io.headrace.TimeSource;
import io.headrace.Workers;
import java.math.BigDecimal;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for every database. */
@ParameterizedClass
@MethodSource("io.headrace.jdbc.Database#present")
class JdbcBatchesTest {
  record Person(String email, String name, Integer age) {}

  private static final Person ANN = new Person("ann@x", "Ann", 30);
  private static final Person BOB = new Person("bob@x", "Bob", 40);
  private static final Person CID = new Person("cid@x", "Cid", 50);

  private final Database database;
  private final HikariDataSource pool;
  private final WatchedDataSource dataSource;

  JdbcBatchesTest(Database database) {
    this.database = database;
    pool = database.pool(4);
    dataSource = new WatchedDataSource(pool, database.name().equals(Database.PORTABLE));
  }

  @BeforeEach
  void table() throws SQLException {
    database.execute(
        "DROP TABLE IF EXISTS person",
        "CREATE TABLE person (id "
            + database.generatedKey()
            + ", email VARCHAR(40) NOT NULL UNIQUE, name VARCHAR(10), age INT,"
            + " state VARCHAR(10) DEFAULT 'new', CHECK (age >= 0))");
  }

  @AfterEach
  void close() {
    pool.close();
  }

  private WriteBatch<Person> insert() {
    return JdbcBatches.<Person>insert(dataSource, "person")
        .set("email", Person::email)
        .set("name", Person::name)
        .set("age", Person::age);
  }

  private WriteBatch<Person> upsert() {
    return JdbcBatches.<Person>upsert(dataSource, "person")
        .key("email", Person::email)
        .set("name", Person::name)
        .set("age", Person::age);
  }

  private WriteBatch<Person> update() {
    return JdbcBatches.<Person>update(dataSource, "person")
        .key("email", Person::email)
        .set("name", Person::name)
        .set("age", Person::age);
  }

  private SelectBatch<String> select() {
    return JdbcBatches.<String>select(dataSource, "person").key("email", email -> email);
  }

  private List<Object> emails() throws SQLException {
    return database.query("SELECT email FROM person ORDER BY email");
  }

  private Object nameOf(Person person) throws SQLException {
    return database
        .query("SELECT name FROM person WHERE email = '" + person.email() + "'")
        .getFirst();
  }

  private static Person person(int number) {
    return new Person("p" + number + "@x", "P" + number, number);
  }

  @Test
  void generatedKeysReachTheirCallers() throws Exception {
    List<Person> persons = IntStream.range(0, 1500).mapToObj(JdbcBatchesTest::person).toList();
    List<CompletableFuture<Long>> ids;
    try (Batcher<Person, Long> batcher =
        Batcher.<Person, Long>builder(insert().returning(row -> row.getLong("id"), "id"))
            .batch(BatchPolicy.greedy(1000))
            .workers(Workers.threads(3))
            .build()) {
      ids = batcher.submitAll(persons);
    }
    Map<Object, Object> stored =
        database.query("SELECT id FROM person").stream().collect(toMap(id -> id, id -> id));
    assertThat(stored).hasSize(1500);
    Handler<Long, String> emailOf =
        JdbcBatches.<Long>select(dataSource, "person")
            .key("id", id -> id)
            .one(row -> row.getString("email"));
    assertThat(emailOf.handle(ids.stream().map(CompletableFuture::join).toList()))
        .containsExactlyElementsOf(persons.stream().map(Person::email).toList());
  }

  @Test
  void insertsAreCounted() throws Exception {
    assertThat(insert().count().handle(List.of(ANN, BOB))).containsExactly(1, 1);
    assertThat(insert().count().handle(List.of(CID))).containsExactly(1);
    assertThat(emails()).containsExactly("ann@x", "bob@x", "cid@x");
  }

  @Test
  void upsertsInsertAndUpdate() throws Exception {
    insert().count().handle(List.of(ANN));
    Person older = new Person("ann@x", "Anna", 31);
    Handler<Person, String> upsert = upsert().returning(row -> row.getString("name"), "name", "id");
    assertThat(upsert.handle(List.of(BOB, older, CID))).containsExactly("Bob", "Anna", "Cid");
    assertThat(emails()).containsExactly("ann@x", "bob@x", "cid@x");
    assertThat(nameOf(ANN)).isEqualTo("Anna");
  }

  @Test
  void ofEqualKeysTheLastUpsertStays() throws Exception {
    List<Person> persons = new ArrayList<>(List.of(BOB));
    for (int i = 0; i < 5; i++) {
      persons.add(new Person("ann@x", "A" + i, i));
    }
    assertThat(upsert().count().handle(persons)).containsOnly(1).hasSize(6);
    assertThat(nameOf(ANN)).isEqualTo("A4");
  }

  @Test
  void rowsOfKeysAloneAreUpserted() throws Exception {
    Handler<Person, Integer> upsert =
        JdbcBatches.<Person>upsert(dataSource, "person").key("email", Person::email).count();
    assertThat(upsert.handle(List.of(ANN, BOB))).containsExactly(1, 1);
    assertThat(upsert.handle(List.of(BOB, CID))).containsExactly(1, 1);
    assertThat(emails()).containsExactly("ann@x", "bob@x", "cid@x");
  }

  @Test
  void updatesAreCounted() throws Exception {
    insert().count().handle(List.of(ANN, BOB));
    Person younger = new Person("ann@x", "Annie", 3);
    Person again = new Person("ann@x", "Anna", 4);
    assertThat(update().count().handle(List.of(younger, CID, BOB, again)))
        .containsExactly(1, 0, 1, 1);
    assertThat(nameOf(ANN)).isEqualTo("Anna");
  }

  @Test
  void updatesReturnColumns() throws Exception {
    insert().count().handle(List.of(ANN, BOB));
    Person younger = new Person("ann@x", "Annie", 3);
    Handler<Person, String> update =
        update().returning(row -> row.getString("name") + row.getString("state"), "name", "state");
    assertThat(update.handle(List.of(younger, CID, BOB)))
        .containsExactly("Annienew", null, "Bobnew");
  }

  @Test
  void deletesAreCounted() throws Exception {
    insert().count().handle(List.of(ANN, BOB, CID));
    Handler<String, Integer> delete =
        JdbcBatches.<String>delete(dataSource, "person").key("email", email -> email).count();
    assertThat(delete.handle(List.of("ann@x", "nobody", "cid@x", "ann@x")))
        .containsExactly(1, 0, 1, 0);
    assertThat(emails()).containsExactly("bob@x");
  }

  /** In async-batcher only the last of several callers with the same key got the item. */
  @Test
  void equalKeysAreAskedOnce() throws Exception {
    insert().count().handle(List.of(ANN, BOB));
    AtomicInteger rows = new AtomicInteger();
    Handler<String, String> names =
        select()
            .columns("name")
            .one(
                row -> {
                  rows.incrementAndGet();
                  return row.getString("name");
                });
    assertThat(names.handle(Arrays.asList("bob@x", "ann@x", "nobody", "bob@x", null, "bob@x")))
        .containsExactly("Bob", "Ann", null, "Bob", null, "Bob");
    assertThat(rows).hasValue(2);
  }

  @Test
  void manyRowsOfAKey() throws Exception {
    insert().count().handle(List.of(ANN, BOB, new Person("ada@x", "Ada", 30)));
    Handler<Integer, List<String>> byAge =
        JdbcBatches.<Integer>select(dataSource, "person")
            .key("age", age -> age)
            .list(row -> row.getString("name"));
    List<List<String>> names = byAge.handle(List.of(30, 99, 40));
    assertThat(names.get(0)).containsExactlyInAnyOrder("Ann", "Ada");
    assertThat(names.get(1)).isEmpty();
    assertThat(names.get(2)).containsExactly("Bob");
  }

  @Test
  void wholeNumbersOfAnyTypeAndColumn() throws Exception {
    insert().count().handle(List.of(ANN, new Person("bob@x", "040", 40)));
    Handler<Number, String> byAge =
        JdbcBatches.<Number>select(dataSource, "person")
            .key("age", age -> age)
            .one(row -> row.getString("email"));
    assertThat(byAge.handle(List.of(30, 40L, (short) 30, 30L, 7)))
        .containsExactly("ann@x", "bob@x", "ann@x", "ann@x", null);
    if (database.name().equals("MariaDB")) { // which takes 040 as equal to 40
      Handler<Integer, String> byName =
          JdbcBatches.<Integer>select(dataSource, "person")
              .key("name", name -> name)
              .one(row -> row.getString("email"));
      assertThat(byName.handle(List.of(40, 7))).containsExactly("bob@x", null);
    }
  }

  @Test
  void aKeyOfSeveralRowsFailsOnlyItsCaller() throws Exception {
    insert().count().handle(List.of(ANN, BOB, new Person("ada@x", "Ada", 30)));
    Handler<Integer, String> byAge =
        JdbcBatches.<Integer>select(dataSource, "person")
            .key("age", age -> age)
            .one(row -> row.getString("name"));
    Outcomes<String> names = (Outcomes<String>) byAge.handle(List.of(30, 40, 99));
    assertThat(names.failure(0)).hasMessageContaining("2 rows of person have the same key");
    assertThat(names.subList(1, 3)).containsExactly("Bob", null);
  }

  @Test
  void compositeKeys() throws Exception {
    insert().count().handle(List.of(ANN, BOB, CID));
    Handler<Person, Long> ids =
        JdbcBatches.<Person>select(dataSource, "person")
            .key("name", Person::name)
            .key("age", Person::age)
            .one(row -> row.getLong("id"));
    List<Long> found = ids.handle(List.of(BOB, new Person("", "Ann", 40), CID));
    assertThat(found.get(0)).isNotNull();
    assertThat(found.get(1)).isNull();
    assertThat(found.get(2)).isNotNull().isNotEqualTo(found.get(0));
  }

  @Test
  void valuesOfManyTypes() throws Exception {
    database.execute(
        "DROP TABLE IF EXISTS thing",
        "CREATE TABLE thing (id UUID PRIMARY KEY, price DECIMAL(10, 2), born DATE, flag BOOLEAN,"
            + " text VARCHAR(100))");
    record Thing(UUID id, BigDecimal price, LocalDate day, Boolean flag, String text) {}
    List<Thing> things =
        List.of(
            new Thing(
                new UUID(1, 2),
                new BigDecimal("1.50"),
                LocalDate.of(2026, 2, 3),
                true,
                "{a,\"b'\\"),
            new Thing(new UUID(3, 4), null, null, null, null),
            new Thing(new UUID(5, 6), new BigDecimal("2.00"), LocalDate.EPOCH, false, "null"));
    JdbcBatches.<Thing>insert(dataSource, "thing")
        .set("id", Thing::id)
        .set("price", Thing::price)
        .set("born", Thing::day)
        .set("flag", Thing::flag)
        .set("text", Thing::text)
        .count()
        .handle(things);
    RowMapper<Thing> mapper =
        row ->
            new Thing(
                row.getObject("id", UUID.class),
                row.getBigDecimal("price"),
                row.getObject("born", LocalDate.class),
                row.getObject("flag") == null ? null : row.getBoolean("flag"),
                row.getString("text"));
    assertThat(
            JdbcBatches.<Thing>select(dataSource, "thing")
                .key("id", Thing::id)
                .one(mapper)
                .handle(things))
        .isEqualTo(things);
    assertThat(
            JdbcBatches.<Thing>select(dataSource, "thing")
                .key("text", Thing::text)
                .key("born", Thing::day)
                .one(mapper)
                .handle(things))
        .containsExactly(things.get(0), null, things.get(2));
    assertThat(
            JdbcBatches.<String>select(dataSource, "thing")
                .key("price", BigDecimal::new)
                .one(mapper)
                .handle(List.of("1.5", "2")))
        .as("what the database takes as equal")
        .containsExactly(things.get(0), things.get(2));
  }

  /** In async-batcher one bad row failed all callers of its batch. */
  @Test
  void aBadRowFailsOnlyItsCallerWithTheErrorOfTheDatabase() throws Exception {
    insert().count().handle(List.of(ANN));
    List<Person> persons =
        new ArrayList<>(IntStream.range(0, 20).mapToObj(i -> person(i)).toList());
    persons.set(3, ANN);
    persons.set(11, new Person("long@x", "much too long a name", 1));
    persons.set(19, new Person("negative@x", "N", -1));
    persons.add(person(5));
    Outcomes<Long> ids =
        (Outcomes<Long>) insert().returning(row -> row.getLong("id"), "id").handle(persons);
    assertThat(ids.failures()).isEqualTo(4);
    for (int bad : List.of(3, 11, 19, 20)) {
      assertThat(ids.failure(bad))
          .isInstanceOf(SQLException.class)
          .isNotInstanceOf(BatchUpdateException.class);
    }
    assertThat(((SQLException) ids.failure(3)).getSQLState()).startsWith("23");
    assertThat(((SQLException) ids.failure(11)).getSQLState()).startsWith("22");
    assertThat(emails()).hasSize(1 + 17);
    assertThat(ids.subList(0, 3)).doesNotContainNull().doesNotHaveDuplicates();
  }

  @Test
  void badUpsertsAndUpdatesFailOnlyTheirCallers() throws Exception {
    insert().count().handle(List.of(ANN, BOB));
    Person bad = new Person("ann@x", "much too long a name", 30);
    Person good = new Person("bob@x", "Bobby", 41);
    Outcomes<Integer> upserts =
        (Outcomes<Integer>) upsert().count().handle(List.of(bad, CID, good));
    assertThat(upserts.failure(0)).isInstanceOf(SQLException.class);
    assertThat(upserts.subList(1, 3)).containsExactly(1, 1);
    Outcomes<Integer> updates = (Outcomes<Integer>) update().count().handle(List.of(BOB, CID, bad));
    assertThat(updates.failure(2))
        .isInstanceOf(SQLException.class)
        .isNotInstanceOf(BatchUpdateException.class);
    assertThat(updates.subList(0, 2)).containsExactly(1, 1);
    assertThat(nameOf(BOB)).isEqualTo("Bob");
    assertThat(nameOf(ANN)).isEqualTo("Ann");
  }

  @Test
  void aFailingMapperOrValueFailsOnlyItsCallerAndNothingIsWrittenForIt() throws Exception {
    Handler<Person, Long> insert =
        JdbcBatches.<Person>insert(dataSource, "person")
            .set("email", person -> person.email().toLowerCase(java.util.Locale.ROOT))
            .set("name", Person::name)
            .returning(
                row -> {
                  if (row.getString("name").equals("Bob")) {
                    throw new IllegalArgumentException("not Bob");
                  }
                  return row.getLong("id");
                },
                "id",
                "name");
    Outcomes<Long> ids =
        (Outcomes<Long>) insert.handle(List.of(ANN, BOB, new Person(null, "Nil", 1), CID));
    assertThat(ids.failure(1)).hasMessage("not Bob");
    assertThat(ids.failure(2)).isInstanceOf(NullPointerException.class);
    assertThat(emails()).contains("ann@x", "cid@x").doesNotContain("bob@x");
  }

  @Test
  void allOrNothing() throws Exception {
    Handler<Person, Integer> insert = insert().allOrNothing().count();
    Outcomes<Integer> counts = (Outcomes<Integer>) insert.handle(List.of(BOB, ANN, ANN, CID));
    assertThat(counts.failures()).isEqualTo(4);
    assertThat(((SQLException) counts.failure(3)).getSQLState()).startsWith("23");
    assertThat(emails()).isEmpty();
    assertThatThrownBy(
            () ->
                JdbcBatches.<Person>insert(dataSource, "person")
                    .set("email", person -> person.email().strip())
                    .allOrNothing()
                    .count()
                    .handle(List.of(ANN, new Person(null, "", 1))))
        .isInstanceOf(NullPointerException.class);
    assertThat(emails()).isEmpty();
  }

  @Test
  void aStatementThatNoRowCanMendIsNotSearched() throws Exception {
    Handler<Person, Integer> insert =
        JdbcBatches.<Person>insert(dataSource, "nowhere").set("email", Person::email).count();
    Outcomes<Integer> counts = (Outcomes<Integer>) insert.handle(List.of(ANN, BOB, CID));
    assertThat(counts.failures()).isEqualTo(3);
    assertThat(counts.failure(2)).hasMessageMatching("(?is).*nowhere.*");
    assertThat(dataSource.statements).hasSize(1);
  }

  @Test
  void anErrorStoresNothing() throws Exception {
    Handler<Person, Long> insert =
        insert()
            .returning(
                row -> {
                  throw new AssertionError("a mistake");
                },
                "id");
    assertThatThrownBy(() -> insert.handle(List.of(ANN, BOB))).hasMessage("a mistake");
    assertThat(emails()).isEmpty();
  }

  @Test
  void aPoolWithoutConnectionsIsSaidSo() throws Exception {
    HikariConfig config = database.config(1);
    config.setConnectionTimeout(250);
    config.setMinimumIdle(
        1); // made with the pool, for which this is a short time on a busy machine
    config.setInitializationFailTimeout(30_000);
    try (HikariDataSource small = new HikariDataSource(config)) {
      WatchedDataSource watched = new WatchedDataSource(small, false);
      Handler<Person, Integer> insert =
          JdbcBatches.<Person>insert(watched, "person")
              .set("email", Person::email)
              .retries(1)
              .count();
      Connection taken = small.getConnection();
      Outcomes<Integer> counts = (Outcomes<Integer>) insert.handle(List.of(ANN, BOB));
      assertThat(counts.failure(1))
          .isInstanceOf(SQLTransientConnectionException.class)
          .hasMessageContaining("nothing was executed")
          .hasMessageContaining("as many as there are workers");
      assertThat(watched.connections).isEqualTo(2);
      taken.close();
      assertThat(insert.handle(List.of(ANN, BOB))).containsExactly(1, 1);
    }
  }

  @Test
  void aConnectionLostBeforeTheCommitIsReplaced() throws Exception {
    AtomicInteger losses = new AtomicInteger(2);
    dataSource.beforeCommit =
        connection -> {
          if (losses.getAndDecrement() > 1) {
            throw new SQLException("deadlock", "40001");
          }
        };
    dataSource.beforeStatement =
        connection -> {
          if (losses.get() == 1) {
            losses.decrementAndGet();
            database.kill(connection);
          }
        };
    assertThat(insert().count().handle(List.of(ANN, BOB))).containsExactly(1, 1);
    assertThat(dataSource.connections).isEqualTo(3);
    assertThat(emails()).containsExactly("ann@x", "bob@x");
  }

  @Test
  void aConnectionLostAgainAndAgainIsSaidSo() throws Exception {
    dataSource.beforeStatement = database::kill;
    Outcomes<Integer> counts = (Outcomes<Integer>) insert().count().handle(List.of(ANN, BOB));
    assertThat(counts.failure(0))
        .isInstanceOf(SQLNonTransientConnectionException.class)
        .hasMessageContaining("nothing was stored");
    assertThat(dataSource.connections).isEqualTo(4);
    Outcomes<String> names =
        (Outcomes<String>) select().retries(0).one(row -> "").handle(List.of("a", "b"));
    assertThat(names.failure(1)).isInstanceOf(SQLNonTransientConnectionException.class);
    assertThat(dataSource.connections).isEqualTo(5);
    assertThat(emails()).isEmpty();
  }

  @Test
  void aRowThatLosesTheConnectionFailsOnlyItsCaller() throws Exception {
    WriteBatch<Person> insert = insert();
    RowMapper<Long> mapper =
        row -> {
          if (row.getString("name").equals("Bob")) {
            database.kill(row.getStatement().getConnection());
            throw new SQLException("it is lost", "08006");
          }
          return row.getLong("id");
        };
    List<Person> persons = List.of(ANN, person(1), person(2), BOB, CID, ANN);
    Outcomes<Long> ids = (Outcomes<Long>) insert.returning(mapper, "id", "name").handle(persons);
    assertThat(ids.failures()).isEqualTo(2);
    assertThat(ids.failure(3)).isInstanceOf(SQLNonTransientConnectionException.class);
    assertThat(((SQLException) ids.failure(5)).getSQLState()).startsWith("23");
    assertThat(dataSource.connections).isEqualTo(4);
    assertThat(emails()).containsExactly("ann@x", "cid@x", "p1@x", "p2@x");
    ids =
        (Outcomes<Long>)
            insert().allOrNothing().returning(mapper, "id", "name").handle(List.of(BOB, person(3)));
    assertThat(ids.failures()).isEqualTo(2);
  }

  record Blob(int id, byte[] bytes) {}

  private WriteBatch<Blob> blobs(WriteBatch<Blob> batch) {
    return batch.set("bytes", Blob::bytes);
  }

  /** MariaDB closes the connection if a statement has more than 16 MiB. */
  @Test
  void largeRowsAreStored() throws Exception {
    database.execute(
        "DROP TABLE IF EXISTS picture",
        "CREATE TABLE picture (id INT PRIMARY KEY, bytes "
            + (database.name().equals("PostgreSQL") ? "BYTEA" : "LONGBLOB")
            + ")");
    List<Blob> blobs =
        IntStream.range(0, 200).mapToObj(i -> new Blob(i, new byte[100_000])).toList();
    assertThat(
            blobs(JdbcBatches.<Blob>insert(dataSource, "picture").set("id", Blob::id))
                .count()
                .handle(blobs))
        .containsOnly(1)
        .hasSize(200);
    Handler<Blob, Integer> upsert =
        blobs(JdbcBatches.<Blob>upsert(dataSource, "picture").key("id", Blob::id)).count();
    assertThat(upsert.handle(blobs)).containsOnly(1).hasSize(200);
    assertThat(dataSource.connections).isEqualTo(2);
    Outcomes<Integer> counts =
        (Outcomes<Integer>)
            upsert.handle(
                List.of(
                    new Blob(300, new byte[1]),
                    new Blob(301, new byte[17 << 20]),
                    new Blob(302, new byte[1])));
    boolean isTooLarge = database.name().equals("MariaDB");
    assertThat(counts.failures()).isEqualTo(isTooLarge ? 1 : 0);
    assertThat(counts.failure(1) instanceof SQLNonTransientConnectionException)
        .isEqualTo(isTooLarge);
    assertThat(database.query("SELECT id FROM picture")).hasSize(isTooLarge ? 202 : 203);
  }

  @Test
  void aConnectionLostWhileBadRowsAreSearchedIsReplaced() throws Exception {
    AtomicInteger losses = new AtomicInteger(1);
    dataSource.beforeSavepoint =
        connection -> {
          if (losses.getAndDecrement() > 0) {
            database.kill(connection);
          }
        };
    Outcomes<Integer> counts = (Outcomes<Integer>) insert().count().handle(List.of(ANN, ANN, BOB));
    assertThat(counts.failures()).isEqualTo(1);
    assertThat(((SQLException) counts.failure(1)).getSQLState()).startsWith("23");
    assertThat(dataSource.connections).isEqualTo(2);
    assertThat(emails()).containsExactly("ann@x", "bob@x");
  }

  /** By a policy of the table, or a trigger that takes the state of a wrong statement. */
  @Test
  void aRowForWhichThereIsNoRightFailsOnlyItsCaller() throws Exception {
    if (database.name().equals("PostgreSQL")) {
      database.execute(
          "CREATE ROLE tenant",
          "CREATE TABLE note (id INT PRIMARY KEY)",
          "ALTER TABLE note ENABLE ROW LEVEL SECURITY",
          "CREATE POLICY ours ON note USING (true) WITH CHECK (id <> 13)",
          "GRANT ALL ON note TO tenant");
      HikariConfig config = database.config(1);
      config.setConnectionInitSql("SET ROLE tenant");
      try (HikariDataSource tenant = new HikariDataSource(config)) {
        assertNo13(tenant, "42501");
      }
    } else if (database.name().equals("MariaDB")) {
      database.execute(
          "CREATE TABLE note (id INT PRIMARY KEY)",
          "CREATE TRIGGER luck BEFORE INSERT ON note FOR EACH ROW IF NEW.id = 13 THEN"
              + " SIGNAL SQLSTATE '42000' SET MESSAGE_TEXT = 'unlucky'; END IF");
      assertNo13(dataSource, "42000");
    }
  }

  private static void assertNo13(DataSource dataSource, String state) throws Exception {
    Outcomes<Integer> counts =
        (Outcomes<Integer>)
            JdbcBatches.<Integer>insert(dataSource, "note")
                .set("id", id -> id)
                .count()
                .handle(List.of(12, 13, 14));
    assertThat(counts.failures()).isEqualTo(1);
    assertThat(((SQLException) counts.failure(1)).getSQLState()).isEqualTo(state);
  }

  @Test
  void keysOfBytes() throws Exception {
    database.execute(
        "DROP TABLE IF EXISTS digest",
        "CREATE TABLE digest (hash "
            + (database.name().equals("PostgreSQL") ? "BYTEA" : "VARBINARY(10)")
            + " PRIMARY KEY, n INT)");
    record Digest(byte[] hash, int n) {}
    JdbcBatches.<Digest>insert(dataSource, "digest")
        .set("hash", Digest::hash)
        .set("n", Digest::n)
        .count()
        .handle(List.of(new Digest(new byte[] {1, -1}, 1), new Digest(new byte[] {2}, 2)));
    assertThat(
            JdbcBatches.<byte[]>select(dataSource, "digest")
                .key("hash", hash -> hash)
                .one(row -> row.getInt("n"))
                .handle(Arrays.asList(new byte[] {2}, new byte[] {3}, new byte[] {1, -1}, null)))
        .containsExactly(2, null, 1, null);
    assertThat(
            JdbcBatches.<Digest>update(dataSource, "digest")
                .key("hash", Digest::hash)
                .set("n", Digest::n)
                .returning(row -> row.getInt("n"), "n")
                .handle(List.of(new Digest(new byte[] {3}, 3), new Digest(new byte[] {2}, 4))))
        .containsExactly(null, 4);
  }

  @Test
  void keysOfATypeWhoseNameNeedsQuotes() throws Exception {
    if (database.name().equals("PostgreSQL")) {
      database.execute(
          "CREATE TYPE \"Mood\" AS ENUM ('good', 'bad')",
          "CREATE TABLE day (n INT, mood \"Mood\")",
          "INSERT INTO day VALUES (1, 'bad'), (2, 'good')");
      assertThat(
              JdbcBatches.<String>select(dataSource, "day")
                  .key("mood", mood -> mood)
                  .one(row -> row.getInt("n"))
                  .handle(List.of("good", "bad")))
          .containsExactly(2, 1);
    }
  }

  @Test
  void updatesAreCountedWhereBatchesOfTheDriverAreNot() throws Exception {
    HikariConfig config = database.config(1);
    if (database.name().equals("MariaDB")) {
      config.setJdbcUrl(database.url() + "&useBulkStmts=true");
    }
    insert().count().handle(List.of(ANN, BOB));
    try (HikariDataSource bulk = new HikariDataSource(config)) {
      Handler<String, Integer> update =
          JdbcBatches.<String>update(bulk, "person")
              .key("email", email -> email)
              .set("age", email -> 1)
              .count();
      for (int i = 0; i < 2; i++) {
        assertThat(update.handle(List.of("nobody", "bob@x", "no one", "ann@x")))
            .containsExactly(0, 1, 0, 1);
      }
      Handler<String, Integer> delete =
          JdbcBatches.<String>delete(bulk, "person").key("email", email -> email).count();
      assertThat(delete.handle(List.of("nobody", "bob@x", "bob@x"))).containsExactly(0, 1, 0);
    }
  }

  @Test
  void tablesThatAreListed() throws Exception {
    database.execute(
        "DROP TABLE IF EXISTS team",
        "CREATE TABLE team (title VARCHAR(10))",
        "INSERT INTO team VALUES ('red')");
    insert().count().handle(List.of(ANN, BOB));
    assertThat(
            JdbcBatches.<Integer>select(dataSource, "person, team")
                .key("person.age", age -> age)
                .columns("name", "title")
                .one(row -> row.getString(1) + row.getString(2))
                .handle(List.of(40, 41, 30)))
        .containsExactly("Bobred", null, "Annred");
  }

  @Test
  void numbersThatTheColumnCannotHaveFindNothing() throws Exception {
    database.execute(
        "DROP TABLE IF EXISTS small",
        "CREATE TABLE small (n INT, s SMALLINT)",
        "INSERT INTO small VALUES (1, 2)");
    assertThat(
            JdbcBatches.<Number>select(dataSource, "small")
                .key("n", n -> n)
                .one(row -> row.getInt("n"))
                .handle(List.of(5_000_000_000L, 1, 1L)))
        .containsExactly(null, 1, 1);
    assertThat(
            JdbcBatches.<Number>select(dataSource, "small")
                .key("s", s -> s)
                .one(row -> row.getInt("s"))
                .handle(List.of(40_000, 2, (short) 2)))
        .containsExactly(null, 2, 2);
  }

  @Test
  void wholeNumbersOfAColumnOfTextAreUnitedInParts() throws Exception {
    List<Person> persons =
        IntStream.range(0, 600).mapToObj(i -> new Person("p" + i, "" + i, i)).toList();
    insert().count().handle(persons);
    Handler<Integer, String> byName =
        JdbcBatches.<Integer>select(dataSource, "person")
            .key("name", name -> name)
            .one(row -> row.getString("email"));
    assertThat(byName.handle(IntStream.range(0, 600).boxed().toList()))
        .containsExactlyElementsOf(persons.stream().map(Person::email).toList());
    assertThat(dataSource.statements)
        .allSatisfy(sql -> assertThat(sql.split("UNION ALL")).hasSizeLessThanOrEqualTo(250));
  }

  @Test
  void nothingIsTriedAgainForWhichNobodyWaits() throws Exception {
    dataSource.beforeStatement = database::kill;
    TimeLeft over = TimeLeft.of(TimeSource.system(), List.of(Duration.ZERO, Duration.ZERO));
    insert().count().handle(over.on(List.of(ANN, BOB)));
    assertThat(dataSource.connections).isEqualTo(1);
    TimeLeft some = TimeLeft.of(TimeSource.system(), Arrays.asList(Duration.ZERO, null));
    insert().count().handle(some.on(List.of(ANN, BOB)));
    assertThat(dataSource.connections).isEqualTo(5);
  }

  @Test
  void aConnectionLostDuringTheCommitIsNotTriedAgain() throws Exception {
    dataSource.beforeCommit = database::kill;
    Outcomes<Integer> counts = (Outcomes<Integer>) insert().count().handle(List.of(ANN, BOB));
    assertThat(counts.failures()).isEqualTo(2);
    assertThat(counts.failure(0)).hasMessageContaining("whether the batch was stored is unknown");
    assertThat(((SQLException) counts.failure(0)).getSQLState()).isEqualTo("08007");
    assertThat(dataSource.connections).isEqualTo(1);
  }

  /** As CockroachDB says it with 40003, and drivers that have found another server with 08007. */
  @ParameterizedTest
  @ValueSource(strings = {"40003", "08007"})
  void aCommitOfWhichTheDatabaseKnowsNothingIsNotTriedAgain(String state) throws Exception {
    dataSource.beforeCommit =
        connection -> {
          connection.commit();
          throw new SQLException("the result is ambiguous", state);
        };
    Outcomes<Integer> counts = (Outcomes<Integer>) insert().count().handle(List.of(ANN, BOB));
    assertThat(counts.failures()).isEqualTo(2);
    assertThat(((SQLException) counts.failure(1)).getSQLState()).isEqualTo("08007");
    assertThat(dataSource.connections).isEqualTo(1);
    assertThat(emails()).containsExactly("ann@x", "bob@x");
  }

  @Test
  void aSelectIsTriedAgain() throws Exception {
    insert().count().handle(List.of(ANN));
    AtomicInteger losses = new AtomicInteger(1);
    dataSource.beforeStatement =
        connection -> {
          if (losses.getAndDecrement() > 0) {
            database.kill(connection);
          }
        };
    assertThat(select().one(row -> row.getString("name")).handle(List.of("bob@x", "ann@x")))
        .containsExactly(null, "Ann");
  }

  /** As constraints that are deferred. */
  @Test
  void aRowRefusedAtTheCommitFailsOnlyItsCaller() throws Exception {
    dataSource.beforeCommit =
        connection -> {
          try (var statement = connection.createStatement();
              var rows = statement.executeQuery("SELECT 1 FROM person WHERE name = 'Bob'")) {
            if (rows.next()) {
              throw new SQLException("no Bob", "23000");
            }
          }
        };
    Outcomes<Integer> counts = (Outcomes<Integer>) insert().count().handle(List.of(ANN, BOB, CID));
    assertThat(counts.failure(1)).hasMessage("no Bob");
    assertThat(counts.failures()).isEqualTo(1);
    assertThat(emails()).containsExactly("ann@x", "cid@x");
  }

  @Test
  void connectionsGoBack() throws Exception {
    insert().count().handle(List.of(ANN, ANN, BOB));
    select().one(row -> "").handle(List.of("a"));
    assertThat(pool.getHikariPoolMXBean().getActiveConnections()).isZero();
  }

  @Test
  void connectionsWithoutAutoCommit() throws Exception {
    pool.close();
    HikariConfig config = database.config(2);
    config.setAutoCommit(false);
    try (HikariDataSource manual = new HikariDataSource(config)) {
      WriteBatch<Person> insert =
          JdbcBatches.<Person>insert(manual, "person")
              .set("email", Person::email)
              .set("name", Person::name);
      Outcomes<Integer> counts = (Outcomes<Integer>) insert.count().handle(List.of(ANN, ANN, BOB));
      assertThat(counts.failures()).isEqualTo(1);
      assertThat(emails()).containsExactly("ann@x", "bob@x");
      assertThat(
              JdbcBatches.<String>select(manual, "person")
                  .key("email", email -> email)
                  .one(row -> row.getString("name"))
                  .handle(List.of("bob@x")))
          .containsExactly("Bob");
    }
  }

  @Test
  void keysThatOnlyTheDatabaseTakesAsEqual() throws Exception {
    String text = database.name().equals("MariaDB") ? "VARCHAR(10)" : "VARCHAR_IGNORECASE(10)";
    if (database.name().equals("PostgreSQL")) {
      database.execute(
          "DROP TABLE IF EXISTS word",
          "DROP COLLATION IF EXISTS nocase",
          "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic ="
              + " false)");
      text = "VARCHAR(10) COLLATE nocase";
    }
    database.execute(
        "DROP TABLE IF EXISTS word", "CREATE TABLE word (word " + text + " PRIMARY KEY, n INT)");
    record Word(String word, int n) {}
    Handler<Word, Integer> upsert =
        JdbcBatches.<Word>upsert(dataSource, "word")
            .key("word", Word::word)
            .set("n", Word::n)
            .count();
    assertThat(upsert.handle(List.of(new Word("one", 1), new Word("ONE", 2), new Word("two", 3))))
        .containsExactly(1, 1, 1);
    assertThat(
            JdbcBatches.<String>select(dataSource, "word")
                .key("word", word -> word)
                .one(row -> row.getInt("n"))
                .handle(List.of("One", "TWO", "three", "one")))
        .containsExactly(2, 3, null, 2);
  }
}
