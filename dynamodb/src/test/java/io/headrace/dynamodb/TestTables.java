package io.headrace.dynamodb;

import static org.awaitility.Awaitility.await;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromN;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromS;

import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeDefinition;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.KeySchemaElement;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.TableStatus;

/** Tables of a test, which no other test has, and what is stored in them. */
final class TestTables {
  private static final AtomicInteger NUMBER = new AtomicInteger();

  private final DynamoDbAsyncClient client;
  private final int number = NUMBER.incrementAndGet();
  final String persons = "person" + number;
  final String stocks = "stock-" + number;

  TestTables(DynamoDbAsyncClient client) {
    this.client = client;
    create(client, persons, "id:S");
    create(client, stocks, "shop:N", "name:S");
  }

  /** Creates a table whose key has parts such as {@code id:S}, the name and the type. */
  static void create(DynamoDbAsyncClient client, String table, String... key) {
    client
        .createTable(
            create ->
                create
                    .tableName(table)
                    .billingMode(BillingMode.PAY_PER_REQUEST)
                    .attributeDefinitions(
                        Arrays.stream(key)
                            .map(
                                part ->
                                    AttributeDefinition.builder()
                                        .attributeName(part.substring(0, part.indexOf(':')))
                                        .attributeType(part.substring(part.indexOf(':') + 1))
                                        .build())
                            .toList())
                    .keySchema(
                        Arrays.stream(key)
                            .map(
                                part ->
                                    KeySchemaElement.builder()
                                        .attributeName(part.substring(0, part.indexOf(':')))
                                        .keyType(part.equals(key[0]) ? KeyType.HASH : KeyType.RANGE)
                                        .build())
                            .toList()))
        .join();
    await("table " + table)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(5))
        .until(
            () ->
                client
                        .describeTable(describe -> describe.tableName(table))
                        .join()
                        .table()
                        .tableStatus()
                    == TableStatus.ACTIVE);
  }

  ItemKey person(String id) {
    return new ItemKey(persons, Map.of("id", fromS(id)));
  }

  ItemKey stock(String shop, String name) {
    return new ItemKey(stocks, Map.of("shop", fromN(shop), "name", fromS(name)));
  }

  WriteOperation putPerson(String id, String name) {
    return WriteOperation.put(persons, Map.of("id", fromS(id), "name", fromS(name)));
  }

  WriteOperation putStock(String shop, String name, int count) {
    return WriteOperation.put(
        stocks,
        Map.of("shop", fromN(shop), "name", fromS(name), "count", fromN(Integer.toString(count))));
  }

  WriteOperation delete(ItemKey key) {
    return WriteOperation.delete(key.table(), key.key());
  }

  /** What is stored: an empty map if there is nothing. */
  Map<String, AttributeValue> stored(ItemKey key) {
    return client
        .getItem(get -> get.tableName(key.table()).key(key.key()).consistentRead(true))
        .join()
        .item();
  }

  /** The name of a person that is stored, or null. */
  String nameOf(String id) {
    AttributeValue name = stored(person(id)).get("name");
    return name == null ? null : name.s();
  }
}
