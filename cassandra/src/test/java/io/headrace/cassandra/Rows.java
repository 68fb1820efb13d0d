package io.headrace.cassandra;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What Cassandra would have stored of the table person: of two values of a column the one with the
 * higher timestamp stays, and if they are equal the larger one; a delete removes what is not
 * younger.
 */
final class Rows {
  private record Cell(long timestamp, Object value) {}

  private final Map<List<Object>, Map<String, Cell>> cells = new HashMap<>();
  private final Map<List<Object>, Long> deletes = new HashMap<>();
  private long added;

  synchronized void clear() {
    cells.clear();
    deletes.clear();
    added = 0;
  }

  synchronized void store(FakeCassandra.Request request) {
    for (FakeCassandra.Statement statement : request.statements()) {
      Object own = statement.value("TIMESTAMP");
      store(statement, own == null ? request.timestamp() : (Long) own);
    }
  }

  private void store(FakeCassandra.Statement statement, long timestamp) {
    if (statement.values().containsKey("n")) {
      added += (Long) statement.value("n");
      return;
    }
    List<Object> key = new ArrayList<>();
    key.add(statement.value("city"));
    key.add(statement.value("name"));
    if (statement.cql().startsWith("DELETE")) {
      deletes.merge(key, timestamp, Math::max);
      return;
    }
    Cell cell = new Cell(timestamp, statement.value("age"));
    Map<String, Cell> row = cells.computeIfAbsent(key, k -> new HashMap<>());
    row.merge("age", cell, Rows::stays);
  }

  private static Cell stays(Cell one, Cell other) {
    if (one.timestamp() != other.timestamp()) {
      return one.timestamp() > other.timestamp() ? one : other;
    }
    return String.valueOf(one.value()).compareTo(String.valueOf(other.value())) > 0 ? one : other;
  }

  /** The ages of the persons that are there, by name. */
  synchronized Map<Object, Object> ages() {
    Map<Object, Object> ages = new TreeMap<>();
    cells.forEach(
        (key, row) -> {
          Cell age = row.get("age");
          if (age.timestamp() > deletes.getOrDefault(key, Long.MIN_VALUE)) {
            ages.put(key.getLast(), age.value());
          }
        });
    return ages;
  }

  synchronized long added() {
    return added;
  }
}
