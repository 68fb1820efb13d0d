package io.headrace.jdbc;

import io.headrace.Handler;
import io.headrace.TimeLeft;
import java.lang.System.Logger.Level;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Executes an operation for the rows of a batch, and does so again while that is safe. */
final class JdbcHandler<I, O extends @Nullable Object> implements Handler<I, O> {
  private static final System.Logger LOGGER = System.getLogger(JdbcHandler.class.getName());

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

  /**
   * A row may be what the database closes the connection for, as MariaDB does if it is too large.
   * So a batch that lost its connection is executed in halves and at last row by row, and then a
   * row that has lost it alone fails alone, and the others are tried once more. That is for as many
   * rows as there are retries: when all lose it, it is for another reason.
   */
  private Answers tried(List<Row> all, Answers known, TimeLeft timeLeft) {
    List<Row> rows = all;
    int atOnce = rows.size();
    int retriesLeft = terms.retries();
    int blamesLeft = terms.allOrNothing() ? 0 : terms.retries();
    BooleanSupplier isWaitedFor = () -> !Duration.ZERO.equals(timeLeft.longest());
    while (true) {
      Answers answers = known.copy();
      try {
        execute(rows, atOnce, answers, isWaitedFor);
        return answers;
      } catch (RetryException e) {
        List<Row> lost = e.lost();
        boolean mayTryAgain = isWaitedFor.getAsBoolean();
        if (mayTryAgain && retriesLeft > 0) {
          retriesLeft--;
          if (!lost.isEmpty()) {
            atOnce = retriesLeft == 0 ? 1 : Math.ceilDiv(lost.size(), 2);
          }
        } else if (mayTryAgain && lost.size() == 1 && rows.size() > 1 && blamesLeft-- > 0) {
          known.fail(lost, e.error());
          rows = rows.stream().filter(row -> !lost.contains(row)).toList();
        } else {
          known.fail(rows, e.error());
          return known;
        }
        int size = rows.size();
        LOGGER.log(Level.INFO, () -> "tries a batch of " + size + " again: " + e.getMessage());
      } catch (SQLException e) {
        known.fail(rows, e);
        return known;
      }
    }
  }

  private void execute(List<Row> rows, int atOnce, Answers answers, BooleanSupplier isWaitedFor)
      throws RetryException, SQLException {
    Connection connection = connect();
    try {
      new Attempt(connection, operation, terms, atOnce, answers, isWaitedFor).execute(rows);
    } finally {
      close(connection);
    }
  }

  /** A pool that has no connection has waited for one already, for its own timeout. */
  private Connection connect() throws RetryException, SQLException {
    try {
      return dataSource.getConnection();
    } catch (SQLException e) {
      if (SqlErrors.refusedLogin(e)) {
        throw e;
      }
      SQLException error = SqlErrors.noConnection(e);
      if (e instanceof SQLTransientConnectionException) {
        throw error;
      }
      throw new RetryException(error);
    }
  }

  /** The answers are known by now, whatever becomes of the connection. */
  private static void close(Connection connection) {
    try {
      connection.close();
    } catch (SQLException e) {
      LOGGER.log(Level.DEBUG, "a connection could not be closed", e);
    }
  }
}
