package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.BatcherGroup;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.Outcomes;
import io.headrace.Workers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** The examples of docs/from-python.md that were written with async-batcher before. */
class FromAsyncBatcherTest {
  @Test
  void batcher() throws Exception {
    // @start region="batcherArguments"
    Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(
                numbers -> numbers.stream().map(n -> n * 2).toList()) // process_batch
            .batch(BatchPolicy.fixed(100, Duration.ofMillis(10))) // max_batch_size, max_queue_time
            .workers(Workers.virtualThreads(4)) // concurrency=4
            .queue(1000, OnFull.fail()) // max_queue_size=1000
            .build();

    int doubled = batcher.call(21); // await batcher.process(21)

    batcher.close(); // await batcher.stop()
    // @end
    assertThat(doubled).isEqualTo(42);
  }

  @Test
  void asyncBatch() throws Exception {
    List<Integer> answers = new ArrayList<>();
    // @start region="batcherAsync"
    try (Batcher<String, Integer> batcher =
        Batcher.<String, Integer>asyncBuilder(words -> Client.lengths(words)) // returns a future
            .workers(Workers.unlimited()) // concurrency=-1
            .build()) {
      answers.add(batcher.call("hello"));
    }
    // @end
    assertThat(answers).containsExactly(5);
  }

  static final class Client {
    static CompletableFuture<List<Integer>> lengths(List<String> words) {
      return CompletableFuture.supplyAsync(() -> words.stream().map(String::length).toList());
    }
  }

  @Test
  void executor() throws Exception {
    List<Integer> answers = new ArrayList<>();
    // @start region="batcherExecutor"
    try (ExecutorService executor = Executors.newFixedThreadPool(2);
        Batcher<String, Integer> batcher =
            Batcher.builder(Handler.each(String::length)) // a function of one item
                .workers(Workers.executor(executor, 2)) // executor=..., concurrency=2
                .build()) {
      answers.add(batcher.call("hello"));
    }
    // @end
    assertThat(answers).containsExactly(5);
  }

  @Test
  void failureOfOneItem() throws Exception {
    // @start region="batcherOutcomes"
    Handler<String, Integer> parse =
        texts -> {
          Outcomes<Integer> outcomes = new Outcomes<>(texts.size());
          for (String text : texts) {
            try {
              outcomes.add(Integer.valueOf(text));
            } catch (NumberFormatException e) {
              outcomes.addFailure(e); // [..., ValueError(...), ...]
            }
          }
          return outcomes;
        };
    // @end
    try (Batcher<String, Integer> batcher = Batcher.builder(parse).build()) {
      CompletableFuture<Integer> bad = batcher.submit("x");
      assertThat(batcher.call("7")).isEqualTo(7);
      assertThatThrownBy(bad::join).hasCauseInstanceOf(NumberFormatException.class);
    }
  }

  @Test
  void stopping() throws Exception {
    Batcher<String, Integer> batcher = Batcher.builder(Handler.each(String::length)).build();
    // @start region="batcherStop"
    boolean drained = batcher.close(Duration.ofSeconds(5)); // await batcher.stop(timeout=5)
    batcher.shutdownNow(); // await batcher.stop(force=True)
    // @end
    assertThat(drained).isTrue();
  }

  @Test
  void group() throws Exception {
    List<Integer> answers = new ArrayList<>();
    // @start region="batcherGroup"
    try (BatcherGroup group = new BatcherGroup()) {
      Batcher<String, Integer> lengths =
          group.add(Batcher.builder(Handler.each(String::length)).name("lengths").build());
      answers.add(lengths.call("hello"));
      group.statistics().forEach((name, figures) -> log(name + ": " + figures.completed()));
    } // closes all of them
    // @end
    assertThat(answers).containsExactly(5);
  }

  private static void log(String line) {
    assertThat(line).matches("lengths: [01]"); // counted soon after the caller has its answer
  }
}
