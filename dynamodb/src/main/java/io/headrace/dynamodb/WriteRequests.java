package io.headrace.dynamodb;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toList;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BatchWriteItemRequest;
import software.amazon.awssdk.services.dynamodb.model.BatchWriteItemResponse;
import software.amazon.awssdk.services.dynamodb.model.WriteRequest;

/** Puts and deletes items. */
final class WriteRequests<I> extends Requests<I, WriteRequest, BatchWriteItemResponse> {
  private static final long MOST_BYTES_OF_ITEM = 400 << 10;

  private final Client client;
  private final Function<? super I, WriteOperation> operation;
  private final Map<String, List<String>> keys;

  WriteRequests(
      Client client,
      Function<? super I, WriteOperation> operation,
      Map<String, List<String>> keys) {
    this.client = client;
    this.operation = operation;
    this.keys = Map.copyOf(keys);
  }

  @Override
  int most() {
    return 25;
  }

  @Override
  boolean asksOnce() {
    return false;
  }

  @Override
  String ifUnknown() {
    return ", so that it is unknown whether it was written";
  }

  @Override
  Operation<WriteRequest> operation(I item) {
    WriteOperation write = requireNonNull(operation.apply(item), "the operation of the item");
    List<String> names = keys.get(write.table);
    if (names == null) {
      throw new IllegalArgumentException(
          "table " + write.table + " is not one of " + keys.keySet() + ": name it with table()");
    }
    Object key = Attributes.key(write.table, names, write.attributes);
    return new Operation<>(
        write.table,
        key == null ? new Object() : key,
        write.request(),
        Sizes.sent(write.attributes) + Sizes.sentText(write.table),
        key == null || isSuspect(write, names));
  }

  /** DynamoDB has the last word, but others should not have to be sent again for it. */
  private static boolean isSuspect(WriteOperation write, List<String> key) {
    return write.isPut
        ? Sizes.stored(write.attributes) > MOST_BYTES_OF_ITEM
        : !write.attributes.keySet().equals(new HashSet<>(key));
  }

  @Override
  CompletableFuture<BatchWriteItemResponse> send(List<Operation<WriteRequest>> operations) {
    Map<String, List<WriteRequest>> tables =
        operations.stream()
            .collect(
                groupingBy(
                    operation -> operation.table, mapping(operation -> operation.part, toList())));
    return client.write().apply(BatchWriteItemRequest.builder().requestItems(tables).build());
  }

  @Override
  List<Operation<WriteRequest>> accept(
      List<Operation<WriteRequest>> operations, BatchWriteItemResponse response) {
    Unanswered<WriteRequest> unanswered = new Unanswered<>(operations);
    List<Operation<WriteRequest>> left = new ArrayList<>();
    response
        .unprocessedItems()
        .forEach(
            (table, writes) ->
                writes.forEach(write -> left.add(unanswered.take(table, key(table, write)))));
    unanswered.rest().forEach(operation -> operation.answer.complete(null));
    return left;
  }

  private @Nullable Object key(String table, WriteRequest write) {
    Map<String, AttributeValue> attributes =
        write.putRequest() != null ? write.putRequest().item() : write.deleteRequest().key();
    return Attributes.key(table, keys.getOrDefault(table, List.of()), attributes);
  }
}
