package io.headrace.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Handler;
import io.headrace.Workers;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcConnectionPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The examples of docs/guide/databases.md. */
class DatabasesGuideTest {
  private final JdbcConnectionPool dataSource =
      JdbcConnectionPool.create("jdbc:h2:mem:guide;DB_CLOSE_DELAY=-1", "sa", "");

  @BeforeEach
  void tables() throws SQLException {
    try (var connection = dataSource.getConnection();
        var statement = connection.createStatement()) {
      statement.execute("DROP TABLE IF EXISTS person");
      statement.execute("DROP TABLE IF EXISTS stock");
      statement.execute(
          "CREATE TABLE person (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
              + " email VARCHAR(50) UNIQUE NOT NULL, name VARCHAR(50), team INT)");
      statement.execute(
          "CREATE TABLE stock (shop INT, item VARCHAR(9), n INT, PRIMARY KEY (shop, item))");
    }
  }

  @AfterEach
  void close() {
    dataSource.dispose();
  }

  // @start region="jdbcBatches"
  record Person(long id, String email, String name) {}

  record NewPerson(String email, String name) {}

  static final class Persons implements AutoCloseable {
    private final Batcher<Long, Person> byId;
    private final Batcher<NewPerson, Long> inserts;

    Persons(DataSource dataSource) {
      byId =
          batcher(
              JdbcBatches.<Long>select(dataSource, "person")
                  .key("id", id -> id)
                  .columns("id", "email", "name")
                  .one(row -> new Person(row.getLong(1), row.getString(2), row.getString(3))));
      inserts =
          batcher(
              JdbcBatches.<NewPerson>insert(dataSource, "person")
                  .set("email", NewPerson::email)
                  .set("name", NewPerson::name)
                  .returning(row -> row.getLong("id"), "id"));
    }

    private static <I, O> Batcher<I, O> batcher(Handler<I, O> handler) {
      return Batcher.<I, O>builder(handler)
          .batch(BatchPolicy.greedy(200))
          .workers(Workers.virtualThreads(2)) // two connections
          .build();
    }

    /** Null if there is none. */
    Person find(long id) throws InterruptedException {
      return byId.call(id);
    }

    /** The id that the database gave it. */
    long add(NewPerson person) throws InterruptedException {
      return inserts.call(person);
    }

    @Override
    public void close() {
      byId.close();
      inserts.close();
    }
  }

  // @end

  @Test
  void persons() throws Exception {
    try (Persons persons = new Persons(dataSource)) {
      long id = persons.add(new NewPerson("ann@x", "Ann"));
      assertThat(persons.find(id)).isEqualTo(new Person(id, "ann@x", "Ann"));
      assertThat(persons.find(id + 1)).isNull();
    }
  }

  @Test
  void upsert() throws Exception {
    // @start region="jdbcUpsert"
    record Stock(int shop, String item, int count) {}

    Handler<Stock, Integer> upsert =
        JdbcBatches.<Stock>upsert(dataSource, "stock")
            .key("shop", Stock::shop)
            .key("item", Stock::item)
            .set("n", Stock::count)
            .count();
    Handler<Stock, Integer> update =
        JdbcBatches.<Stock>update(dataSource, "stock")
            .key("shop", Stock::shop)
            .key("item", Stock::item)
            .set("n", Stock::count)
            .returning(row -> row.getInt("n"), "n"); // null: there is no such row
    Handler<Integer, Integer> closeShop =
        JdbcBatches.<Integer>delete(dataSource, "stock").key("shop", shop -> shop).count();
    // @end
    List<Stock> stocks = List.of(new Stock(1, "tea", 5), new Stock(1, "milk", 7));
    assertThat(upsert.handle(stocks)).containsExactly(1, 1);
    assertThat(update.handle(List.of(new Stock(1, "tea", 4), new Stock(2, "tea", 4))))
        .containsExactly(4, null);
    assertThat(closeShop.handle(List.of(1, 2))).containsExactly(2, 0);
  }

  @Test
  void list() throws Exception {
    // @start region="jdbcList"
    Handler<Integer, List<String>> namesOfTeam =
        JdbcBatches.<Integer>select(dataSource, "person")
            .key("team", team -> team)
            .columns("name")
            .list(row -> row.getString("name"));
    // @end
    assertThat(namesOfTeam.handle(List.of(1))).containsExactly(List.of());
  }

  @Test
  void badRow() throws Exception {
    Handler<NewPerson, Integer> insert =
        JdbcBatches.<NewPerson>insert(dataSource, "person")
            .set("email", NewPerson::email)
            .set("name", NewPerson::name)
            .count();
    Batcher<NewPerson, Integer> inserts = Batcher.builder(insert).build();
    // @start region="jdbcBadRow"
    List<CompletableFuture<Integer>> answers =
        inserts.submitAll(
            List.of(
                new NewPerson("ann@x", "Ann"),
                new NewPerson("ann@x", "Anna"), // the email is unique
                new NewPerson("bob@x", "Bob")));
    inserts.close();

    assertThat(answers.get(0).join()).isEqualTo(1);
    assertThat(answers.get(1))
        .failsWithin(Duration.ZERO)
        .withThrowableOfType(ExecutionException.class)
        .withCauseInstanceOf(SQLException.class); // of the database, with its SQL state
    assertThat(answers.get(2).join()).isEqualTo(1);
    // @end
  }
}
