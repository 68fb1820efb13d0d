package io.headrace.dynamodb;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.model.BatchGetItemRequest;
import software.amazon.awssdk.services.dynamodb.model.BatchGetItemResponse;
import software.amazon.awssdk.services.dynamodb.model.BatchWriteItemRequest;
import software.amazon.awssdk.services.dynamodb.model.BatchWriteItemResponse;

/** A client whose requests a test answers by hand. */
final class SentRequests implements DynamoDbAsyncClient {
  record Get(BatchGetItemRequest request, CompletableFuture<BatchGetItemResponse> answer) {}

  record Write(BatchWriteItemRequest request, CompletableFuture<BatchWriteItemResponse> answer) {
    void done() {
      answer.complete(BatchWriteItemResponse.builder().build());
    }

    void unprocessed() {
      answer.complete(
          BatchWriteItemResponse.builder().unprocessedItems(request.requestItems()).build());
    }
  }

  final List<Get> gets = new ArrayList<>();
  final List<Write> writes = new ArrayList<>();

  @Override
  public CompletableFuture<BatchGetItemResponse> batchGetItem(BatchGetItemRequest request) {
    Get get = new Get(request, new CompletableFuture<>());
    gets.add(get);
    return get.answer;
  }

  @Override
  public CompletableFuture<BatchWriteItemResponse> batchWriteItem(BatchWriteItemRequest request) {
    Write write = new Write(request, new CompletableFuture<>());
    writes.add(write);
    return write.answer;
  }

  @Override
  public String serviceName() {
    return SERVICE_NAME;
  }

  @Override
  public void close() {
    throw new AssertionError("closed, though it belongs to others");
  }
}
