package io.headrace.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.headrace.Handler;
import io.headrace.Outcomes;
import io.headrace.TimeLeft;
import io.headrace.TimeSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections that are had, lost and given back: in every database. */
class ConnectionsTest extends PersonsTest {
  ConnectionsTest(Database database) {
    super(database);
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
          JdbcBatches.<Person>insert(watched, "person").set("email", Person::email).count();
      Connection taken = small.getConnection();
      Outcomes<Integer> counts = (Outcomes<Integer>) insert.handle(List.of(ANN, BOB));
      assertThat(counts.failure(1))
          .isInstanceOf(SQLTransientConnectionException.class)
          .hasMessageContaining("nothing was executed")
          .hasMessageContaining("as many as there are workers");
      assertThat(watched.connections).as("the pool has waited").isEqualTo(1);
      taken.close();
      assertThat(insert.handle(List.of(ANN, BOB))).containsExactly(1, 1);
    }
  }

  @Test
  void aConnectionThatCannotBeHadIsAskedForAgain() throws Exception {
    AtomicInteger refusals = new AtomicInteger(2);
    dataSource.beforeConnection =
        () -> {
          if (refusals.getAndDecrement() > 0) {
            throw new SQLException("refused", "08001");
          }
        };
    assertThat(insert().count().handle(List.of(ANN, BOB))).containsExactly(1, 1);
    assertThat(dataSource.connections).isEqualTo(3);
    refusals.set(3);
    Outcomes<Integer> counts = (Outcomes<Integer>) insert().count().handle(List.of(CID));
    assertThat(counts.failure(0)).isInstanceOf(SQLTransientConnectionException.class);
  }

  @Test
  void aRefusedLoginIsNotTriedAgain() throws Exception {
    dataSource.beforeConnection =
        () -> {
          throw new SQLException("wrong password", "28000");
        };
    Outcomes<Integer> counts = (Outcomes<Integer>) insert().count().handle(List.of(ANN, BOB));
    assertThat(counts.failure(1)).hasMessage("wrong password");
    assertThat(dataSource.connections).isEqualTo(1);
  }

  @Test
  void aDeadlockThatAStatementMeetsIsTriedAgainWithAll() throws Exception {
    AtomicInteger deadlocks = new AtomicInteger(1);
    dataSource.beforeStatement =
        connection -> {
          if (deadlocks.getAndDecrement() > 0) {
            throw new SQLException("deadlock", "40001");
          }
        };
    assertThat(insert().count().handle(List.of(ANN, BOB))).containsExactly(1, 1);
    assertThat(dataSource.connections).isEqualTo(2);
    assertThat(emails()).containsExactly("ann@x", "bob@x");
  }

  /** Not every pool sets it back. */
  @Test
  void connectionsGoBackWithTheirAutoCommit() throws Exception {
    List<Boolean> autoCommits = new ArrayList<>();
    dataSource.beforeClose = connection -> autoCommits.add(connection.getAutoCommit());
    insert().count().handle(List.of(ANN, BOB));
    insert().count().handle(List.of(ANN));
    assertThat(autoCommits).containsExactly(true, true);
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
    counts = (Outcomes<Integer>) insert().retries(0).count().handle(List.of(ANN));
    assertThat(counts.failure(0)).isInstanceOf(SQLNonTransientConnectionException.class);
    assertThat(dataSource.connections).as("a writer without retries").isEqualTo(6);
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
}
