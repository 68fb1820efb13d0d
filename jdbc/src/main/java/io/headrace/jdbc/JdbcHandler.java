package io.headrace.jdbc;

import io.headrace.Handler;
import io.headrace.TimeLeft;
import java.lang.System.Logger.Level;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Executes an operation for the rows of a batch, and does so again while that is safe. */
final class JdbcHandler<I, O extends @Nullable Object> implements Handler<I, O> {
  private static final System.Logger LOG = System.getLogger(JdbcHandler.class.getName());

  private final DataSource dataSource;
  private final Columns<I> columns;
  private final Operation operation;
  private final Terms terms;

  JdbcHandler(DataSource dataSource, Columns<I> columns, Operation operation, Terms terms) {
    this.dataSource = dataSource;
    this.columns = columns;
    this.operation = operation;
    this.terms = terms;
  }

  @Override
  public List<O> handle(List<I> items) throws Exception {
    Answers known = new Answers(items.size());
    List<Row> rows =
        terms.transaction() ? columns.rows(items, known) : columns.distinctRows(items, known);
    Throwable failure = known.firstFailure();
    if (failure instanceof Exception exception && terms.allOrNothing()) {
      throw exception;
    }
    return rows.isEmpty() ? known.outcomes() : tried(rows, known, TimeLeft.of(items)).outcomes();
  }

  private Answers tried(List<Row> rows, Answers known, TimeLeft timeLeft) {
    for (int retriesLeft = terms.retries(); ; retriesLeft--) {
      Answers answers = known.copy();
      try {
        execute(rows, answers);
        return answers;
      } catch (RetryException e) {
        if (retriesLeft == 0 || Duration.ZERO.equals(timeLeft.longest())) {
          known.fail(rows, e.error());
          return known;
        }
        LOG.log(Level.INFO, () -> "tries a batch of " + rows.size() + " again: " + e.getMessage());
      } catch (SQLException e) {
        known.fail(rows, e);
        return known;
      }
    }
  }

  private void execute(List<Row> rows, Answers answers) throws RetryException, SQLException {
    Connection connection = connect();
    try {
      new Attempt(connection, operation, terms, answers).execute(rows);
    } finally {
      close(connection);
    }
  }

  private Connection connect() throws RetryException, SQLException {
    try {
      return dataSource.getConnection();
    } catch (SQLException e) {
      if (SqlErrors.refusedLogin(e)) {
        throw e;
      }
      throw new RetryException(SqlErrors.noConnection(e));
    }
  }

  /** The answers are known by now, whatever becomes of the connection. */
  private static void close(Connection connection) {
    try {
      connection.close();
    } catch (SQLException e) {
      LOG.log(Level.DEBUG, "a connection could not be closed", e);
    }
  }
}
