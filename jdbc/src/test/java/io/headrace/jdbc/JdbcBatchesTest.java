package io.headrace.jdbc;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Handler;
import io.headrace.Outcomes;
import io.headrace.Workers;
import java.math.BigDecimal;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What each operation does, and what is equal: in every database. */
class JdbcBatchesTest extends PersonsTest {
  JdbcBatchesTest(Database database) {
    super(database);
  }

  @Test
  void generatedKeysReachTheirCallers() throws Exception {
    List<Person> persons = IntStream.range(0, 1500).mapToObj(PersonsTest::person).toList();
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

  /** One for the first of each key, one for the second. */
  @Test
  void equalKeysCostFewStatements() throws Exception {
    List<Person> persons = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      persons.add(new Person("p" + i / 2 + "@x", "P" + i, i));
    }
    Handler<Person, String> upsert = upsert().returning(row -> row.getString("name"), "name", "id");
    if (!database.name().equals(Database.PORTABLE)) { // which has no statements of many rows
      assertThat(upsert.handle(persons))
          .containsExactlyElementsOf(persons.stream().map(Person::name).toList());
      assertThat(dataSource.statements).hasSize(2);
    }
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
    assertThat(
            JdbcBatches.<Digest>upsert(dataSource, "digest")
                .key("hash", Digest::hash)
                .set("n", Digest::n)
                .allOrNothing()
                .count()
                .handle(List.of(new Digest(new byte[] {7}, 5), new Digest(new byte[] {7}, 6))))
        .containsExactly(1, 1);
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
          JdbcBatches.<String>delete(bulk, "person")
              .key("email", email -> email)
              .allOrNothing()
              .count();
      assertThat(delete.handle(List.of("nobody", "bob@x", "bob@x"))).containsExactly(0, 1, 0);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void generatedKeysWhereTheDriverReturnsOneOfABatchOnly(boolean allOrNothing) throws Exception {
    dataSource.returnsLastKeyOnly = database.name().equals(Database.PORTABLE);
    WriteBatch<Person> insert = allOrNothing ? insert().allOrNothing() : insert();
    Handler<Person, String> emails = insert.returning(row -> row.getString("email"), "id", "email");
    assertThat(emails.handle(List.of(ANN, BOB, CID))).containsExactly("ann@x", "bob@x", "cid@x");
    int before = dataSource.statements.size();
    assertThat(emails.handle(List.of(person(1), person(2)))).containsExactly("p1@x", "p2@x");
    assertThat(dataSource.statements.size() - before)
        .isEqualTo(dataSource.returnsLastKeyOnly ? 2 : 1);
    assertThat(emails()).hasSize(5);
  }

  /** Between the update, which finds none, and the insert. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anUpsertOfARowThatAnotherInsertsMeanwhile(boolean allOrNothing) throws Exception {
    AtomicInteger statements = new AtomicInteger();
    dataSource.beforeStatement =
        connection -> {
          if (dataSource.statements.getLast().startsWith("INSERT")
              && statements.getAndIncrement() == 0) {
            database.execute("INSERT INTO person (email, name) VALUES ('bob@x', 'Other')");
          }
        };
    WriteBatch<Person> upsert = allOrNothing ? upsert().allOrNothing() : upsert();
    assertThat(upsert.count().handle(List.of(BOB))).containsExactly(1);
    assertThat(nameOf(BOB)).isEqualTo("Bob");
    assertThat(upsert().count().handle(List.of(ANN, BOB))).containsExactly(1, 1);
    assertThat(emails()).hasSize(2);
  }

  @Test
  void aReturnedColumnWithACommaInItsName() throws Exception {
    if (database.name().equals("H2") || database.name().equals(Database.PORTABLE)) {
      database.execute(
          "DROP TABLE IF EXISTS comma", "CREATE TABLE comma (id INT, \"a, b\" INT DEFAULT 7)");
      assertThat(
              JdbcBatches.<Integer>insert(dataSource, "comma")
                  .set("id", id -> id)
                  .returning(row -> row.getInt("a, b"), "a, b")
                  .handle(List.of(1, 2)))
          .containsExactly(7, 7);
    }
  }

  /** As in a comparison with one parameter. */
  @Test
  void fractionsAndLargeNumbersAsKeys() throws Exception {
    database.execute(
        "DROP TABLE IF EXISTS small",
        "CREATE TABLE small (n INT, b BIGINT, r REAL)",
        "INSERT INTO small VALUES (1, 1, 1.5)");
    List<Number> ones = List.of(new BigDecimal("1.00"), new BigDecimal("1.5"), 1.0, 1.5, 1f, 1L);
    for (String column : List.of("n", "b")) {
      for (Number one : ones) {
        assertThat(smallBy(column).handle(List.of(one)))
            .as("%s = %s of %s", column, one, one.getClass())
            .containsExactly(one.doubleValue() == 1 ? 1 : null);
      }
      assertThat(smallBy(column).handle(List.of(new BigDecimal("1.5"), 1, 1L, 1.0)))
          .containsExactly(null, 1, 1, 1);
    }
    for (Number half : List.of(1.5, 1.5f, new BigDecimal("1.50"))) {
      assertThat(smallBy("r").handle(List.of(half))).containsExactly(1);
    }
  }

  private Handler<Number, Integer> smallBy(String column) {
    return JdbcBatches.<Number>select(dataSource, "small")
        .key(column, n -> n)
        .one(row -> row.getInt("n"));
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

  /** Text in either case, and with accents or blanks at the end where the database ignores them. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void textThatTheDatabaseTakesAsEqual(boolean allOrNothing) throws Exception {
    boolean isH2 = database.url().contains("h2");
    database.execute(
        "DROP TABLE IF EXISTS word", "CREATE TABLE word (word " + words() + " PRIMARY KEY, n INT)");
    record Word(String word, int n) {}
    WriteBatch<Word> upsert =
        JdbcBatches.<Word>upsert(dataSource, "word").key("word", Word::word).set("n", Word::n);
    Handler<Word, Integer> counts = allOrNothing ? upsert.allOrNothing().count() : upsert.count();
    String accent = isH2 ? "OnE" : "Öne";
    assertThat(
            counts.handle(
                List.of(
                    new Word(accent, 0),
                    new Word("one", 1),
                    new Word("ONE", 2),
                    new Word("two", 3))))
        .containsExactly(1, 1, 1, 1);
    assertThat(
            JdbcBatches.<String>select(dataSource, "word")
                .key("word", word -> word)
                .one(row -> row.getInt("n"))
                .handle(List.of("One", "TWO", "three", accent)))
        .containsExactly(2, 3, null, 2);
  }

  private String words() throws SQLException {
    return switch (database.name()) {
      case "PostgreSQL" -> {
        database.execute(
            "DROP TABLE IF EXISTS word",
            "DROP COLLATION IF EXISTS letters",
            "CREATE COLLATION letters (provider = icu, locale = 'und-u-ks-level1', deterministic ="
                + " false)");
        yield "VARCHAR(10) COLLATE letters";
      }
      case "MariaDB" -> "VARCHAR(10) COLLATE utf8mb4_general_ci";
      default -> "VARCHAR_IGNORECASE(10)";
    };
  }

  /** The column rounds, so that both are of one row. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void keysThatOnlyTheDatabaseTakesAsEqual(boolean allOrNothing) throws Exception {
    if (!database.name().equals("PostgreSQL")) {
      return; // the only one that refuses a statement for it
    }
    database.execute(
        "DROP TABLE IF EXISTS rounded", "CREATE TABLE rounded (k DECIMAL(9) PRIMARY KEY, n INT)");
    WriteBatch<String> upsert =
        JdbcBatches.<String>upsert(dataSource, "rounded")
            .key("k", BigDecimal::new)
            .set("n", String::length);
    Handler<String, Integer> counts = allOrNothing ? upsert.allOrNothing().count() : upsert.count();
    assertThat(counts.handle(List.of("1.1", "1.25", "7"))).containsExactly(1, 1, 1);
    assertThat(database.query("SELECT n FROM rounded ORDER BY k")).containsExactly(4, 1);
  }

  @Test
  void keysThatAreWrittenInSeveralWays() throws Exception {
    database.execute(
        "DROP TABLE IF EXISTS price",
        "CREATE TABLE price (price DECIMAL(9, 2) PRIMARY KEY, n INT)");
    Handler<String, Integer> upsert =
        JdbcBatches.<String>upsert(dataSource, "price")
            .key("price", BigDecimal::new)
            .set("n", String::length)
            .allOrNothing()
            .count();
    assertThat(upsert.handle(List.of("1.0", "1", "1.00"))).containsExactly(1, 1, 1);
    assertThat(database.query("SELECT n FROM price")).containsExactly(4);
    assertThat(dataSource.connections).isEqualTo(1);
  }
}
