package io.headrace.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a batch does with its rows. */
interface Operation {
  /**
   * Does all of it, or fails.
   *
   * @param rows at least one
   * @return a result for each row, in their order
   * @throws SQLException if it fails; what was done has to be undone
   */
  List<? extends @Nullable Object> execute(Connection connection, List<Row> rows)
      throws SQLException;
}
