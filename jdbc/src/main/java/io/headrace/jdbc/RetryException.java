package io.headrace.jdbc;

import java.sql.SQLException;
import java.util.List;

/** A try of which nothing was stored, so that another one is safe. */
final class RetryException extends Exception {
  private static final long serialVersionUID = 1;

  private final SQLException error;
  private final transient List<Row> lost;

  RetryException(SQLException error) {
    this(error, List.of());
  }

  /** The connection was lost while rows were executed. */
  RetryException(SQLException error, List<Row> lost) {
    super(error);
    this.error = error;
    this.lost = lost;
  }

  /** The rows that were executed when the connection was lost; none if it was not lost so. */
  List<Row> lost() {
    return lost;
  }

  /** What callers get when there is no other try. */
  SQLException error() {
    return error;
  }
}
