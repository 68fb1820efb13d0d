package io.headrace.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.headrace.Handler;
import io.headrace.Outcomes;
import io.headrace.TimeLeft;
import io.headrace.testkit.VirtualTime;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Batches that want the same rows, and rows that others have locked: in every database. */
class LocksTest extends PersonsTest {
  private static final int HOT = 200;

  LocksTest(Database database) {
    super(database);
  }

  @BeforeEach
  void persons() throws Exception {
    insert().count().handle(persons(HOT));
    dataSource.connections = 0;
    dataSource.statements.clear();
  }

  private static List<Person> persons(int count) {
    List<Person> persons = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      persons.add(person(i));
    }
    return persons;
  }

  @Test
  void upsertsOfTheSameRowsDoNotDeadlock() throws Exception {
    assertNoDeadlock(upsert().count());
  }

  @Test
  void updatesOfTheSameRowsDoNotDeadlock() throws Exception {
    assertNoDeadlock(update().count());
  }

  @Test
  void deletesOfTheSameRowsDoNotDeadlock() throws Exception {
    assertNoDeadlock(
        JdbcBatches.<Person>delete(dataSource, "person").key("email", Person::email).count());
  }

  /** A deadlock would be seen as another try, which has a connection of its own. */
  private void assertNoDeadlock(Handler<Person, Integer> handler) throws Exception {
    int batches = 50;
    try (ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Void>> done = new ArrayList<>();
      for (int worker = 0; worker < 2; worker++) {
        done.add(workers.submit(shuffled(handler, batches, new Random(worker))));
      }
      for (Future<Void> worker : done) {
        worker.get();
      }
    }
    assertThat(dataSource.connections).isEqualTo(2 * batches);
  }

  private static Callable<Void> shuffled(
      Handler<Person, Integer> handler, int batches, Random random) {
    return () -> {
      List<Person> persons = persons(HOT);
      for (int i = 0; i < batches; i++) {
        Collections.shuffle(persons, random);
        handler.handle(persons);
      }
      return null;
    };
  }

  /** For as long as the shortest wait for a lock is that all databases can be told. */
  private HikariDataSource impatient() {
    HikariConfig config = database.config(1);
    config.setConnectionInitSql(
        switch (database.name()) {
          case "PostgreSQL" -> "SET lock_timeout = '1s'";
          case "MariaDB" -> "SET innodb_lock_wait_timeout = 1";
          default -> "SET LOCK_TIMEOUT 1000";
        });
    return new HikariDataSource(config);
  }

  private static Connection locked(HikariDataSource by, String email) throws SQLException {
    Connection connection = by.getConnection();
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.executeUpdate("UPDATE person SET age = 7 WHERE email = '" + email + "'");
    }
    return connection;
  }

  private static WriteBatch<Person> rename(DataSource dataSource) {
    return JdbcBatches.<Person>update(dataSource, "person")
        .key("email", Person::email)
        .set("name", person -> "new");
  }

  @Test
  void aLockedRowIsWaitedForTwiceAndFailsOnlyItsCaller() throws Exception {
    try (HikariDataSource impatient = impatient();
        Connection other = locked(pool, "p5@x")) {
      WatchedDataSource watched = new WatchedDataSource(impatient, false);
      Outcomes<Integer> counts = (Outcomes<Integer>) rename(watched).count().handle(persons(32));
      assertThat(counts.failures()).isEqualTo(1);
      assertThat(counts.failure(5)).isInstanceOf(SQLException.class);
      assertThat(watched.statements).as("of all, and then of each").hasSize(1 + 32);
      other.rollback();
    }
    assertThat(database.query("SELECT email FROM person WHERE name = 'new'")).hasSize(31);
  }

  @Test
  void theSearchEndsWhenNobodyWaits() throws Exception {
    VirtualTime time = new VirtualTime();
    List<Person> persons = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      persons.add(new Person("new" + i + "@x", "New", i));
    }
    persons.add(person(1)); // is there
    AtomicInteger parts = new AtomicInteger();
    dataSource.beforeSavepoint =
        connection -> {
          parts.incrementAndGet();
          time.advance(Duration.ofSeconds(1));
        };
    TimeLeft left = TimeLeft.of(time, Collections.nCopies(9, Duration.ofSeconds(3)));
    Outcomes<Integer> counts = (Outcomes<Integer>) insert().count().handle(left.on(persons));
    assertThat(counts.failures()).isEqualTo(9);
    assertThat(counts.failure(0))
        .isInstanceOf(SQLTimeoutException.class)
        .hasMessageContaining("nothing was stored");
    assertThat(parts).hasValue(3);
    assertThat(emails()).hasSize(HOT);
  }
}
