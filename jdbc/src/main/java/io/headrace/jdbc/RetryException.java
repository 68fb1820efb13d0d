package io.headrace.jdbc;

import java.sql.SQLException;

/** A try of which nothing was stored, so that another one is safe. */
final class RetryException extends Exception {
  private static final long serialVersionUID = 1;

  private final SQLException error;

  RetryException(SQLException error) {
    super(error);
    this.error = error;
  }

  /** What callers get when there is no other try. */
  SQLException error() {
    return error;
  }
}
