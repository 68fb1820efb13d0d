package io.headrace.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Makes a result of a row. It is called on the workers' threads, by several of them at once, and
 * must not move the result set.
 *
 * @param <O> the type of a result
 */
@FunctionalInterface
public interface RowMapper<O extends @Nullable Object> {
  /**
   * Maps the current row.
   *
   * @param row stands at the row; columns are read by name or by their position in the order given
   * @return the result
   * @throws SQLException if a column cannot be read; the row's caller gets it
   */
  O map(ResultSet row) throws SQLException;
}
