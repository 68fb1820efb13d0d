package io.headrace.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.headrace.Handler;
import io.headrace.Outcomes;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad rows and statements: in every database. */
class FailuresTest extends PersonsTest {
  FailuresTest(Database database) {
    super(database);
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

  @ParameterizedTest
  @ValueSource(strings = {"nowhere", "\"PeRsOn\"", "person person person"})
  void aStatementThatNoRowCanMendIsNotSearched(String table) throws Exception {
    assertNotSearched(dataSource, table, "email");
  }

  @Test
  void aColumnThatIsNotThereIsNotSearchedFor() throws Exception {
    assertNotSearched(dataSource, "person", "nothing");
  }

  @Test
  void aTableOfAnEmptyDatabaseIsNotSearchedFor() throws Exception {
    JdbcDataSource empty = new JdbcDataSource();
    empty.setUrl("jdbc:h2:mem:");
    assertNotSearched(new WatchedDataSource(empty, false), "person", "email");
  }

  private static void assertNotSearched(WatchedDataSource watched, String table, String column)
      throws Exception {
    Handler<Person, Integer> insert =
        JdbcBatches.<Person>insert(watched, table).set(column, Person::email).count();
    Outcomes<Integer> counts = (Outcomes<Integer>) insert.handle(List.of(ANN, BOB, CID));
    assertThat(counts.failures()).isEqualTo(3);
    assertThat(counts.failure(2)).isInstanceOf(SQLException.class);
    assertThat(watched.statements).as("%s", counts.failure(2)).hasSize(1);
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

  /** PostgreSQL keeps a lock for each, and has no more after some thousands. */
  @Test
  void theSearchForBadRowsKeepsNoSavepoints() throws Exception {
    List<Person> persons =
        IntStream.range(0, 40).mapToObj(i -> i % 2 == 0 ? person(i) : person(-i)).toList();
    Outcomes<Integer> counts = (Outcomes<Integer>) insert().count().handle(persons);
    assertThat(counts.failures()).isEqualTo(20);
    assertThat(emails()).hasSize(20);
    assertThat(dataSource.mostSavepoints).isEqualTo(1);
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

  private static boolean hasBob(Connection connection) throws SQLException {
    try (var statement = connection.createStatement();
        var rows = statement.executeQuery("SELECT 1 FROM person WHERE name = 'Bob'")) {
      return rows.next();
    }
  }

  /** As constraints that are deferred. */
  private static void refuseBob(Connection connection) throws SQLException {
    if (hasBob(connection)) {
      throw new SQLException("no Bob", "23000");
    }
  }

  @Test
  void allOrNothingOfWhatIsRefusedAtTheCommitIsNothing() throws Exception {
    dataSource.beforeCommit = FailuresTest::refuseBob;
    Outcomes<Integer> counts =
        (Outcomes<Integer>) insert().allOrNothing().count().handle(List.of(ANN, BOB, CID));
    assertThat(counts.failures()).isEqualTo(3);
    assertThat(counts.failure(0)).hasMessage("no Bob");
    assertThat(emails()).isEmpty();
  }

  /** It must not be taken for stored. */
  @ParameterizedTest
  @ValueSource(strings = {"40001", "08007"})
  void aRowThatIsLostWhileEachIsCommittedAloneFailsItsCaller(String state) throws Exception {
    AtomicInteger commits = new AtomicInteger();
    dataSource.beforeCommit =
        connection -> {
          if (commits.getAndIncrement() == 0) {
            throw new SQLException("refused", "23000");
          }
          if (hasBob(connection)) {
            throw new SQLException("lost", state);
          }
        };
    Outcomes<Integer> counts = (Outcomes<Integer>) insert().count().handle(List.of(ANN, BOB));
    assertThat(counts.failures()).isEqualTo(1);
    assertThat(counts.failure(1)).hasMessageEndingWith("lost");
  }

  @Test
  void aRowRefusedAtTheCommitFailsOnlyItsCaller() throws Exception {
    dataSource.beforeCommit = FailuresTest::refuseBob;
    Outcomes<Integer> counts = (Outcomes<Integer>) insert().count().handle(List.of(ANN, BOB, CID));
    assertThat(counts.failure(1)).hasMessage("no Bob");
    assertThat(counts.failures()).isEqualTo(1);
    assertThat(emails()).containsExactly("ann@x", "cid@x");
  }
}
