package io.headrace.dynamodb;

import static java.util.Objects.requireNonNull;

import io.headrace.AsyncHandler;
import io.headrace.TimeSource;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.retries.api.BackoffStrategy;

/**
 * Says what {@link DynamoDbBatches#write} writes. Not thread safe.
 *
 * @param <I> the type of an item of the batch
 */
public final class WriteBatch<I> {
  private final Client client;
  private final Map<String, List<String>> tables = new LinkedHashMap<>();
  private Terms terms = Terms.DEFAULT;

  WriteBatch(Client client) {
    this.client = client;
  }

  /**
   * A table that is written, and the attributes of its primary key, by which writes of the same
   * item are known. Called again for each table.
   *
   * @param table the name of the table
   * @param key the names of the partition key and, if it has one, the sort key
   * @return this
   * @throws IllegalArgumentException if there are not one or two names, or the table was given
   *     before
   */
  public WriteBatch<I> table(String table, String... key) {
    List<String> names = Attributes.checkNames(key);
    if (names.size() > 2) {
      throw new IllegalArgumentException(
          "the key of table " + table + " is " + names + ", it can have 2 attributes at most");
    }
    if (tables.putIfAbsent(Attributes.checkName(table), names) != null) {
      throw new IllegalArgumentException("table " + table + " was given before");
    }
    return this;
  }

  /**
   * How long a batch may take. Then what has no answer fails, and requests in flight are cancelled.
   * Nothing is sent again for a call whose own timeout is over before. The default is 10 seconds.
   *
   * @param timeout the time from the start of the batch, above zero
   * @return this
   * @throws IllegalArgumentException if it is zero or negative
   * @throws IllegalStateException if it is set already
   */
  public WriteBatch<I> timeout(Duration timeout) {
    terms = terms.withTimeout(timeout);
    return this;
  }

  /**
   * The pauses before what was not processed is sent again. The default grows from 50 milliseconds
   * to 2 seconds, each pause a random part of that.
   *
   * @param backoff gives the pause before attempt 2, 3, and so on
   * @return this
   * @throws IllegalStateException if it is set already
   */
  public WriteBatch<I> backoff(BackoffStrategy backoff) {
    terms = terms.withBackoff(backoff);
    return this;
  }

  /**
   * The clock of the timeout and the pauses. Default: {@link TimeSource#system()}.
   *
   * @param time the clock
   * @return this
   * @throws IllegalStateException if it is set already
   */
  public WriteBatch<I> timeSource(TimeSource time) {
    terms = terms.withTime(time);
    return this;
  }

  /**
   * Puts and deletes items, those with equal keys in the order of the batch.
   *
   * @param operation gives the operation for an item of the batch; a caller for whom it throws
   *     fails alone
   * @return the handler; its results are null: it was written
   * @throws IllegalStateException if there is no table
   */
  public AsyncHandler<I, @Nullable Void> each(Function<? super I, WriteOperation> operation) {
    if (tables.isEmpty()) {
      throw new IllegalStateException("a batch of writes needs a table");
    }
    requireNonNull(operation, "operation");
    return new DynamoDbHandler<>(new WriteRequests<>(client, operation, tables), terms);
  }
}
