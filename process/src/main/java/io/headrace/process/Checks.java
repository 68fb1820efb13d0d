package io.headrace.process;

import static java.util.Objects.requireNonNull;

import java.time.Duration;

/** The checks of options: each names the value and what is allowed. */
final class Checks {
  private static final Duration LONGEST = Duration.ofDays(3650);

  private Checks() {}

  static int atLeast(int minimum, int value, String name) {
    if (value < minimum) {
      throw new IllegalArgumentException(
          name + " is " + value + ", it has to be at least " + minimum);
    }
    return value;
  }

  static int between(int minimum, int value, int maximum, String name) {
    if (atLeast(minimum, value, name) > maximum) {
      throw new IllegalArgumentException(
          name + " is " + value + ", it has to be at most " + maximum);
    }
    return value;
  }

  static Duration positive(Duration value, String name) {
    if (!requireNonNull(value, name).isPositive() || value.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(
          name + " is " + value + ", it has to be above zero and below ten years");
    }
    return value;
  }

  /** None of several is null, nor are they. */
  static <T> T[] nonNull(T[] values, String name) {
    for (T value : requireNonNull(values, name)) {
      requireNonNull(value, name);
    }
    return values;
  }
}
