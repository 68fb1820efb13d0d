package io.headrace.jdbc;

import static java.util.stream.Collectors.joining;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Updates rows by their keys, or deletes them: a statement for each, in their order. */
final class Update implements Operation {
  private final int keys;
  private final String sql;
  private final @Nullable Select after;

  /** The driver does not count the rows that statements of a batch have changed. */
  private volatile boolean isOneByOne;

  /** Deletes if the table has no column to set. What is returned is selected by the keys after. */
  Update(Table table, @Nullable Returning returning) {
    keys = table.keys().size();
    sql = (table.sets().isEmpty() ? "DELETE FROM " + table.name() : update(table)) + where(table);
    after = returning == null ? null : Select.after(table, returning);
  }

  private static String update(Table table) {
    return "UPDATE " + table.name() + " SET " + equalities(table.sets(), ", ");
  }

  private static String where(Table table) {
    return " WHERE " + equalities(table.keys(), " AND ");
  }

  static String equalities(List<String> columns, String separator) {
    return columns.stream().map(column -> column + " = ?").collect(joining(separator));
  }

  @Override
  public List<? extends @Nullable Object> execute(Connection connection, List<Row> rows)
      throws SQLException {
    if (after == null) {
      return counts(connection, rows);
    }
    Batches.counts(connection, sql, rows, this::bind);
    return after.one(connection, rows);
  }

  /** Fails the first time that they are not known, and from then on executes them one by one. */
  List<Integer> counts(Connection connection, List<Row> rows) throws SQLException {
    if (isOneByOne) {
      List<Integer> counts = new ArrayList<>(rows.size());
      for (Row row : rows) {
        counts.addAll(Batches.counts(connection, sql, List.of(row), this::bind));
      }
      return counts;
    }
    List<Integer> counts = Batches.counts(connection, sql, rows, this::bind);
    if (counts.contains(Statement.SUCCESS_NO_INFO)) {
      isOneByOne = true;
      throw new OnceMoreException(
          new SQLException("the driver does not say how many rows each statement has changed"));
    }
    return counts;
  }

  private void bind(PreparedStatement statement, Row row) throws SQLException {
    int next = row.bind(statement, 1, keys, row.values().size());
    row.bind(statement, next, 0, keys);
  }
}
