package io.headrace.jdbc;

import static java.util.stream.Collectors.joining;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/** How databases differ. */
enum Dialect {
  POSTGRESQL,
  MARIADB,
  MYSQL,
  H2,
  OTHER;

  static Dialect of(Connection connection) throws SQLException {
    return switch (connection.getMetaData().getDatabaseProductName()) {
      case "PostgreSQL" -> POSTGRESQL;
      case "MariaDB" -> MARIADB;
      case "MySQL" -> MYSQL;
      case "H2" -> H2;
      default -> OTHER;
    };
  }

  /** Whether one statement with many rows is the quick way, and returns them in their order. */
  boolean manyRows() {
    return this == POSTGRESQL || this == MARIADB || this == H2;
  }

  /** Whether columns are returned by a clause, rather than as the driver's generated keys. */
  boolean returningClause() {
    return this == POSTGRESQL || this == MARIADB;
  }

  String insert(Table table, int rows) {
    return "INSERT INTO " + table.name() + columns(table) + values(table, rows);
  }

  String upsert(Table table, int rows) {
    return switch (this) {
      case POSTGRESQL ->
          insert(table, rows)
              + (" ON CONFLICT (" + String.join(", ", table.keys()) + ") DO UPDATE SET ")
              + updates(table, "%1$s = EXCLUDED.%1$s");
      case MARIADB, MYSQL ->
          insert(table, rows) + " ON DUPLICATE KEY UPDATE " + updates(table, "%1$s = VALUES(%1$s)");
      case H2 ->
          ("MERGE INTO " + table.name() + columns(table))
              + (" KEY (" + String.join(", ", table.keys()) + ")")
              + values(table, rows);
      case OTHER -> throw new IllegalStateException("no upsert for " + this);
    };
  }

  /** A row that has nothing but a key is written all the same, so that it is returned. */
  private static String updates(Table table, String format) {
    List<String> columns = table.sets().isEmpty() ? table.keys() : table.sets();
    return columns.stream().map(format::formatted).collect(joining(", "));
  }

  private static String columns(Table table) {
    return " (" + String.join(", ", table.columns()) + ")";
  }

  private static String values(Table table, int rows) {
    String row = "(" + "?, ".repeat(table.columns().size() - 1) + "?)";
    return " VALUES " + (row + ", ").repeat(rows - 1) + row;
  }
}
