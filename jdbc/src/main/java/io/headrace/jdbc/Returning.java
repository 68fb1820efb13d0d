package io.headrace.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which columns of a written row are read, and how.
 *
 * @param names the names of the columns
 * @param columns the same, as a statement lists them
 */
record Returning(List<String> names, String columns, RowMapper<?> mapper) {
  /** There are fewer rows than were written, or more. */
  static final class CountException extends SQLException {
    private static final long serialVersionUID = 1;

    private CountException(int returned, int written) {
      super("the database returned " + returned + " rows for " + written);
    }
  }

  String[] array() {
    return names.toArray(String[]::new);
  }

  /**
   * A result for each row that was written, in their order. A trigger may have suppressed rows, and
   * then it is not known which: unless there is only one, this fails, and the search for bad rows
   * comes down to them one by one.
   */
  List<? extends @Nullable Object> read(ResultSet returned, int rows) throws SQLException {
    List<@Nullable Object> results = new ArrayList<>(rows);
    while (returned.next()) {
      results.add(mapper.map(returned));
    }
    if (rows == 1 && results.isEmpty()) {
      results.add(null);
    }
    if (results.size() != rows) {
      throw new CountException(results.size(), rows);
    }
    return results;
  }
}
