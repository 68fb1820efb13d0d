package io.headrace.dynamodb;

import static java.util.Objects.requireNonNull;

import io.headrace.TimeSource;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Supplier;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.BatchGetItemRequest;
import software.amazon.awssdk.services.dynamodb.model.BatchGetItemResponse;
import software.amazon.awssdk.services.dynamodb.model.BatchWriteItemRequest;
import software.amazon.awssdk.services.dynamodb.model.BatchWriteItemResponse;

/** The two calls that are made of a client of either kind. */
record Client(
    Function<BatchGetItemRequest, CompletableFuture<BatchGetItemResponse>> get,
    Function<BatchWriteItemRequest, CompletableFuture<BatchWriteItemResponse>> write) {

  static Client of(DynamoDbAsyncClient client) {
    requireNonNull(client, "client");
    return new Client(client::batchGetItem, client::batchWriteItem);
  }

  static Client of(DynamoDbClient client) {
    requireNonNull(client, "client");
    return new Client(
        request -> call(() -> client.batchGetItem(request)),
        request -> call(() -> client.batchWriteItem(request)));
  }

  /** On a virtual thread, which is interrupted if the answer is cancelled. */
  private static <R> CompletableFuture<R> call(Supplier<R> request) {
    CompletableFuture<R> answer = new CompletableFuture<>();
    TimeSource.system().execute(() -> run(request, answer));
    return answer;
  }

  private static <R> void run(Supplier<R> request, CompletableFuture<R> answer) {
    Thread thread = Thread.currentThread();
    var _ =
        answer.whenComplete(
            (response, failure) -> {
              if (answer.isCancelled()) {
                thread.interrupt();
              }
            });
    try {
      answer.complete(request.get());
    } catch (Throwable failure) {
      answer.completeExceptionally(failure);
    }
  }
}
