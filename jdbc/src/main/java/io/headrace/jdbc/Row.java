package io.headrace.jdbc;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The values of an item.
 *
 * @param positions where in the batch the items with these values are: one but for selects
 * @param values in the order of the columns
 */
record Row(List<Integer> positions, List<@Nullable Object> values) {
  /** Sets consecutive parameters, from one on, to a part of the values. */
  int bind(PreparedStatement statement, int parameter, int from, int to) throws SQLException {
    int next = parameter;
    for (Object value : values.subList(from, to)) {
      statement.setObject(next++, value);
    }
    return next;
  }

  /** About how long its texts and byte arrays are. */
  long bytes() {
    long bytes = 0;
    for (Object value : values) {
      bytes +=
          switch (value) {
            case String text -> text.length();
            case byte[] array -> array.length;
            case null, default -> 0;
          };
    }
    return bytes;
  }

  /** For {@link Table#settingKeys}. */
  Row twice() {
    List<@Nullable Object> twice = new ArrayList<>(values);
    twice.addAll(values);
    return new Row(positions, twice);
  }
}
