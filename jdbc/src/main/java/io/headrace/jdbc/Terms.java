package io.headrace.jdbc;

/**
 * How a handler deals with failures.
 *
 * @param retries how often a batch is tried again
 * @param allOrNothing whether a bad row fails its batch
 * @param transaction whether the batch is a transaction; otherwise it reads, and equal rows are one
 */
record Terms(int retries, boolean allOrNothing, boolean transaction) {
  Terms(int retries, boolean allOrNothing) {
    this(retries, allOrNothing, true);
  }

  static Terms ofSelect(int retries) {
    return new Terms(retries, false, false);
  }
}
