package io.headrace.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.Workers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The examples of the Javadoc, compiled and executed. */
class SnippetsTest {

  @Test
  void virtualTime() {
    // @start region="virtualTime"
    VirtualTime time = new VirtualTime();
    Batcher<String, String> batcher =
        Batcher.<String, String>asyncBuilder(
                items -> time.after(List.copyOf(items), Duration.ofSeconds(1)))
            .batch(BatchPolicy.fixed(10, Duration.ofMillis(5)))
            .workers(Workers.executor(Runnable::run, 1))
            .timeSource(time)
            .build();

    CompletableFuture<String> answer = batcher.submit("a");
    time.advance(Duration.ofMillis(1004)); // 5 ms to collect, 1 s to handle
    assertThat(answer).isNotDone();
    time.advance(Duration.ofMillis(1));
    assertThat(answer).isCompletedWithValue("a");
    // @end
    batcher.close();
  }

  @Test
  void steppedExecutor() {
    // @start region="steppedExecutor"
    SteppedExecutor workers = new SteppedExecutor();
    Batcher<String, Integer> batcher =
        Batcher.<String, Integer>builder(items -> items.stream().map(item -> items.size()).toList())
            .workers(Workers.executor(workers, 1))
            .build();

    CompletableFuture<Integer> first = batcher.submit("a"); // goes at once, alone
    CompletableFuture<Integer> second = batcher.submit("b"); // waits: the worker is busy
    CompletableFuture<Integer> third = batcher.submit("c");
    assertThat(workers.pending()).isEqualTo(1);

    workers.runNext();
    assertThat(first).isCompletedWithValue(1);
    assertThat(second).isCompletedWithValue(2);
    assertThat(third).isCompletedWithValue(2);
    // @end
    batcher.close();
  }

  @Test
  void simulation() {
    // @start region="simulation"
    Duration objective = Duration.ofMillis(100);
    ArrivalTrace trace = ArrivalTrace.bursty(1_000, 10, Duration.ofSeconds(10), 42);
    Simulation simulation =
        new Simulation(
            trace,
            (size, random) -> 10_000_000 + 250_000L * size, // 10 ms, and 0.25 ms for each item
            1,
            objective,
            42);
    Simulation.Result greedy = simulation.run(BatchPolicy.greedy(64));
    Simulation.Result adaptive = simulation.run(BatchPolicy.adaptive(64, objective));
    assertThat(adaptive.share()).isGreaterThanOrEqualTo(greedy.share());
    // @end
  }
}
