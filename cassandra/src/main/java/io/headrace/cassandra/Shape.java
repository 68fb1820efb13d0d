package io.headrace.cassandra;

import static java.util.stream.Collectors.joining;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What writes have in common that one prepared statement does, so that only values differ.
 *
 * @param keys the columns of the key; empty for inserts
 * @param sets the columns that are set
 * @param adds the counters that are added to
 * @param hasTtl whether the time to live is a value
 * @param hasTimestamp whether the timestamp is a value
 */
record Shape(
    Kind kind,
    String table,
    List<String> keys,
    List<String> sets,
    List<String> adds,
    boolean hasTtl,
    boolean hasTimestamp,
    boolean conditional) {

  static Shape of(Write write) {
    return new Shape(
        write.kind,
        write.table,
        List.copyOf(write.keys.keySet()),
        List.copyOf(write.sets.keySet()),
        List.copyOf(write.adds.keySet()),
        write.ttlSeconds != null,
        write.takesTimestamp(),
        write.conditional);
  }

  Stream<String> columns() {
    return Stream.of(keys, sets, adds).flatMap(List::stream);
  }

  String cql() {
    return switch (kind) {
      case INSERT ->
          "INSERT INTO %s (%s) VALUES (%s)%s%s"
              .formatted(
                  table,
                  String.join(", ", sets),
                  String.join(", ", Collections.nCopies(sets.size(), "?")),
                  conditional ? " IF NOT EXISTS" : "",
                  using());
      case UPDATE -> "UPDATE " + table + using() + " SET " + assignments() + where();
      case DELETE -> "DELETE FROM " + table + using() + where();
    };
  }

  private String using() {
    String timestamp = hasTimestamp ? "TIMESTAMP ?" : "";
    String ttl = hasTtl ? "TTL ?" : "";
    String both = timestamp + (hasTimestamp && hasTtl ? " AND " : "") + ttl;
    return both.isEmpty() ? "" : " USING " + both;
  }

  private String assignments() {
    return Stream.concat(
            sets.stream().map(column -> column + " = ?"),
            adds.stream().map(column -> column + " = " + column + " + ?"))
        .collect(joining(", "));
  }

  private String where() {
    return keys.stream().map(column -> column + " = ?").collect(joining(" AND ", " WHERE ", ""))
        + (conditional ? " IF EXISTS" : "");
  }

  /** The values of a write of this shape, in the order of the statement. */
  List<@Nullable Object> values(Write write, @Nullable Long timestampMicros) {
    List<@Nullable Object> using = new ArrayList<>(2);
    if (hasTimestamp) {
      using.add(timestampMicros);
    }
    if (hasTtl) {
      using.add(write.ttlSeconds);
    }
    Collection<@Nullable Object> sets = write.sets.values();
    return kind == Kind.INSERT
        ? concat(sets, using)
        : concat(using, sets, write.adds.values(), write.keys.values());
  }

  @SafeVarargs
  private static List<@Nullable Object> concat(Collection<@Nullable Object>... parts) {
    List<@Nullable Object> all = new ArrayList<>();
    for (Collection<@Nullable Object> part : parts) {
      all.addAll(part);
    }
    return all;
  }
}
