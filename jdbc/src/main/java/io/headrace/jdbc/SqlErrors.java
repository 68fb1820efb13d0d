package io.headrace.jdbc;

import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLTimeoutException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;

/** What the errors of databases mean, and those of our own. */
final class SqlErrors {
  /**
   * Wrong syntax, no such table or column: no row makes a difference. Not 42501, no right: a policy
   * of PostgreSQL refuses single rows with it.
   */
  private static final Set<String> OF_THE_STATEMENT =
      Set.of("42000", "42001", "42601", "42703", "42P01", "42S02", "42S03", "42S04", "42S22");

  /** MariaDB and MySQL: a trigger has refused a row, with any state that it likes. */
  private static final int SIGNAL = 1644;

  /** MariaDB and MySQL, which have no state for it. */
  private static final int LOCK_WAIT_TIMEOUT = 1205;

  private SqlErrors() {}

  /** The error of the database in that of a driver's batch. */
  static Exception own(Exception error) {
    if (error instanceof OnceMoreException once) {
      return own(once.error());
    }
    if (error instanceof BatchUpdateException batch) {
      if (batch.getNextException() != null) {
        return batch.getNextException();
      }
      return batch.getCause() instanceof SQLException cause ? cause : batch;
    }
    return error;
  }

  /** The database has ended the transaction because of others: deadlocks, serialization. */
  static boolean endedTransaction(Exception error) {
    return state(error).startsWith("40");
  }

  /** Whether the commit was done is what the database or its driver does not know. */
  static boolean leavesOpen(SQLException atCommit) {
    return state(atCommit).equals("40003") || state(atCommit).startsWith("08");
  }

  /** Somebody else had locked a row, for longer than the database waits. */
  static boolean lockTimedOut(Exception error) {
    String state = state(error);
    return state.equals("HYT00")
        || state.equals("55P03")
        || (state.equals("HY000") && hasCode(error, LOCK_WAIT_TIMEOUT));
  }

  /** A row breaks a constraint, such as one that has its key already. */
  static boolean brokeConstraint(Exception error) {
    return state(error).startsWith("23");
  }

  /** One statement was to write a row twice. */
  static boolean wroteTwice(Exception error) {
    return state(error).equals("21000");
  }

  static boolean ofTheStatement(Exception error) {
    return !hasCode(error, SIGNAL) && OF_THE_STATEMENT.contains(state(error));
  }

  static boolean refusedLogin(SQLException error) {
    return state(error).startsWith("28");
  }

  private static boolean hasCode(Exception error, int code) {
    return error instanceof SQLException sql && sql.getErrorCode() == code;
  }

  private static String state(Exception error) {
    return error instanceof SQLException sql && sql.getSQLState() != null ? sql.getSQLState() : "";
  }

  static SQLException noConnection(SQLException error) {
    return new SQLTransientConnectionException(
        "No connection could be had, so that nothing was executed. If the pool has none left,"
            + " let it have as many as there are workers: "
            + error.getMessage(),
        error.getSQLState(),
        error.getErrorCode(),
        error);
  }

  static SQLException nobodyWaits(Exception found) {
    return new SQLTimeoutException(
        "The timeouts of all callers were over before the bad rows were found, so that nothing was"
            + " stored: "
            + found.getMessage(),
        found);
  }

  static SQLException lost(Exception error) {
    return new SQLNonTransientConnectionException(
        "The connection was lost before the commit, so that nothing was stored: "
            + error.getMessage(),
        "08006",
        error);
  }

  static SQLException lostAtCommit(Exception error) {
    return new SQLNonTransientConnectionException(
        "The connection was lost during the commit: whether the batch was stored is unknown: "
            + error.getMessage(),
        "08007",
        error);
  }
}
