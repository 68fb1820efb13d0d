package io.headrace.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Inserts rows: with statements of many where that is quick, as a batch of the driver elsewhere.
 */
final class Insert implements Operation {
  private final Table table;
  private final @Nullable Returning returning;

  /** The driver returns the key of one row of a batch only, as that of SQLite does. */
  private volatile boolean isOneByOne;

  Insert(Table table, @Nullable Returning returning) {
    this.table = table;
    this.returning = returning;
  }

  @Override
  public List<? extends @Nullable Object> execute(Connection connection, List<Row> rows)
      throws SQLException {
    Dialect dialect = Dialect.of(connection);
    List<@Nullable Object> results = new ArrayList<>(rows.size());
    while (results.size() < rows.size()) {
      List<Row> rest = rows.subList(results.size(), rows.size());
      results.addAll(insert(connection, dialect, part(dialect, rest)));
    }
    return results;
  }

  private List<Row> part(Dialect dialect, List<Row> rows) {
    if (dialect.manyRows()) {
      return table.ofStatement(rows);
    }
    return isOneByOne ? rows.subList(0, 1) : rows;
  }

  private List<? extends @Nullable Object> insert(
      Connection connection, Dialect dialect, List<Row> rows) throws SQLException {
    if (dialect.manyRows()) {
      return many(connection, dialect, dialect.insert(table, rows.size()), rows, returning);
    }
    try {
      return Batches.execute(connection, dialect.insert(table, 1), rows, Insert::bind, returning);
    } catch (Returning.CountException e) {
      isOneByOne = true;
      throw new OnceMoreException(e);
    }
  }

  /** Executes a statement that has all the rows in it. */
  static List<? extends @Nullable Object> many(
      Connection connection,
      Dialect dialect,
      String sql,
      List<Row> rows,
      @Nullable Returning returning)
      throws SQLException {
    try (PreparedStatement statement = prepare(connection, dialect, sql, returning)) {
      int parameter = 1;
      for (Row row : rows) {
        parameter = row.bind(statement, parameter, 0, row.values().size());
      }
      if (returning == null) {
        statement.executeUpdate();
        return Collections.nCopies(rows.size(), 1);
      }
      try (ResultSet returned = execute(statement, dialect)) {
        return returning.read(returned, rows.size());
      }
    }
  }

  private static PreparedStatement prepare(
      Connection connection, Dialect dialect, String sql, @Nullable Returning returning)
      throws SQLException {
    if (returning == null) {
      return connection.prepareStatement(sql);
    }
    return dialect.returningClause()
        ? connection.prepareStatement(sql + " RETURNING " + returning.columns())
        : connection.prepareStatement(sql, returning.array());
  }

  private static ResultSet execute(PreparedStatement statement, Dialect dialect)
      throws SQLException {
    if (dialect.returningClause()) {
      return statement.executeQuery();
    }
    statement.executeUpdate();
    return statement.getGeneratedKeys();
  }

  static void bind(PreparedStatement statement, Row row) throws SQLException {
    row.bind(statement, 1, 0, row.values().size());
  }
}
