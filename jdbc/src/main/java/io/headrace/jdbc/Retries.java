package io.headrace.jdbc;

/** How often a batch is tried again. */
final class Retries {
  static final int DEFAULT = 2;

  private Retries() {}

  static int check(int retries) {
    if (retries < 0) {
      throw new IllegalArgumentException("retries " + retries + " < 0");
    }
    return retries;
  }
}
