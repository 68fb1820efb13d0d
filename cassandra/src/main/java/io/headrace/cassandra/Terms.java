package io.headrace.cassandra;

import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.cql.Statement;
import io.headrace.TimeSource;
import org.jspecify.annotations.Nullable;

/**
 * How a handler executes writes.
 *
 * @param logged whether a BATCH has several partitions and is stored as a whole
 * @param maxStatements how many a BATCH has at most
 * @param maxBytes how large a BATCH is at most, unless it has one statement
 * @param retryNanos how long after its begin a batch is tried again
 * @param consistency null for that of the profile
 * @param profile null for the default
 */
record Terms(
    boolean logged,
    int maxStatements,
    int maxBytes,
    long retryNanos,
    @Nullable ConsistencyLevel consistency,
    @Nullable String profile,
    TimeSource time) {

  void check(Write write) {
    write.require(
        !logged || write.takesTimestamp(),
        "cannot be in a LOGGED BATCH: it "
            + (write.conditional ? "has a condition" : "adds to counters"));
  }

  <S extends Statement<S>> S apply(S statement) {
    S applied = statement;
    if (profile != null) {
      applied = applied.setExecutionProfileName(profile);
    }
    return consistency == null ? applied : applied.setConsistencyLevel(consistency);
  }
}
