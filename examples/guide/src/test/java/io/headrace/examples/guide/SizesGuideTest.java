package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.CallOptions;
import io.headrace.Handler;
import io.headrace.Splitter;
import io.headrace.testkit.ArrivalTrace;
import io.headrace.testkit.Simulation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The examples of docs/guide/choose-batch-sizes.md. */
class SizesGuideTest {
  @Test
  void measure() throws Exception {
    Handler<String, Integer> handler = texts -> texts.stream().map(String::length).toList();
    Map<Integer, Long> cost = new TreeMap<>();
    // @start region="measureCost"
    for (int size : List.of(1, 2, 4, 8, 16, 32, 64)) {
      List<String> batch = Collections.nCopies(size, "a typical text");
      for (int i = 0; i < 100; i++) { // warm
        handler.handle(batch);
      }
      long start = System.nanoTime();
      for (int i = 0; i < 20; i++) {
        handler.handle(batch);
      }
      cost.put(size, (System.nanoTime() - start) / 20);
    }
    // @end
    assertThat(cost).hasSize(7);
  }

  @Test
  void simulate() {
    List<String> lines = new ArrayList<>();
    // @start region="simulate"
    Duration objective = Duration.ofMillis(100);
    Simulation simulation =
        new Simulation(
            ArrivalTrace.bursty(2_600, 10, Duration.ofSeconds(20), 42), // 2,600 a second, in groups
            (size, random) -> 10_000_000 + 250_000L * size, // 10 ms, and 0.25 ms for each item
            1, // worker
            objective,
            42);

    Map<String, BatchPolicy> policies =
        Map.of(
            "one by one", BatchPolicy.greedy(1),
            "greedy(64)", BatchPolicy.greedy(64),
            "fixed(64, 20 ms)", BatchPolicy.fixed(64, Duration.ofMillis(20)),
            "adaptive(64, 100 ms)", BatchPolicy.adaptive(64, objective));
    policies.forEach(
        (name, policy) -> {
          Simulation.Result result = simulation.run(policy);
          lines.add(
              "%-20s in time %5.1f %%, p50 %3d ms, p99 %3d ms, batches of %4.1f"
                  .formatted(
                      name,
                      100 * result.share(),
                      result.p50Nanos() / 1_000_000,
                      result.p99Nanos() / 1_000_000,
                      result.meanBatch()));
        });
    // @end
    Collections.sort(lines);
    assertThat(lines).hasSize(4);
    lines.forEach(System.out::println);
  }

  record Request(String tenant, int tokens) {}

  @Test
  void weights() throws Exception {
    Handler<Request, Integer> model = requests -> requests.stream().map(Request::tokens).toList();
    // @start region="weights"
    Batcher<Request, Integer> batcher =
        Batcher.<Request, Integer>builder(model)
            .batch(BatchPolicy.greedy(4096)) // tokens, not requests
            .weight(Request::tokens)
            .bucket(Request::tenant) // tenants do not share a batch
            .build();
    // @end
    try (batcher) {
      assertThat(batcher.call(new Request("a", 17))).isEqualTo(17);
    }
  }

  // @start region="splitter"
  static final class Parts implements Splitter<Request, Integer> {
    @Override
    public List<Request> split(Request request, int maxTokens) {
      List<Request> parts = new ArrayList<>();
      for (int left = request.tokens(); left > 0; left -= maxTokens) {
        parts.add(new Request(request.tenant(), Math.min(left, maxTokens)));
      }
      return parts;
    }

    @Override
    public Integer join(Request request, List<Integer> results) { // in the order of the parts
      return results.stream().mapToInt(n -> n).sum();
    }
  }

  // @end

  @Test
  void splitter() throws Exception {
    Handler<Request, Integer> model = requests -> requests.stream().map(Request::tokens).toList();
    // @start region="split"
    Batcher<Request, Integer> batcher =
        Batcher.<Request, Integer>builder(model)
            .batch(BatchPolicy.greedy(4096))
            .weight(Request::tokens)
            .split(new Parts())
            .build();
    // @end
    try (batcher) {
      assertThat(batcher.call(new Request("a", 10_000))).isEqualTo(10_000);
    }
  }

  @Test
  void adaptive() throws Exception {
    Handler<String, Integer> model = texts -> texts.stream().map(String::length).toList();
    // @start region="adaptive"
    Duration objective = Duration.ofMillis(100);
    Batcher<String, Integer> batcher =
        Batcher.<String, Integer>builder(model).batch(BatchPolicy.adaptive(256, objective)).build();
    CallOptions inTime = CallOptions.timeout(objective); // what cannot be in time is refused
    // @end
    try (batcher) {
      assertThat(batcher.call("four", inTime.withTimeout(Duration.ofMinutes(1)))).isEqualTo(4);
    }
  }
}
