package io.headrace.jdbc;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.text.Normalizer;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Keys of rows, as databases compare them. Values that one database takes as equal and another does
 * not are equal here: that costs a statement, or the order of two locks, but not the order of
 * writes of one row.
 */
final class Keys {
  private static final Pattern MARKS = Pattern.compile("\\p{M}+");

  private Keys() {}

  /** The first values of a row, so that {@code equals} tells what a database may take as equal. */
  static List<@Nullable Object> of(Row row, int columns) {
    List<@Nullable Object> key = new ArrayList<>(columns);
    for (Object value : row.values().subList(0, columns)) {
      key.add(comparable(value));
    }
    return key;
  }

  private static @Nullable Object comparable(@Nullable Object value) {
    return switch (value) {
      case Integer number -> number.longValue();
      case Short number -> number.longValue();
      case Byte number -> number.longValue();
      case BigDecimal number -> number.stripTrailingZeros();
      case byte[] bytes -> ByteBuffer.wrap(bytes);
      case String text -> folded(text);
      case OffsetDateTime time -> time.toInstant();
      case ZonedDateTime time -> time.toInstant();
      case null, default -> value;
    };
  }

  /** Without what collations may ignore: case, accents, blanks at the end. */
  private static String folded(String text) {
    boolean isAscii = text.chars().allMatch(letter -> letter < 128);
    String plain =
        isAscii
            ? text
            : MARKS.matcher(Normalizer.normalize(text, Normalizer.Form.NFKD)).replaceAll("");
    return plain.stripTrailing().toLowerCase(Locale.ROOT);
  }

  /**
   * A row and its key.
   *
   * @param before how many rows before it have an equal key
   */
  private record Keyed(Row row, List<@Nullable Object> key, int before) {}

  /**
   * Rows in the order of their keys, and after them those whose keys are among them already, and so
   * on: batches that lock the same rows in the same order do not deadlock each other. Rows with
   * equal keys stay as they came, and apart, since a statement may take each key once. A column
   * whose values have no order, or are of several types, does not count.
   */
  static List<Row> sorted(List<Row> rows, int columns) {
    if (columns == 0) {
      return rows;
    }
    List<Keyed> keyed = new ArrayList<>(rows.size());
    Map<List<@Nullable Object>, Integer> counts = new HashMap<>();
    for (Row row : rows) {
      List<@Nullable Object> key = of(row, columns);
      keyed.add(new Keyed(row, key, counts.merge(key, 1, Integer::sum) - 1));
    }
    Comparator<Keyed> order = Comparator.comparingInt(Keyed::before);
    for (int i = 0; i < columns; i++) {
      int column = i;
      if (areComparable(keyed, column)) {
        order = order.thenComparing((one, other) -> compare(one, other, column));
      }
    }
    keyed.sort(order);
    return keyed.stream().map(Keyed::row).toList();
  }

  private static boolean areComparable(List<Keyed> keyed, int column) {
    List<Class<?>> types =
        keyed.stream()
            .map(each -> each.key().get(column))
            .filter(value -> value != null)
            .<Class<?>>map(Object::getClass)
            .distinct()
            .toList();
    return types.size() == 1 && Comparable.class.isAssignableFrom(types.getFirst());
  }

  /** Nulls, which equal nothing, come first. */
  @SuppressWarnings("unchecked") // of one type, which is comparable
  private static int compare(Keyed one, Keyed other, int column) {
    Comparable<Object> value = (Comparable<Object>) one.key().get(column);
    Object otherValue = other.key().get(column);
    if (value == null || otherValue == null) {
      return Boolean.compare(value != null, otherValue != null);
    }
    return value.compareTo(otherValue);
  }
}
