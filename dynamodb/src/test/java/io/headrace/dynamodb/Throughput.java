package io.headrace.dynamodb;

import static org.assertj.core.api.Assertions.assertThat;
import static software.amazon.awssdk.services.dynamodb.model.AttributeValue.fromS;

import io.headrace.AsyncHandler;
import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;

/**
 * Gets and puts of 100 virtual threads, one by one and through a batcher, at a server of ours that
 * takes 2 milliseconds for a request. A closed loop: each thread asks again when it has its answer.
 * Runs only when it is asked for by its name.
 */
@Timeout(300)
class Throughput {
  private static final int CALLERS = 100;
  private static final int ITEMS = 10_000;
  private static final int ROUNDS = 5;
  private static final int SECONDS = 3;
  private static final int IN_FLIGHT = 2;

  private interface Work {
    void run() throws Exception;
  }

  @Test
  void measure() throws Exception {
    try (DynamoDbServer server = new DynamoDbServer()) {
      DynamoDbAsyncClient client = new Endpoint("own", server.uri(), true).asyncClient();
      TestTables.create(client, "person", "id:S");
      AsyncHandler<String, Void> put =
          DynamoDbBatches.<String>write(client)
              .table("person", "id")
              .each(id -> WriteOperation.put("person", person(id)));
      AsyncHandler<String, String> get =
          DynamoDbBatches.<String>get(client)
              .key(id -> new ItemKey("person", Map.of("id", fromS(id))))
              .one(item -> item.get("name").s());
      Batches.results(put, IntStream.range(0, ITEMS).mapToObj(Integer::toString).toList());
      server.delayMillis = 2;
      try (Batcher<String, String> gets = batcher(get);
          Batcher<String, Void> puts = batcher(put)) {
        compare(
            server,
            "get",
            () ->
                assertThat(
                        client
                            .getItem(
                                one -> one.tableName("person").key(Map.of("id", fromS(anyId()))))
                            .join()
                            .item())
                    .isNotEmpty(),
            () -> assertThat(gets.call(anyId())).isNotNull());
        compare(
            server,
            "put",
            () -> client.putItem(one -> one.tableName("person").item(person(anyId()))).join(),
            () -> puts.call(anyId()));
      }
    }
  }

  private static <O> Batcher<String, O> batcher(AsyncHandler<String, O> handler) {
    return Batcher.<String, O>asyncBuilder(handler)
        .batch(BatchPolicy.greedy(100))
        .workers(Workers.virtualThreads(IN_FLIGHT))
        .build();
  }

  private static Map<String, AttributeValue> person(String id) {
    return Map.of("id", fromS(id), "name", fromS("name of " + id));
  }

  private static String anyId() {
    return Integer.toString(ThreadLocalRandom.current().nextInt(ITEMS));
  }

  private static void compare(DynamoDbServer server, String what, Work single, Work batched)
      throws Exception {
    double[] one = new double[ROUNDS];
    double[] many = new double[ROUNDS];
    for (int i = 0; i < 2; i++) {
      round(single);
      round(batched);
    }
    for (int i = 0; i < ROUNDS; i++) {
      one[i] = round(single);
      many[i] = round(batched);
      server.batches.clear();
    }
    Arrays.sort(one);
    Arrays.sort(many);
    System.out.printf(
        "%s, %d callers: one by one %,.0f/s [%,.0f to %,.0f], batched (%d in flight) %,.0f/s"
            + " [%,.0f to %,.0f], ratio %.1f%n",
        what,
        CALLERS,
        one[ROUNDS / 2],
        one[0],
        one[ROUNDS - 1],
        IN_FLIGHT,
        many[ROUNDS / 2],
        many[0],
        many[ROUNDS - 1],
        many[ROUNDS / 2] / one[ROUNDS / 2]);
  }

  /** Calls a second. */
  private static double round(Work work) throws Exception {
    LongAdder calls = new LongAdder();
    long start = System.nanoTime();
    long nanos = TimeUnit.SECONDS.toNanos(SECONDS);
    List<Future<?>> done = new ArrayList<>();
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < CALLERS; i++) {
        done.add(
            callers.submit(
                () -> {
                  while (System.nanoTime() - start < nanos) {
                    work.run();
                    calls.increment();
                  }
                  return null;
                }));
      }
    }
    for (Future<?> caller : done) {
      caller.get();
    }
    return calls.sum() / ((System.nanoTime() - start) / 1e9);
  }
}
