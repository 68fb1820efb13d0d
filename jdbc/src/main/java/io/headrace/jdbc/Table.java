package io.headrace.jdbc;

import java.util.List;
import java.util.stream.Stream;

/**
 * A table and its columns. The values of a {@link Row} are those of the keys, then those that are
 * set.
 */
record Table(String name, List<String> keys, List<String> sets) {
  List<String> columns() {
    return Stream.concat(keys.stream(), sets.stream()).toList();
  }

  /** How many rows one statement takes: databases limit its parameters, some to about 2000. */
  int rowsOfStatement() {
    return Math.max(1, 2000 / columns().size());
  }

  /** For an update of a table of keys alone, which sets them to what they are. */
  Table settingKeys() {
    return new Table(name, keys, keys);
  }
}
