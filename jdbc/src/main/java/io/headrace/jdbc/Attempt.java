package io.headrace.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One try to execute a batch, on one connection.
 *
 * <p>First all rows at once, or as many as a try before has left, without a savepoint, which would
 * cost a round trip each time. If that fails it is undone, and the halves are executed between
 * savepoints, and the halves of those that fail, down to the bad rows; then what is left is
 * committed. Without a transaction (selects) there is nothing to undo.
 *
 * <p>What an operation says may succeed at once is executed once more before that.
 *
 * <p>After a wait for a lock that lasted too long each row is executed alone, because every part
 * with the locked row would wait as long again. So it is if a batch that is stored as a whole
 * writes a row twice in one statement, which PostgreSQL does not take. When nobody waits for the
 * batch anymore the search ends, and nothing is stored.
 */
final class Attempt {
  private static final int VALID_SECONDS = 5;

  private final Connection connection;
  private final Operation operation;
  private final Terms terms;
  private int atOnce;
  private final Answers answers;
  private final BooleanSupplier isWaitedFor;

  private boolean inTransaction;

  private boolean isOnceMore;

  /** What is executed, or was at last. */
  private List<Row> executed = List.of();

  Attempt(
      Connection connection,
      Operation operation,
      Terms terms,
      int atOnce,
      Answers answers,
      BooleanSupplier isWaitedFor) {
    this.connection = connection;
    this.operation = operation;
    this.terms = terms;
    this.atOnce = atOnce;
    this.answers = answers;
    this.isWaitedFor = isWaitedFor;
  }

  void execute(List<Row> rows) throws RetryException, SQLException {
    boolean autoCommit = begin();
    try {
      all(rows);
    } catch (Throwable e) {
      rollback(null); // whatever it was: the end of the transaction would store it
      throw e;
    } finally {
      end(autoCommit);
    }
  }

  private boolean begin() throws RetryException {
    try {
      boolean autoCommit = connection.getAutoCommit();
      if (autoCommit && terms.transaction()) {
        connection.setAutoCommit(false);
      }
      inTransaction = terms.transaction() || !autoCommit;
      return autoCommit;
    } catch (SQLException e) {
      throw new RetryException(SqlErrors.lost(e));
    }
  }

  /** A pool resets what it gets back, but a plain data source may be shared with others. */
  private void end(boolean autoCommit) {
    try {
      if (autoCommit && terms.transaction() && !connection.isClosed()) {
        connection.setAutoCommit(true);
      }
    } catch (SQLException e) {
      // The connection is lost, which is said by whatever was executed on it, or by the next.
    }
  }

  private void all(List<Row> rows) throws RetryException, SQLException {
    try {
      inParts(rows);
    } catch (SQLException | RuntimeException e) {
      Exception error = SqlErrors.own(e);
      undo(null, error);
      if (e instanceof OnceMoreException && !isOnceMore) {
        isOnceMore = true;
        all(rows);
        return;
      }
      if (terms.allOrNothing() && SqlErrors.wroteTwice(error) && atOnce > 1) {
        atOnce = 1;
        all(rows);
        return;
      }
      if (isToBlameOnAll(rows, error)) {
        answers.fail(rows, error);
        return;
      }
      search(rows, error);
    }
    commit(rows);
  }

  private void inParts(List<Row> rows) throws SQLException {
    for (int from = 0; from < rows.size(); from += atOnce) {
      executed = rows.subList(from, Math.min(rows.size(), from + atOnce));
      answers.set(executed, operation.execute(connection, executed));
    }
  }

  private boolean isToBlameOnAll(List<Row> rows, Exception error)
      throws RetryException, SQLException {
    return rows.size() == 1
        || terms.allOrNothing()
        || SqlErrors.ofTheStatement(error)
        || !ask(() -> connection.getMetaData().supportsSavepoints());
  }

  private void search(List<Row> rows, Exception found) throws RetryException, SQLException {
    int size = SqlErrors.lockTimedOut(found) ? 1 : Math.ceilDiv(rows.size(), 2);
    for (int from = 0; from < rows.size(); from += size) {
      if (!isWaitedFor.getAsBoolean()) {
        throw SqlErrors.nobodyWaits(found);
      }
      List<Row> part = rows.subList(from, Math.min(rows.size(), from + size));
      Savepoint savepoint = inTransaction ? ask(connection::setSavepoint) : null;
      try {
        inParts(part);
        release(savepoint);
      } catch (SQLException | RuntimeException e) {
        Exception error = SqlErrors.own(e);
        undo(savepoint, error);
        release(savepoint);
        if (part.size() == 1) {
          answers.fail(part, error);
        } else {
          search(part, error);
        }
      }
    }
  }

  /**
   * Lets go what the database keeps for a savepoint: PostgreSQL a lock for each, of which it has
   * some thousands. Not every driver can do it; a connection that is lost says so at the next
   * statement.
   */
  private void release(@Nullable Savepoint savepoint) {
    try {
      if (savepoint != null) {
        connection.releaseSavepoint(savepoint);
      }
    } catch (SQLException e) {
      // it goes with the transaction
    }
  }

  /** Rolls back; if that cannot be done, or the database did so itself, all begins anew. */
  private void undo(@Nullable Savepoint savepoint, Exception error) throws RetryException {
    boolean undone = rollback(savepoint);
    if (error instanceof SQLException sql && SqlErrors.endedTransaction(sql)) {
      rollback(null);
      throw new RetryException(sql);
    }
    if (!undone) {
      throw new RetryException(SqlErrors.lost(error), executed);
    }
  }

  /** Whether that worked, and the connection does. */
  private boolean rollback(@Nullable Savepoint savepoint) {
    try {
      if (savepoint != null) {
        connection.rollback(savepoint);
        return true;
      }
      if (inTransaction) {
        connection.rollback();
      }
      return connection.isValid(VALID_SECONDS);
    } catch (SQLException e) {
      return false;
    }
  }

  private interface Question<T> {
    T ask() throws SQLException;
  }

  /** Asks the connection for something; if it is lost, all begins anew. */
  private <T> T ask(Question<T> question) throws RetryException, SQLException {
    try {
      return question.ask();
    } catch (SQLException e) {
      undo(null, e);
      throw e;
    }
  }

  private void commit(List<Row> rows) throws RetryException, SQLException {
    if (!inTransaction) {
      return;
    }
    try {
      connection.commit();
    } catch (SQLException e) {
      if (SqlErrors.leavesOpen(e) || !rollback(null)) {
        throw SqlErrors.lostAtCommit(e);
      }
      if (SqlErrors.endedTransaction(e)) {
        throw new RetryException(e);
      }
      refused(rows, e);
    }
  }

  /** The database found at the commit that a row is bad: which one, only commits can tell. */
  private void refused(List<Row> rows, SQLException error) {
    if (rows.size() == 1 || terms.allOrNothing()) {
      answers.fail(rows, error);
      return;
    }
    for (Row row : rows) {
      alone(List.of(row));
    }
  }

  /** Not tried again: rows before it were stored. */
  private void alone(List<Row> row) {
    try {
      all(row);
    } catch (RetryException e) {
      answers.fail(row, e.error());
    } catch (SQLException e) {
      answers.fail(row, e);
    }
  }
}
