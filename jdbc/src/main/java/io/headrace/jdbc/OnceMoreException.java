package io.headrace.jdbc;

import java.sql.SQLException;

/**
 * What was executed may succeed if it is undone and executed once more at once: the operation will
 * do it in another way, or finds what others have written meanwhile.
 */
final class OnceMoreException extends SQLException {
  private static final long serialVersionUID = 1;

  private final Exception error;

  OnceMoreException(Exception error) {
    super(error);
    this.error = error;
  }

  /** What callers get if it does not. */
  Exception error() {
    return error;
  }
}
