package io.headrace.jdbc;

import static java.util.Objects.requireNonNullElse;

import org.jspecify.annotations.Nullable;

/**
 * How a handler deals with failures.
 *
 * @param retries how often a batch is tried again
 * @param allOrNothing whether a bad row fails its batch
 * @param transaction whether the batch is a transaction; otherwise it reads, and equal rows are one
 */
record Terms(int retries, boolean allOrNothing, boolean transaction) {
  static final int DEFAULT_RETRIES = 2;

  /** Retries are null if the default holds. */
  static Terms ofWrite(@Nullable Integer retries, boolean allOrNothing) {
    return new Terms(requireNonNullElse(retries, DEFAULT_RETRIES), allOrNothing, true);
  }

  static Terms ofSelect(@Nullable Integer retries) {
    return new Terms(requireNonNullElse(retries, DEFAULT_RETRIES), false, false);
  }

  static int checkRetries(@Nullable Integer earlier, int retries) {
    if (retries < 0) {
      throw new IllegalArgumentException("retries is " + retries + ", it has to be at least 0");
    }
    return once(earlier, retries, "retries");
  }

  /** An option is set once. */
  static <T> T once(@Nullable T earlier, T value, String name) {
    if (earlier != null) {
      throw new IllegalStateException(
          name + " is set to " + value + ", it was set to " + earlier + " before");
    }
    return value;
  }
}
