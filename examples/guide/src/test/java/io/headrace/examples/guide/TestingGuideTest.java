package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.CallOptions;
import io.headrace.Coalescer;
import io.headrace.DeadlineExceededException;
import io.headrace.Permit;
import io.headrace.Service;
import io.headrace.Throttle;
import io.headrace.Workers;
import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The examples of docs/guide/test-your-code.md. */
class TestingGuideTest {

  // @start region="fakeService"
  @Test
  void theAnswerIsShown() throws Exception {
    Service<String, Integer> lengths = // in the place of a batcher, flow or coalescer
        (text, options) -> CompletableFuture.completedFuture(text.length());

    assertThat(page(lengths, "four")).isEqualTo("four has 4 letters");
  }

  // @end

  private static String page(Service<String, Integer> lengths, String text)
      throws InterruptedException {
    return text + " has " + lengths.call(text) + " letters";
  }

  // @start region="virtualDelay"
  @Test
  void messagesGoAfterASecond() {
    VirtualTime time = new VirtualTime();
    List<List<String>> sent = new ArrayList<>();
    try (Batcher<String, Boolean> batcher =
        Batcher.<String, Boolean>builder(
                messages -> {
                  sent.add(messages);
                  return messages.stream().map(message -> true).toList();
                })
            .batch(BatchPolicy.fixed(100, Duration.ofSeconds(1)))
            .workers(Workers.executor(Runnable::run, 1)) // on the thread that lets time pass
            .timeSource(time)
            .build()) {
      batcher.submit("one");
      time.advance(Duration.ofMillis(999));
      batcher.submit("two");
      assertThat(sent).isEmpty();

      time.advance(Duration.ofMillis(1));
      assertThat(sent).containsExactly(List.of("one", "two"));
    }
  }

  // @end

  // @start region="virtualTimeout"
  @Test
  void aSlowModelIsNotWaitedFor() {
    VirtualTime time = new VirtualTime();
    try (Batcher<String, Integer> batcher =
        Batcher.<String, Integer>asyncBuilder(
                texts -> time.after(List.of(1), Duration.ofSeconds(10))) // takes 10 s
            .workers(Workers.executor(Runnable::run, 1))
            .timeSource(time)
            .build()) {
      CompletableFuture<Integer> answer =
          batcher.submit("text", CallOptions.timeout(Duration.ofSeconds(2)));
      time.advance(Duration.ofSeconds(2));
      assertThat(answer.exceptionNow()).isInstanceOf(DeadlineExceededException.class);
      time.advance(Duration.ofSeconds(8)); // the batch ends, and so can the batcher
    }
  }

  // @end

  // @start region="steppedWorkers"
  @Test
  void whatComesMeanwhileSharesABatch() {
    SteppedExecutor workers = new SteppedExecutor();
    List<Integer> sizes = new ArrayList<>();
    try (Batcher<String, String> batcher =
        Batcher.<String, String>builder(
                items -> {
                  sizes.add(items.size());
                  return items;
                })
            .workers(Workers.executor(workers, 1))
            .build()) {
      CompletableFuture<String> first = batcher.submit("a"); // the worker is busy from now on
      batcher.submit("b");
      batcher.submit("c");
      assertThat(first).isNotDone();

      workers.runAll();
      assertThat(sizes).containsExactly(1, 2);
    }
  }

  // @end

  // @start region="virtualThrottle"
  @Test
  void tenRequestsASecond() {
    VirtualTime time = new VirtualTime();
    Throttle throttle = Throttle.builder().perSecond(10).timeSource(time).build();
    List<CompletableFuture<Permit>> permits = new ArrayList<>();
    for (int i = 0; i < 25; i++) {
      permits.add(throttle.acquireAsync());
    }
    time.advance(Duration.ofSeconds(1));
    assertThat(permits).filteredOn(CompletableFuture::isDone).hasSize(11);
  }

  // @end

  // @start region="steppedCoalescer"
  @Test
  void twoRequestsOneQuery() {
    SteppedExecutor database = new SteppedExecutor();
    Coalescer<Integer, String> users =
        Coalescer.<Integer, String>builder(id -> "user " + id).executor(database).build();
    CompletableFuture<String> one = users.submit(42);
    CompletableFuture<String> other = users.submit(42);

    assertThat(database.pending()).isEqualTo(1);
    database.runNext();
    assertThat(one.join()).isEqualTo("user 42").isEqualTo(other.join());
  }
  // @end
}
