package io.headrace.process;

import static java.util.Objects.requireNonNull;

import java.util.HashMap;
import java.util.Map;

/** The options of a builder that are set once. */
final class Once {
  private final Map<String, Object> given = new HashMap<>();

  /**
   * Notes that an option is set.
   *
   * @throws IllegalStateException if it was set before
   */
  void set(String name, Object value) {
    Object earlier = given.putIfAbsent(name, requireNonNull(value, name));
    if (earlier != null) {
      throw new IllegalStateException(
          name + " is set to " + value + ", it was set to " + earlier + " before");
    }
  }
}
