package io.headrace.dynamodb;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromN;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromS;

import io.headrace.AsyncHandler;
import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Workers;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.DynamoDbException;

/** The examples of docs/guide/dynamodb.md. */
class DynamoDbGuideTest {
  private final DynamoDbServer server;
  private final DynamoDbAsyncClient client;

  DynamoDbGuideTest() throws IOException {
    server = new DynamoDbServer();
    client = new Endpoint("own", server.uri(), true).asyncClient();
  }

  @BeforeEach
  void tables() {
    TestTables.create(client, "person", "id:S");
    TestTables.create(client, "stock", "shop:N", "name:S");
  }

  @AfterEach
  void close() {
    server.close();
  }

  // @start region="dynamoDbBatches"
  record Person(String id, String name) {}

  static final class Persons implements AutoCloseable {
    private final Batcher<String, Person> byId;
    private final Batcher<Person, Void> puts;

    Persons(DynamoDbAsyncClient client) {
      byId =
          batcher(
              DynamoDbBatches.<String>get(client)
                  .key(id -> new ItemKey("person", Map.of("id", fromS(id))))
                  .one(item -> new Person(item.get("id").s(), item.get("name").s())));
      puts =
          batcher(
              DynamoDbBatches.<Person>write(client)
                  .table("person", "id") // its key
                  .each(
                      person ->
                          WriteOperation.put(
                              "person",
                              Map.of("id", fromS(person.id()), "name", fromS(person.name())))));
    }

    private static <I, O> Batcher<I, O> batcher(AsyncHandler<I, O> handler) {
      return Batcher.<I, O>asyncBuilder(handler)
          .batch(BatchPolicy.greedy(100))
          .workers(Workers.virtualThreads(2)) // two batches in flight
          .build();
    }

    /** Null if there is none. */
    Person find(String id) throws InterruptedException {
      return byId.call(id);
    }

    void put(Person person) throws InterruptedException {
      puts.call(person);
    }

    @Override
    public void close() {
      byId.close();
      puts.close();
    }
  }

  // @end

  @Test
  void persons() throws Exception {
    try (Persons persons = new Persons(client)) {
      persons.put(new Person("a", "Ann"));
      assertThat(persons.find("a")).isEqualTo(new Person("a", "Ann"));
      assertThat(persons.find("b")).isNull();
    }
  }

  // @start region="dynamoDbTables"
  sealed interface Change {}

  record Hired(String id, String name) implements Change {}

  record Fired(String id) implements Change {}

  record Counted(int shop, String name, int count) implements Change {}

  static AsyncHandler<Change, Void> changes(DynamoDbAsyncClient client) {
    return DynamoDbBatches.<Change>write(client)
        .table("person", "id")
        .table("stock", "shop", "name")
        .each(DynamoDbGuideTest::operation);
  }

  private static WriteOperation operation(Change change) {
    return switch (change) {
      case Hired(String id, String name) ->
          WriteOperation.put("person", Map.of("id", fromS(id), "name", fromS(name)));
      case Fired(String id) -> WriteOperation.delete("person", Map.of("id", fromS(id)));
      case Counted(int shop, String name, int count) ->
          WriteOperation.put(
              "stock", Map.of("shop", number(shop), "name", fromS(name), "count", number(count)));
    };
  }

  private static AttributeValue number(int value) {
    return fromN(Integer.toString(value));
  }

  // @end

  @Test
  void severalTables() throws Exception {
    List<Change> changes =
        List.of(
            new Hired("a", "Ann"), new Counted(1, "tea", 5), new Fired("a"), new Hired("b", "Bob"));
    assertThat(Batches.results(changes(client), changes)).containsOnlyNulls().hasSize(4);
    // @start region="dynamoDbGet"
    AsyncHandler<ItemKey, Map<String, AttributeValue>> items =
        DynamoDbBatches.<ItemKey>get(client)
            .key(key -> key)
            .attributes("stock", "count") // and those of the key
            .consistentReads("person", "stock")
            .timeout(Duration.ofSeconds(30))
            .one(item -> item);
    // @end
    List<ItemKey> keys =
        List.of(
            new ItemKey("person", Map.of("id", fromS("a"))),
            new ItemKey("stock", Map.of("shop", number(1), "name", fromS("tea"))),
            new ItemKey("person", Map.of("id", fromS("b"))));
    assertThat(Batches.results(items, keys))
        .containsExactly(
            null,
            Map.of("shop", number(1), "name", fromS("tea"), "count", number(5)),
            Map.of("id", fromS("b"), "name", fromS("Bob")));
  }

  @Test
  void badItem() {
    AsyncHandler<Change, Void> changes = changes(client);
    Batcher<Change, Void> batcher = Batcher.<Change, Void>asyncBuilder(changes).build();
    // @start region="dynamoDbBadItem"
    List<CompletableFuture<Void>> answers =
        batcher.submitAll(
            List.of(
                new Hired("a", "Ann"),
                new Hired("b", "b".repeat(500_000)), // an item may have 400 KB
                new Hired("c", "Cid")));
    batcher.close();

    assertThat(answers.get(0)).isCompleted();
    assertThat(answers.get(1))
        .failsWithin(Duration.ZERO)
        .withThrowableOfType(ExecutionException.class)
        .withCauseInstanceOf(DynamoDbException.class); // of DynamoDB: ValidationException
    assertThat(answers.get(2)).isCompleted();
    // @end
  }

  @Test
  void weights() {
    AsyncHandler<Map<String, AttributeValue>, Void> puts =
        DynamoDbBatches.<Map<String, AttributeValue>>write(client)
            .table("person", "id")
            .each(item -> WriteOperation.put("person", item));
    // @start region="dynamoDbWeight"
    Batcher<Map<String, AttributeValue>, Void> batcher =
        Batcher.<Map<String, AttributeValue>, Void>asyncBuilder(puts)
            .weight(DynamoDbBatches::sizeBytes)
            .batch(BatchPolicy.greedy(1 << 20)) // a megabyte, whatever the number of items
            .build();
    // @end
    List<CompletableFuture<Void>> answers =
        batcher.submitAll(
            Stream.of("a", "b", "c")
                .map(id -> Map.of("id", fromS(id), "photo", fromS("x".repeat(390 << 10))))
                .collect(toSet()));
    batcher.close();
    assertThat(answers).allMatch(answer -> !answer.isCompletedExceptionally());
    assertThat(server.batches).hasSizeGreaterThan(1);
  }
}
