package io.headrace.jdbc;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.joining;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Selects rows by their keys. The last column that is read tells the key that a row belongs to: its
 * number in the batch, so that the database alone decides what is equal, be it letters of either
 * case or 1 and 1.00; or the key itself, if it is a whole number.
 */
final class Select {
  /** SQLite unites 500 at most. */
  private static final int UNITED = 250;

  /** Oracle lists 1000 at most. */
  private static final int LISTED = 1000;

  private final String from;
  private final List<String> keys;
  private final String columns;
  private final RowMapper<?> mapper;

  /** The types of the keys, as PostgreSQL names them; the same whoever finds them out. */
  private volatile List<String> types = List.of();

  Select(String from, List<String> keys, String columns, RowMapper<?> mapper) {
    this.from = from;
    this.keys = keys;
    this.columns = columns;
    this.mapper = mapper;
  }

  /** What is returned of rows after they were written. */
  static Select after(Table table, Returning returning) {
    return new Select(table.name(), table.keys(), returning.columns(), returning.mapper());
  }

  List<@Nullable Object> one(Connection connection, List<Row> rows) throws SQLException {
    List<@Nullable Object> results = new ArrayList<>(rows.size());
    for (List<@Nullable Object> found : list(connection, rows)) {
      if (found.size() > 1) {
        throw new IllegalStateException(found.size() + " rows of " + from + " have the same key");
      }
      results.add(found.isEmpty() ? null : found.getFirst());
    }
    return results;
  }

  List<List<@Nullable Object>> list(Connection connection, List<Row> rows) throws SQLException {
    if (Dialect.of(connection) == Dialect.POSTGRESQL) {
      return joined(connection, rows);
    }
    return keys.size() == 1 && rows.stream().allMatch(Select::isWhole)
        ? inParts(rows, LISTED, part -> listed(connection, part))
        : united(connection, rows);
  }

  private interface Part {
    List<List<@Nullable Object>> select(List<Row> rows) throws SQLException;
  }

  private static List<List<@Nullable Object>> inParts(List<Row> rows, int most, Part part)
      throws SQLException {
    List<List<@Nullable Object>> results = new ArrayList<>(rows.size());
    for (int at = 0; at < rows.size(); at += most) {
      results.addAll(part.select(rows.subList(at, Math.min(rows.size(), at + most))));
    }
    return results;
  }

  private static boolean isWhole(Row row) {
    Object key = row.values().getFirst();
    return key instanceof Long || key instanceof Integer || key instanceof Short;
  }

  /** A list of the keys: the quick way for whole numbers, which are equal for us as for anybody. */
  private List<List<@Nullable Object>> listed(Connection connection, List<Row> rows)
      throws SQLException {
    String key = keys.getFirst();
    String sql =
        ("SELECT " + columns + ", " + key + " AS headrace_key FROM " + from)
            + (" WHERE " + key + " IN (" + "?, ".repeat(rows.size() - 1) + "?)");
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      int parameter = 1;
      for (Row row : rows) {
        parameter = row.bind(statement, parameter, 0, 1);
      }
      try (ResultSet found = statement.executeQuery()) {
        return isWhole(found.getMetaData()) ? readListed(found, rows) : united(connection, rows);
      }
    }
  }

  /** Text may be equal to a number without being the same. */
  private static boolean isWhole(ResultSetMetaData metaData) throws SQLException {
    return switch (metaData.getColumnType(metaData.getColumnCount())) {
      case Types.SMALLINT, Types.INTEGER, Types.BIGINT -> true;
      default -> false;
    };
  }

  private List<List<@Nullable Object>> readListed(ResultSet found, List<Row> rows)
      throws SQLException {
    Map<Long, List<@Nullable Object>> byKey = new HashMap<>();
    int last = found.getMetaData().getColumnCount();
    while (found.next()) {
      byKey.computeIfAbsent(found.getLong(last), key -> new ArrayList<>(1)).add(mapper.map(found));
    }
    List<List<@Nullable Object>> results = new ArrayList<>(rows.size());
    for (Row row : rows) {
      long key = ((Number) requireNonNull(row.values().getFirst())).longValue();
      results.add(Collections.unmodifiableList(byKey.getOrDefault(key, List.of())));
    }
    return results;
  }

  private List<List<@Nullable Object>> united(Connection connection, List<Row> rows)
      throws SQLException {
    return inParts(rows, UNITED, part -> unitedPart(connection, part));
  }

  /** A select for each key, in one statement: any database looks each up in the index. */
  private List<List<@Nullable Object>> unitedPart(Connection connection, List<Row> rows)
      throws SQLException {
    String where = " FROM " + from + " WHERE " + Update.equalities(keys, " AND ");
    String sql =
        IntStream.range(0, rows.size())
            .mapToObj(row -> "SELECT " + columns + ", " + row + " AS headrace_row" + where)
            .collect(joining(" UNION ALL "));
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      int parameter = 1;
      for (Row row : rows) {
        parameter = row.bind(statement, parameter, 0, keys.size());
      }
      return read(statement, rows.size(), 0);
    }
  }

  /** Beside arrays of the keys: the statement is the same for any number of them. */
  private List<List<@Nullable Object>> joined(Connection connection, List<Row> rows)
      throws SQLException {
    List<String> types = types(connection);
    String names =
        IntStream.range(0, keys.size()).mapToObj(i -> "headrace_key" + i).collect(joining(", "));
    String where =
        IntStream.range(0, keys.size())
            .mapToObj(i -> keys.get(i) + " = headrace_key" + i)
            .collect(joining(" AND "));
    String sql =
        ("SELECT " + columns + ", headrace_row FROM " + from)
            + (", unnest(" + "?, ".repeat(keys.size() - 1) + "?) WITH ORDINALITY")
            + (" AS headrace_keys(" + names + ", headrace_row) WHERE " + where);
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < keys.size(); i++) {
        int key = i;
        statement.setArray(
            i + 1,
            array(connection, types.get(i), rows.stream().map(row -> row.values().get(key))));
      }
      return read(statement, rows.size(), 1);
    }
  }

  private static Array array(Connection connection, String type, Stream<@Nullable Object> values)
      throws SQLException {
    if (type.equals("bytea")) {
      return connection.createArrayOf(type, values.toArray(byte[][]::new)); // as the driver wants
    }
    Object[] all = values.toArray();
    return connection.createArrayOf(common(type, all), all);
  }

  /**
   * The type as which PostgreSQL compares a column of numbers with values: theirs if it is wider.
   */
  private static String common(String type, Object[] values) {
    boolean isWhole = type.equals("int4") || type.equals("int8");
    if (isWhole && hasOneOf(values, BigDecimal.class, BigInteger.class)) {
      return "numeric";
    }
    if ((isWhole && hasOneOf(values, Double.class, Float.class))
        || (type.equals("float4") && hasOneOf(values, Double.class, BigDecimal.class))) {
      return "float8";
    }
    return type.equals("int4") && hasOneOf(values, Long.class) ? "int8" : type;
  }

  private static boolean hasOneOf(Object[] values, Class<?>... types) {
    return Arrays.stream(values)
        .anyMatch(value -> Arrays.stream(types).anyMatch(type -> type.isInstance(value)));
  }

  private List<List<@Nullable Object>> read(PreparedStatement statement, int rows, int first)
      throws SQLException {
    List<List<@Nullable Object>> results = new ArrayList<>(rows);
    for (int i = 0; i < rows; i++) {
      results.add(new ArrayList<>(1));
    }
    try (ResultSet found = statement.executeQuery()) {
      int last = found.getMetaData().getColumnCount();
      while (found.next()) {
        results.get(found.getInt(last) - first).add(mapper.map(found));
      }
    }
    results.replaceAll(Collections::unmodifiableList);
    return results;
  }

  private List<String> types(Connection connection) throws SQLException {
    if (types.isEmpty()) {
      String sql = "SELECT " + String.join(", ", keys) + " FROM " + from + " WHERE 1 = 0";
      try (PreparedStatement statement = connection.prepareStatement(sql);
          ResultSet none = statement.executeQuery()) {
        ResultSetMetaData metaData = none.getMetaData();
        List<String> found = new ArrayList<>();
        for (int i = 1; i <= keys.size(); i++) {
          found.add(type(metaData.getColumnTypeName(i)));
        }
        types = List.copyOf(found);
      }
    }
    return types;
  }

  /**
   * The type of an array whose elements are compared with a column. A column that generates its
   * values names a type that is none, and a small one is compared with numbers beyond it.
   */
  private static String type(String name) {
    return switch (name) {
      case "int2", "smallserial", "serial" -> "int4";
      case "bigserial" -> "int8";
      default ->
          name.startsWith("\"") || name.equals(name.toLowerCase(Locale.ROOT))
              ? name
              : '"' + name.replace("\"", "\"\"") + '"';
    };
  }
}
