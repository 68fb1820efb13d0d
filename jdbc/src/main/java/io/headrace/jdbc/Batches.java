package io.headrace.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Executes one statement for each row, in one go: the driver's batches. */
final class Batches {
  private Batches() {}

  interface Binder {
    void bind(PreparedStatement statement, Row row) throws SQLException;
  }

  /** The results of rows that are inserted; what is returned are the generated keys. */
  static List<? extends @Nullable Object> execute(
      Connection connection,
      String sql,
      List<Row> rows,
      Binder binder,
      @Nullable Returning returning)
      throws SQLException {
    if (returning == null) {
      List<Integer> counts = new ArrayList<>(counts(connection, sql, rows, binder));
      counts.replaceAll(count -> count == Statement.SUCCESS_NO_INFO ? 1 : count);
      return counts;
    }
    try (PreparedStatement statement = connection.prepareStatement(sql, returning.array())) {
      run(statement, rows, binder);
      try (ResultSet returned = statement.getGeneratedKeys()) {
        return returning.read(returned, rows.size());
      }
    }
  }

  /** How many rows each changed, or {@link Statement#SUCCESS_NO_INFO}. */
  static List<Integer> counts(Connection connection, String sql, List<Row> rows, Binder binder)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      return run(statement, rows, binder);
    }
  }

  /** One row alone is executed without a batch, so that its error is the database's own. */
  private static List<Integer> run(PreparedStatement statement, List<Row> rows, Binder binder)
      throws SQLException {
    if (rows.size() == 1) {
      binder.bind(statement, rows.getFirst());
      return List.of(statement.executeUpdate());
    }
    for (Row row : rows) {
      binder.bind(statement, row);
      statement.addBatch();
    }
    List<Integer> counts = new ArrayList<>(rows.size());
    for (int count : statement.executeBatch()) {
      counts.add(count);
    }
    return counts;
  }
}
