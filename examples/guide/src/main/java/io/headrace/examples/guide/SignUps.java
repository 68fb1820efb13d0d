package io.headrace.examples.guide;

import static java.util.Objects.requireNonNull;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Handler;
import io.headrace.Workers;
import io.headrace.jdbc.JdbcBatches;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcConnectionPool;
import org.jspecify.annotations.Nullable;

/**
 * People sign up, each by a call of its own, and the database gets a few statements of many rows.
 * An address that is taken fails its own caller alone.
 */
final class SignUps {
  record SignUp(String email, String name) {}

  private SignUps() {}

  public static void main(String[] args) throws SQLException {
    run(System.out);
  }

  static void run(PrintStream out) throws SQLException {
    JdbcConnectionPool dataSource = JdbcConnectionPool.create("jdbc:h2:mem:users", "sa", "");
    try (Connection keepsItAlive = dataSource.getConnection();
        Statement statement = keepsItAlive.createStatement()) {
      statement.execute(
          "CREATE TABLE users (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
              + " email VARCHAR(100) NOT NULL UNIQUE, name VARCHAR(100))");
      signUp(dataSource, out);
    } finally {
      dataSource.dispose();
    }
  }

  private static void signUp(DataSource dataSource, PrintStream out) {
    Handler<SignUp, @Nullable Long> insert =
        JdbcBatches.<SignUp>insert(dataSource, "users")
            .set("email", SignUp::email)
            .set("name", SignUp::name)
            .returning(row -> row.getLong("id"), "id");
    Handler<Long, @Nullable String> nameOf =
        JdbcBatches.<Long>select(dataSource, "users")
            .key("id", id -> id)
            .one(row -> row.getString("name"));
    try (Batcher<SignUp, @Nullable Long> signUps = batcher(insert);
        Batcher<Long, @Nullable String> names = batcher(nameOf)) {
      List<CompletableFuture<String>> welcomes =
          signUps
              .submitAll(
                  List.of(
                      new SignUp("ann@example.org", "Ann"),
                      new SignUp("bob@example.org", "Bob"),
                      new SignUp("ann@example.org", "Anna"),
                      new SignUp("cid@example.org", "Cid")))
              .stream()
              .map(
                  id ->
                      id.thenCompose(key -> names.submit(requireNonNull(key)))
                          .thenApply(name -> "welcome, " + name))
              .toList();
      welcomes.forEach(welcome -> out.println(said(welcome)));
    }
  }

  private static String said(CompletableFuture<String> welcome) {
    try {
      return welcome.join();
    } catch (CompletionException e) {
      return e.getCause() instanceof SQLException sql
          ? "sorry: SQL state " + sql.getSQLState()
          : "sorry: " + e.getCause();
    }
  }

  private static <I, O extends @Nullable Object> Batcher<I, O> batcher(Handler<I, O> handler) {
    return Batcher.<I, O>builder(handler)
        .batch(BatchPolicy.greedy(200))
        .workers(Workers.virtualThreads(2))
        .build();
  }
}
