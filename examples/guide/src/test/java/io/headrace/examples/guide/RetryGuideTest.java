package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.failsafe.Failsafe;
import dev.failsafe.FailsafeExecutor;
import dev.failsafe.RetryPolicy;
import dev.failsafe.Timeout;
import io.headrace.QueueFullException;
import io.headrace.Service;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** Retries of another library, in docs/guide/never-exceed-a-limit.md. */
class RetryGuideTest {
  private final List<CompletableFuture<Integer>> requests = new CopyOnWriteArrayList<>();

  private CompletableFuture<Integer> request() {
    CompletableFuture<Integer> request = new CompletableFuture<>();
    requests.add(request);
    return request;
  }

  private Service<String, Integer> patient() {
    Service<String, Integer> pages = (address, options) -> request();
    // @start region="failsafeRetry"
    FailsafeExecutor<Integer> policies =
        Failsafe.with(
            Timeout.of(Duration.ofSeconds(10)), // of all tries and pauses together
            RetryPolicy.<Integer>builder()
                .handle(QueueFullException.class) // what may pass
                .withBackoff(Duration.ofMillis(50), Duration.ofSeconds(1))
                .withMaxAttempts(4)
                .build());
    Service<String, Integer> patient =
        (address, options) -> policies.getStageAsync(() -> pages.submit(address, options));
    // @end
    return patient;
  }

  private void awaitRequests(int count) {
    await(count + " requests").until(() -> requests.size() == count);
  }

  @Test
  void asksAgain() {
    CompletableFuture<Integer> answer = patient().submit("pear");
    awaitRequests(1);
    requests.get(0).completeExceptionally(new QueueFullException("full"));
    awaitRequests(2);
    requests.get(1).complete(4);
    assertThat(answer.join()).isEqualTo(4);
  }

  @Test
  void aCancellationReachesTheRequest() {
    CompletableFuture<Integer> answer = patient().submit("pear");
    awaitRequests(1);
    answer.cancel(true);
    await("the request is cancelled").until(() -> requests.get(0).isCancelled());
  }
}
