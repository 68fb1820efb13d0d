package io.headrace.cassandra;

import com.datastax.oss.driver.api.core.cql.Statement;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A write that is complete, but not encoded yet.
 *
 * @param position where in the batch its item is
 * @param values in the order of the statement
 */
record Draft(int position, Write write, Shape shape, List<@Nullable Object> values) {

  /**
   * Checks a write, and gives it a timestamp: the statements of a BATCH would share one, and of an
   * insert and a delete of the same row the delete would win, whichever came first. It is the same
   * whenever the write is tried again, so that a late try does not undo what others wrote since.
   *
   * @throws IllegalStateException if it lacks something
   */
  static Draft of(int position, Write write, Terms terms, LongSupplier clock) {
    write.check();
    terms.check(write);
    Shape shape = Shape.of(write);
    Long timestampMicros = shape.hasTimestamp() ? timestampMicros(write, clock) : null;
    return new Draft(position, write, shape, shape.values(write, timestampMicros));
  }

  private static Long timestampMicros(Write write, LongSupplier clock) {
    if (write.timestampMicros != null) {
      return write.timestampMicros;
    }
    long micros = clock.getAsLong();
    write.require(
        micros != Statement.NO_DEFAULT_TIMESTAMP,
        "needs a timestamp: the session leaves timestamps to the servers, which give all writes"
            + " of a BATCH the same, so that they had no order");
    return micros;
  }
}
