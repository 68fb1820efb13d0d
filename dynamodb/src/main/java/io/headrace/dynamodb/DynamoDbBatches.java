package io.headrace.dynamodb;

import io.headrace.DeadlineExceededException;
import java.util.Map;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/**
 * Makes the handlers that do in one go what many callers ask of Amazon DynamoDB one by one.
 *
 * {@snippet class="io.headrace.dynamodb.DynamoDbGuideTest" region="dynamoDbBatches"}
 *
 * <p><b>Requests.</b> A batch may have items of several tables, and may be of any size: it is sent
 * in as many requests as the limits of DynamoDB ask for (100 keys to get; 25 writes and 16 MB),
 * side by side. Writes of the same item are sent one after the other, in the order of the batch.
 *
 * <p><b>Failures.</b> A bad key or write fails its caller alone, with the error of DynamoDB: a
 * request that it does not accept is searched by halves. What is left unprocessed, refused because
 * there is too much, or met by a failure inside DynamoDB is sent again after a pause, until the
 * timeout of the batch. Then callers get an {@link UnprocessedException}, or the failure; and a
 * {@link DeadlineExceededException} if there was no answer at all, so that it is unknown whether a
 * write was done. Other errors (no connection, no right) reach all callers of the request as they
 * are, after the tries that the client makes by itself.
 *
 * <p><b>Client.</b> It is used as it was given and never closed. With an asynchronous one no thread
 * waits; with the other each request has a virtual thread. What callers do next runs on a virtual
 * thread too, so that it may wait for the client.
 *
 * <p><b>Threads.</b> Handlers are immutable and thread safe: all workers share one. When a batch is
 * shut down its requests are cancelled.
 */
public final class DynamoDbBatches {
  private DynamoDbBatches() {}

  /**
   * Gets items by their keys. Equal keys of a batch are asked once, and all their callers get the
   * result.
   *
   * @param client sends the requests
   * @return to go on with {@link GetBatch#key}
   * @param <I> the type of an item of the batch, often the key itself
   */
  public static <I> GetBatch<I> get(DynamoDbAsyncClient client) {
    return new GetBatch<>(Client.of(client));
  }

  /**
   * Gets items by their keys, as {@link #get(DynamoDbAsyncClient)} does.
   *
   * @param client sends the requests
   * @return to go on with {@link GetBatch#key}
   * @param <I> the type of an item of the batch, often the key itself
   */
  public static <I> GetBatch<I> get(DynamoDbClient client) {
    return new GetBatch<>(Client.of(client));
  }

  /**
   * Puts and deletes items.
   *
   * @param client sends the requests
   * @return to go on with {@link WriteBatch#table}
   * @param <I> the type of an item of the batch
   */
  public static <I> WriteBatch<I> write(DynamoDbAsyncClient client) {
    return new WriteBatch<>(Client.of(client));
  }

  /**
   * Puts and deletes items, as {@link #write(DynamoDbAsyncClient)} does.
   *
   * @param client sends the requests
   * @return to go on with {@link WriteBatch#table}
   * @param <I> the type of an item of the batch
   */
  public static <I> WriteBatch<I> write(DynamoDbClient client) {
    return new WriteBatch<>(Client.of(client));
  }

  /**
   * How large an item is by the rules that DynamoDB documents, which it allows 400 KB. It can be
   * the weight of a batcher. The size of numbers is an estimate there, too.
   *
   * @param item its attributes
   * @return bytes
   */
  public static int sizeBytes(Map<String, AttributeValue> item) {
    return Sizes.clamped(Sizes.stored(item));
  }
}
