package io.headrace.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Inserts rows or updates those that have their keys. A statement takes a key once: rows with equal
 * keys go in several, one after the other. Keys that only the database takes as equal make it fail,
 * and then an {@link Attempt} executes it in parts.
 */
final class Upsert implements Operation {
  private final Table table;
  private final @Nullable Returning returning;
  private final @Nullable Select after;
  private final Insert insert;
  private final Update update;

  Upsert(Table table, @Nullable Returning returning) {
    this.table = table;
    this.returning = returning;
    after = returning == null ? null : Select.after(table, returning);
    insert = new Insert(table, null);
    update = new Update(table.sets().isEmpty() ? table.settingKeys() : table, null);
  }

  @Override
  public List<? extends @Nullable Object> execute(Connection connection, List<Row> rows)
      throws SQLException {
    Dialect dialect = Dialect.of(connection);
    List<@Nullable Object> results = new ArrayList<>(rows.size());
    while (results.size() < rows.size()) {
      List<Row> part = distinct(rows.subList(results.size(), rows.size()));
      results.addAll(upsert(connection, dialect, part));
    }
    return results;
  }

  /** The first rows, up to one whose key is among them already or that is too many. */
  private List<Row> distinct(List<Row> all) {
    List<Row> rows = table.ofStatement(all);
    Set<List<@Nullable Object>> keys = new HashSet<>();
    int size = 0;
    while (size < rows.size() && keys.add(Keys.of(rows.get(size), table.keys().size()))) {
      size++;
    }
    return rows.subList(0, size);
  }

  private List<? extends @Nullable Object> upsert(
      Connection connection, Dialect dialect, List<Row> rows) throws SQLException {
    if (dialect.manyRows()) {
      String sql = dialect.upsert(table, rows.size());
      return Insert.many(connection, dialect, sql, rows, returning);
    }
    if (dialect == Dialect.MYSQL) {
      Batches.counts(connection, dialect.upsert(table, 1), rows, Insert::bind);
    } else {
      updateOrInsert(connection, rows);
    }
    return after == null ? Collections.nCopies(rows.size(), 1) : after.one(connection, rows);
  }

  private void insert(Connection connection, List<Row> missing) throws SQLException {
    try {
      insert.execute(connection, missing);
    } catch (SQLException e) {
      // Somebody may have inserted a row since it was missing, and then it can be updated.
      throw SqlErrors.brokeConstraint(SqlErrors.own(e)) ? new OnceMoreException(e) : e;
    }
  }

  private void updateOrInsert(Connection connection, List<Row> rows) throws SQLException {
    List<Row> missing = new ArrayList<>();
    for (Row row : rows) {
      // One by one: not every driver counts the rows that statements of a batch have changed.
      Row updated = table.sets().isEmpty() ? row.twice() : row;
      if (update.counts(connection, List.of(updated)).getFirst() == 0) {
        missing.add(row);
      }
    }
    if (!missing.isEmpty()) {
      insert(connection, missing);
    }
  }
}
