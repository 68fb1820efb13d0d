package io.headrace.dynamodb;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toList;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BatchGetItemRequest;
import software.amazon.awssdk.services.dynamodb.model.BatchGetItemResponse;
import software.amazon.awssdk.services.dynamodb.model.KeysAndAttributes;

/** Gets items. They come in any order, so each is known by its key, which is always read. */
final class GetRequests<I> extends Requests<I, ItemKey, BatchGetItemResponse> {
  private final Client client;
  private final Function<? super I, ItemKey> key;
  private final Function<? super Map<String, AttributeValue>, ?> mapper;
  private final Set<String> consistent;
  private final Map<String, Set<String>> attributes;

  GetRequests(
      Client client,
      Function<? super I, ItemKey> key,
      Function<? super Map<String, AttributeValue>, ?> mapper,
      Set<String> consistent,
      Map<String, Set<String>> attributes) {
    this.client = client;
    this.key = key;
    this.mapper = mapper;
    this.consistent = Set.copyOf(consistent);
    this.attributes = Map.copyOf(attributes);
  }

  @Override
  int most() {
    return 100;
  }

  @Override
  boolean asksOnce() {
    return true;
  }

  @Override
  String ifUnknown() {
    return "";
  }

  @Override
  Operation<ItemKey> operation(I item) {
    ItemKey asked = requireNonNull(key.apply(item), "the key of the item");
    long bytes = Sizes.sent(asked.key()) + Sizes.sentText(asked.table());
    return new Operation<>(
        asked.table(), requireNonNull(key(asked.table(), asked.key())), asked, bytes, false);
  }

  private static Object key(String table, Map<String, AttributeValue> key) {
    return requireNonNull(Attributes.key(table, key.keySet(), key));
  }

  @Override
  CompletableFuture<BatchGetItemResponse> send(List<Operation<ItemKey>> operations) {
    Map<String, KeysAndAttributes> tables = new HashMap<>();
    operations.stream()
        .map(operation -> operation.part)
        .collect(groupingBy(ItemKey::table, mapping(ItemKey::key, toList())))
        .forEach((table, keys) -> tables.put(table, request(table, keys)));
    return client.get().apply(BatchGetItemRequest.builder().requestItems(tables).build());
  }

  private KeysAndAttributes request(String table, List<Map<String, AttributeValue>> keys) {
    KeysAndAttributes.Builder request = KeysAndAttributes.builder().keys(keys);
    if (consistent.contains(table)) {
      request.consistentRead(true);
    }
    Set<String> read = attributes.get(table);
    if (read != null) {
      Set<String> names = new LinkedHashSet<>(read);
      keys.forEach(key -> names.addAll(key.keySet()));
      project(request, names);
    }
    return request.build();
  }

  /** Under other names, since many are reserved. */
  private static void project(KeysAndAttributes.Builder request, Set<String> names) {
    Map<String, String> placeholders = new HashMap<>();
    names.forEach(name -> placeholders.put("#a" + placeholders.size(), name));
    request
        .projectionExpression(String.join(",", placeholders.keySet()))
        .expressionAttributeNames(placeholders);
  }

  @Override
  List<Operation<ItemKey>> accept(
      List<Operation<ItemKey>> operations, BatchGetItemResponse response) {
    Map<String, Set<String>> names = new HashMap<>(); // or DynamoDB would have refused the request
    operations.forEach(operation -> names.put(operation.table, operation.part.key().keySet()));
    Unanswered<ItemKey> unanswered = new Unanswered<>(operations);
    response
        .responses()
        .forEach(
            (table, items) -> {
              for (Map<String, AttributeValue> item : items) {
                Set<String> ofKey = names.getOrDefault(table, Set.of());
                answer(unanswered.take(table, Attributes.key(table, ofKey, item)), item);
              }
            });
    List<Operation<ItemKey>> left = new ArrayList<>();
    response
        .unprocessedKeys()
        .forEach(
            (table, request) ->
                request.keys().forEach(key -> left.add(unanswered.take(table, key(table, key)))));
    unanswered
        .rest()
        .forEach(operation -> operation.answer.complete(null)); // there is no such item
    return left;
  }

  private void answer(Operation<ItemKey> operation, Map<String, AttributeValue> item) {
    try {
      operation.answer.complete(mapper.apply(item));
    } catch (Throwable failure) {
      operation.fail(failure);
    }
  }
}
