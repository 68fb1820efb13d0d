package io.headrace.jdbc;

import java.util.List;
import java.util.stream.Stream;

/**
 * A table and its columns. The values of a {@link Row} are those of the keys, then those that are
 * set.
 */
record Table(String name, List<String> keys, List<String> sets) {
  /** A character may be three bytes, and a byte two where it has to be escaped. */
  private static final long BYTES = 1 << 20;

  List<String> columns() {
    return Stream.concat(keys.stream(), sets.stream()).toList();
  }

  /**
   * The first rows, as many as one statement takes: databases limit its parameters, some to about
   * 2000, and its bytes, MariaDB to 16 MiB and some to 4 MiB.
   */
  List<Row> ofStatement(List<Row> rows) {
    int most = Math.min(rows.size(), Math.max(1, 2000 / columns().size()));
    int size = 1;
    long bytes = rows.getFirst().bytes();
    while (size < most && (bytes += rows.get(size).bytes()) <= BYTES) {
      size++;
    }
    return rows.subList(0, size);
  }

  /** For an update of a table of keys alone, which sets them to what they are. */
  Table settingKeys() {
    return new Table(name, keys, keys);
  }
}
