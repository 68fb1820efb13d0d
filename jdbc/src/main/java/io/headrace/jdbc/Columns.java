package io.headrace.jdbc;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Columns, and how to read their values from an item. */
final class Columns<I> {
  private final Map<String, Function<? super I, ? extends @Nullable Object>> values =
      new LinkedHashMap<>();

  /** How many of them, from the first on, are the key by which rows are written. */
  private int keys;

  static String name(String name) {
    if (name.isBlank()) {
      throw new IllegalArgumentException("a name is blank");
    }
    return name;
  }

  static String list(String... names) {
    if (names.length == 0) {
      throw new IllegalArgumentException("no columns");
    }
    for (String name : names) {
      name(name);
    }
    return String.join(", ", names);
  }

  void add(String column, Function<? super I, ? extends @Nullable Object> value) {
    refuse(column);
    values.put(name(column), requireNonNull(value, "value"));
  }

  void refuse(String column) {
    if (values.containsKey(column)) {
      throw new IllegalArgumentException("column " + column + " was given before");
    }
  }

  List<String> names() {
    return List.copyOf(values.keySet());
  }

  /** A copy, with those that are written where these are the key. */
  Columns<I> and(Columns<I> others) {
    Columns<I> all = new Columns<>();
    all.keys = values.size();
    all.values.putAll(values);
    all.values.putAll(others.values);
    return all;
  }

  /**
   * The rows of the items, in the order of the key; one whose values cannot be had has failed and
   * is left out.
   */
  List<Row> rows(List<I> items, Answers answers) {
    List<Row> rows = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      try {
        rows.add(new Row(List.of(i), valuesOf(items.get(i))));
      } catch (Exception e) {
        answers.fail(i, e);
      }
    }
    return Keys.sorted(rows, keys);
  }

  /** As {@link #rows}, but items with equal values share one. */
  List<Row> distinctRows(List<I> items, Answers answers) {
    Map<List<@Nullable Object>, Row> distinct = new LinkedHashMap<>();
    for (Row row : rows(items, answers)) {
      distinct
          .computeIfAbsent(row.values(), key -> new Row(new ArrayList<>(), row.values()))
          .positions()
          .addAll(row.positions());
    }
    return List.copyOf(distinct.values());
  }

  private List<@Nullable Object> valuesOf(I item) {
    List<@Nullable Object> row = new ArrayList<>(values.size());
    for (Function<? super I, ? extends @Nullable Object> value : values.values()) {
      row.add(value.apply(item));
    }
    return row;
  }
}
