package io.headrace;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The checks of arguments: each names the value and what is allowed. */
final class Checks {
  /**
   * Longer than anything waits, and a quarter of the range, so that sums and differences of times
   * never overflow.
   */
  static final long LONGEST_NANOS = Long.MAX_VALUE / 4;

  private static final int MAX_PRIORITIES = 64;

  private Checks() {}

  static int atLeast(int minimum, int value, String name) {
    if (value < minimum) {
      throw new IllegalArgumentException(
          name + " is " + value + ", it has to be at least " + minimum);
    }
    return value;
  }

  static int between(int minimum, int maximum, int value, String name) {
    if (value < minimum || value > maximum) {
      throw new IllegalArgumentException(
          name + " is " + value + ", it has to be from " + minimum + " to " + maximum);
    }
    return value;
  }

  /** The nanoseconds of a duration above zero; beyond {@link #LONGEST_NANOS} it is that. */
  static long positiveNanos(Duration value, String name) {
    if (!requireNonNull(value, name).isPositive()) {
      throw new IllegalArgumentException(name + " is " + value + ", it has to be above zero");
    }
    return saturatedNanos(value);
  }

  /** The nanoseconds of a duration of zero or more; beyond {@link #LONGEST_NANOS} it is that. */
  static long nanosNotNegative(Duration value, String name) {
    if (requireNonNull(value, name).isNegative()) {
      throw new IllegalArgumentException(name + " is " + value + ", it has to be at least zero");
    }
    return saturatedNanos(value);
  }

  private static long saturatedNanos(Duration value) {
    Duration longest = Duration.ofNanos(LONGEST_NANOS);
    return value.compareTo(longest) > 0 ? LONGEST_NANOS : value.toNanos();
  }

  static int priorities(int value) {
    return between(1, MAX_PRIORITIES, value, "priorities");
  }

  /** An option is set once. */
  static void unset(@Nullable Object earlier, Object value, String name) {
    requireNonNull(value, name);
    if (earlier != null) {
      throw new IllegalStateException(
          name + " is set to " + value + ", it was set to " + earlier + " before");
    }
  }

  /** The nanoseconds of an option above zero that is set once; earlier is null if it was not. */
  static long onceNanos(@Nullable Long earlier, Duration value, String name) {
    unset(earlier == null ? null : Duration.ofNanos(earlier), value, name);
    return positiveNanos(value, name);
  }

  /** A builder builds once: two services would share what it was given. */
  static void requireUnbuilt(boolean built, String name) {
    if (built) {
      throw new IllegalStateException(name + " is built, a builder builds once");
    }
  }

  static String name(String value) {
    if (requireNonNull(value, "name").isBlank()) {
      throw new IllegalArgumentException("name is blank, it has to say what this is");
    }
    return value;
  }
}
