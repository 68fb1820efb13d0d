package io.headrace.dynamodb;

import static java.util.Objects.requireNonNull;

import java.math.BigDecimal;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/** Checks names and attributes, and tells which keys are the same. */
final class Attributes {
  private Attributes() {}

  /** Equal for the keys of one item, whatever form their numbers are written in. */
  record Key(String table, Map<String, Object> values) {}

  static String checkName(String name) {
    if (name.isBlank()) {
      throw new IllegalArgumentException("a name is blank");
    }
    return name;
  }

  static List<String> checkNames(String... names) {
    if (names.length == 0) {
      throw new IllegalArgumentException("no names");
    }
    for (String name : names) {
      checkName(name);
    }
    return List.of(names);
  }

  static Map<String, AttributeValue> copy(Map<String, AttributeValue> attributes) {
    attributes.forEach((name, value) -> requireNonNull(value, () -> "attribute " + name));
    return Map.copyOf(attributes);
  }

  /**
   * The key of an item.
   *
   * @return null if it lacks one of the attributes
   */
  static @Nullable Key key(
      String table, Collection<String> names, Map<String, AttributeValue> attributes) {
    Map<String, Object> values = HashMap.newHashMap(names.size());
    for (String name : names) {
      AttributeValue value = attributes.get(name);
      if (value == null) {
        return null;
      }
      values.put(name, comparable(value));
    }
    return new Key(table, values);
  }

  /** 1 and 1.0 are the same number for DynamoDB, and so is what it answers. */
  private static Object comparable(AttributeValue value) {
    if (value.n() == null) {
      return value;
    }
    try {
      return new BigDecimal(value.n()).stripTrailingZeros();
    } catch (NumberFormatException e) {
      return value; // DynamoDB will say so
    }
  }
}
