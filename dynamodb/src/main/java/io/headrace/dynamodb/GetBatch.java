package io.headrace.dynamodb;

import static java.util.Objects.requireNonNull;

import io.headrace.AsyncHandler;
import io.headrace.TimeSource;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.retries.api.BackoffStrategy;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/**
 * Says what {@link DynamoDbBatches#get} gets. Not thread safe.
 *
 * @param <I> the type of an item of the batch
 */
public final class GetBatch<I> {
  private final Client client;
  private final Set<String> consistent = new HashSet<>();
  private final Map<String, Set<String>> attributes = new HashMap<>();
  private Terms terms = Terms.DEFAULT;
  private @Nullable Function<? super I, ItemKey> key;

  GetBatch(Client client) {
    this.client = client;
  }

  /**
   * Which item of which table is got.
   *
   * @param key gives the key for an item of the batch; a caller for whom it throws fails alone
   * @return this
   * @throws IllegalStateException if it is set already
   */
  public GetBatch<I> key(Function<? super I, ItemKey> key) {
    this.key = Terms.once(this.key, key, "key");
    return this;
  }

  /**
   * Which attributes of the items of a table are read; those of the key always are. The default is
   * all.
   *
   * @param table the name of the table
   * @param names names of attributes, not paths into them
   * @return this
   * @throws IllegalArgumentException if there are no names or the table was given before
   */
  public GetBatch<I> attributes(String table, String... names) {
    if (attributes.containsKey(Attributes.checkName(table))) {
      throw new IllegalArgumentException("attributes of table " + table + " were given before");
    }
    attributes.put(table, Set.copyOf(Attributes.checkNames(names)));
    return this;
  }

  /**
   * Tables that are read consistently: with all writes that were answered before. That costs twice
   * the capacity. The default is none.
   *
   * @param tables the names of the tables
   * @return this
   * @throws IllegalArgumentException if there are no names
   */
  public GetBatch<I> consistentReads(String... tables) {
    consistent.addAll(Attributes.checkNames(tables));
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
  public GetBatch<I> timeout(Duration timeout) {
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
  public GetBatch<I> backoff(BackoffStrategy backoff) {
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
  public GetBatch<I> timeSource(TimeSource time) {
    terms = terms.withTime(time);
    return this;
  }

  /**
   * Gets the item with the key.
   *
   * @param mapper makes the result of its attributes; called once for callers with equal keys, who
   *     fail if it throws
   * @return the handler; its result is null where there is no item
   * @param <O> the type of a result
   * @throws IllegalStateException if there is no key
   */
  public <O extends @Nullable Object> AsyncHandler<I, @Nullable O> one(
      Function<? super Map<String, AttributeValue>, ? extends O> mapper) {
    if (key == null) {
      throw new IllegalStateException("a batch of gets needs a key");
    }
    requireNonNull(mapper, "mapper");
    return new DynamoDbHandler<>(
        new GetRequests<>(client, key, mapper, consistent, attributes), terms);
  }
}
