package io.headrace.dynamodb;

import static io.headrace.dynamodb.Batches.assertError;
import static io.headrace.dynamodb.Batches.assertFailure;
import static io.headrace.dynamodb.Batches.outcomes;
import static io.headrace.dynamodb.Batches.results;
import static org.assertj.core.api.Assertions.assertThat;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromN;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromS;

import io.headrace.AsyncHandler;
import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Outcomes;
import io.headrace.Workers;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/** What holds for every implementation of DynamoDB and either kind of client. */
@ParameterizedClass
@MethodSource("io.headrace.dynamodb.Endpoint#present")
class DynamoDbBatchesTest {
  private static final int BYTES_OF_ITEM = 400 << 10;

  private final Endpoint service;
  private final TestTables tables;

  DynamoDbBatchesTest(Endpoint service) {
    this.service = service;
    tables = new TestTables(service.asyncClient());
  }

  private AsyncHandler<ItemKey, Map<String, AttributeValue>> gets() {
    return service.<ItemKey>get().key(Function.identity()).one(Function.identity());
  }

  private AsyncHandler<String, String> names() {
    return service.<String>get().key(tables::person).one(item -> item.get("name").s());
  }

  private AsyncHandler<WriteOperation, Void> writes() {
    return service
        .<WriteOperation>write()
        .table(tables.persons, "id")
        .table(tables.stocks, "shop", "name")
        .each(Function.identity());
  }

  private static String id(int number) {
    return "p" + number;
  }

  @Test
  void itemsOfSeveralTablesReachTheirCallers() throws Exception {
    List<WriteOperation> puts = new ArrayList<>();
    List<ItemKey> keys = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      puts.add(tables.putPerson(id(i), "P" + i));
      puts.add(tables.putStock("1", "tea" + i, i));
      keys.add(tables.person(id(i)));
      keys.add(tables.stock("1", "tea" + i));
      keys.add(tables.person("nobody" + i));
    }
    assertThat(results(writes(), puts)).containsOnlyNulls().hasSize(60);
    Collections.shuffle(keys, new Random(1));
    List<Map<String, AttributeValue>> items = results(gets(), keys);
    for (int i = 0; i < keys.size(); i++) {
      ItemKey key = keys.get(i);
      boolean isMissing = key.toString().contains("nobody");
      if (isMissing) {
        assertThat(items.get(i)).as("item of %s", key).isNull();
      } else {
        assertThat(items.get(i))
            .containsAllEntriesOf(key.key())
            .hasSizeGreaterThan(key.key().size());
      }
    }
  }

  /** In async-batcher only the last of several callers with the same key got the item. */
  @Test
  void equalKeysAreAskedOnceAndAnsweredToAll() throws Exception {
    results(writes(), List.of(tables.putPerson("a", "Ann"), tables.putPerson("b", "Bob")));
    AtomicInteger mapped = new AtomicInteger();
    AsyncHandler<String, String> names =
        service
            .<String>get()
            .key(tables::person)
            .one(item -> item.get("name").s() + mapped.incrementAndGet() * 0);
    assertThat(results(names, List.of("a", "b", "a", "nobody", "a", "nobody")))
        .containsExactly("Ann0", "Bob0", "Ann0", null, "Ann0", null);
    assertThat(mapped).hasValue(2);
  }

  @Test
  void numbersOfKeysAreEqualWhateverTheirForm() throws Exception {
    results(
        writes(),
        List.of(
            tables.putStock("1.0", "tea", 3),
            tables.putStock("1", "tea", 4),
            tables.putStock("10", "tea", 5)));
    List<Map<String, AttributeValue>> items =
        results(
            gets(),
            List.of(
                tables.stock("1", "tea"),
                tables.stock("1.00", "tea"),
                tables.stock("1E1", "tea"),
                tables.stock("-0.0", "tea")));
    assertThat(items.get(0)).containsEntry("count", fromN("4"));
    assertThat(items.get(1)).isEqualTo(items.get(0));
    assertThat(items.get(2)).containsEntry("count", fromN("5"));
    assertThat(items.get(3)).isNull();
  }

  @Test
  void batchesMayBeLargerThanRequests() throws Exception {
    List<String> ids = IntStream.range(0, 230).mapToObj(DynamoDbBatchesTest::id).toList();
    results(writes(), ids.stream().map(id -> tables.putPerson(id, id)).toList());
    assertThat(results(names(), ids)).containsExactlyElementsOf(ids);
  }

  @Test
  void itemsThatAreTooMuchForOneResponseAreAllGot() throws Exception {
    String text = "x".repeat(BYTES_OF_ITEM - 100);
    List<String> ids = IntStream.range(0, 8).mapToObj(DynamoDbBatchesTest::id).toList();
    results(writes(), ids.stream().map(id -> tables.putPerson(id, text)).toList());
    assertThat(results(names(), ids)).containsOnly(text).hasSize(8);
  }

  @Test
  void someAttributesAreRead() throws Exception {
    results(writes(), List.of(tables.putPerson("a", "Ann"), tables.putStock("1", "tea", 3)));
    AsyncHandler<ItemKey, Map<String, AttributeValue>> some =
        service
            .<ItemKey>get()
            .key(Function.identity())
            .attributes(tables.stocks, "count", "shop", "size") // count and size are reserved words
            .attributes(tables.persons, "age")
            .consistentReads(tables.stocks, tables.persons)
            .one(Function.identity());
    assertThat(results(some, List.of(tables.stock("1", "tea"), tables.person("a"))))
        .containsExactly(
            Map.of("count", fromN("3"), "shop", fromN("1"), "name", fromS("tea")),
            Map.of("id", fromS("a")));
  }

  @Test
  void itemsAreDeleted() throws Exception {
    results(writes(), List.of(tables.putPerson("a", "Ann"), tables.putStock("1", "tea", 3)));
    results(
        writes(),
        List.of(
            tables.delete(tables.person("a")),
            tables.delete(tables.stock("1", "tea")),
            tables.delete(tables.person("nobody"))));
    assertThat(tables.stored(tables.person("a"))).isEmpty();
    assertThat(tables.stored(tables.stock("1", "tea"))).isEmpty();
  }

  /** DynamoDB refuses a request that has two of them. */
  @Test
  void writesOfTheSameItemKeepTheirOrder() throws Exception {
    assertThat(
            results(
                writes(),
                List.of(
                    tables.putPerson("a", "Ann"),
                    tables.putPerson("b", "Bob"),
                    tables.putPerson("a", "Anna"),
                    tables.delete(tables.person("b")),
                    tables.putPerson("c", "Cid"),
                    tables.delete(tables.person("a")),
                    tables.putPerson("a", "Annie"))))
        .containsOnlyNulls()
        .hasSize(7);
    assertThat(Stream.of("a", "b", "c").map(tables::nameOf)).containsExactly("Annie", null, "Cid");
  }

  @Test
  void badWritesFailAlone() throws Exception {
    WriteOperation withoutKey = WriteOperation.put(tables.persons, Map.of("name", fromS("Nobody")));
    WriteOperation wrongType = WriteOperation.put(tables.persons, Map.of("id", fromN("1")));
    WriteOperation emptyKey = WriteOperation.put(tables.persons, Map.of("id", fromS("")));
    WriteOperation noNumber =
        WriteOperation.put(tables.persons, Map.of("id", fromS("n"), "age", fromN("old")));
    WriteOperation longKey =
        WriteOperation.delete(tables.persons, Map.of("id", fromS("a"), "name", fromS("Ann")));
    Outcomes<Void> outcomes =
        outcomes(
            writes(),
            List.of(
                tables.putPerson("a", "Ann"),
                withoutKey,
                tables.putPerson("large", "x".repeat(BYTES_OF_ITEM)),
                tables.putPerson("b", "Bob"),
                wrongType,
                emptyKey,
                tables.putStock("1", "tea", 3),
                noNumber,
                longKey,
                tables.putPerson("c", "Cid")));
    for (int bad : List.of(1, 2, 4, 5, 7, 8)) {
      assertError(outcomes, bad, "ValidationException");
    }
    assertFailure(outcomes, 2).hasMessageContaining("Item size");
    assertThat(outcomes.failures()).isEqualTo(6);
    assertThat(Stream.of("a", "b", "c").map(tables::nameOf)).containsExactly("Ann", "Bob", "Cid");
    assertThat(tables.stored(tables.stock("1", "tea"))).isNotEmpty();
  }

  @Test
  void aBadWriteDoesNotHoldUpALaterOneOfTheSameItem() throws Exception {
    Outcomes<Void> outcomes =
        outcomes(
            writes(),
            List.of(
                tables.putPerson("a", "Ann"),
                tables.putPerson("a", "x".repeat(BYTES_OF_ITEM)),
                tables.putPerson("a", "Anna")));
    assertError(outcomes, 1, "ValidationException");
    assertThat(outcomes.failures()).isEqualTo(1);
    assertThat(tables.nameOf("a")).isEqualTo("Anna");
  }

  @Test
  void badKeysFailAlone() throws Exception {
    results(writes(), List.of(tables.putPerson("a", "Ann"), tables.putPerson("b", "Bob")));
    ItemKey wrongName = new ItemKey(tables.persons, Map.of("name", fromS("Ann")));
    ItemKey wrongType = new ItemKey(tables.persons, Map.of("id", fromN("1")));
    ItemKey noNumber = tables.stock("many", "tea");
    ItemKey noKey = new ItemKey(tables.persons, Map.of());
    Outcomes<Map<String, AttributeValue>> outcomes =
        outcomes(
            gets(),
            List.of(tables.person("a"), wrongName, wrongType, tables.person("b"), noNumber, noKey));
    for (int bad : List.of(1, 2, 4, 5)) {
      assertError(outcomes, bad, "ValidationException");
    }
    assertThat(outcomes.get(0)).containsEntry("name", fromS("Ann"));
    assertThat(outcomes.get(3)).containsEntry("name", fromS("Bob"));
  }

  @Test
  void aTableThatDoesNotExistFailsItsCallers() throws Exception {
    results(writes(), List.of(tables.putPerson("a", "Ann")));
    ItemKey lost = new ItemKey("no-such-table", Map.of("id", fromS("a")));
    Outcomes<Map<String, AttributeValue>> got =
        outcomes(gets(), List.of(lost, tables.person("a"), lost));
    assertError(got, 0, "ResourceNotFoundException");
    assertError(got, 2, "ResourceNotFoundException");
    assertThat(got.get(1)).containsEntry("name", fromS("Ann"));

    AsyncHandler<WriteOperation, Void> writes =
        service
            .<WriteOperation>write()
            .table(tables.persons, "id")
            .table("no-such-table", "id")
            .each(Function.identity());
    Outcomes<Void> written =
        outcomes(
            writes,
            List.of(
                tables.putPerson("b", "Bob"),
                WriteOperation.put("no-such-table", Map.of("id", fromS("a")))));
    assertError(written, 1, "ResourceNotFoundException");
    assertThat(written.failures()).isEqualTo(1);
    assertThat(tables.nameOf("b")).isEqualTo("Bob");
  }

  @Test
  void whatTheFunctionsThrowFailsTheirCallersAlone() throws Exception {
    results(writes(), List.of(tables.putPerson("a", "Ann"), tables.putPerson("b", "Bob")));
    IllegalStateException error = new IllegalStateException("as the test wants it");
    AsyncHandler<String, String> names =
        service
            .<String>get()
            .key(
                id -> {
                  if (id.equals("bad")) {
                    throw error;
                  }
                  return tables.person(id);
                })
            .one(
                item -> {
                  if (item.get("id").s().equals("a")) {
                    throw error;
                  }
                  return item.get("name").s();
                });
    Outcomes<String> outcomes = outcomes(names, List.of("a", "bad", "b", "a"));
    for (int bad : List.of(0, 1, 3)) {
      assertFailure(outcomes, bad).isSameAs(error);
    }
    assertThat(outcomes.get(2)).isEqualTo("Bob");
  }

  @Test
  void aTableThatWasNotNamedFailsItsCallerAlone() throws Exception {
    Outcomes<Void> outcomes =
        outcomes(
            service.<WriteOperation>write().table(tables.persons, "id").each(Function.identity()),
            List.of(tables.putStock("1", "tea", 3), tables.putPerson("a", "Ann")));
    assertFailure(outcomes, 0)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "table %s is not one of [%s]: name it with table()"
                .formatted(tables.stocks, tables.persons));
    assertThat(outcomes.failures()).isEqualTo(1);
    assertThat(tables.nameOf("a")).isEqualTo("Ann");
  }

  @Test
  void manyCallersShareRequests() {
    List<WriteOperation> puts =
        IntStream.range(0, 500).mapToObj(i -> tables.putPerson(id(i), "P" + i)).toList();
    List<CompletableFuture<Void>> written;
    try (Batcher<WriteOperation, Void> batcher =
        Batcher.<WriteOperation, Void>asyncBuilder(writes())
            .batch(BatchPolicy.greedy(50))
            .workers(Workers.threads(2))
            .build()) {
      written = batcher.submitAll(puts);
    }
    assertThat(written).allMatch(future -> !future.isCompletedExceptionally());
    List<CompletableFuture<String>> read;
    try (Batcher<String, String> batcher =
        Batcher.<String, String>asyncBuilder(names()).batch(BatchPolicy.greedy(100)).build()) {
      read = batcher.submitAll(IntStream.range(0, 510).mapToObj(DynamoDbBatchesTest::id).toList());
    }
    assertThat(read.stream().map(CompletableFuture::join).limit(500))
        .containsExactlyElementsOf(IntStream.range(0, 500).mapToObj(i -> "P" + i).toList());
    assertThat(read.stream().skip(500).map(CompletableFuture::join)).containsOnlyNulls();
  }
}
