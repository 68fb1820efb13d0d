package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.CallOptions;
import io.headrace.DeadlineExceededException;
import io.headrace.examples.guide.RetryAfter.TooManyRequests;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class RetryAfterTest {
  private final VirtualTime time = new VirtualTime();
  private final List<CompletableFuture<Integer>> requests = new ArrayList<>();
  private final List<Duration> timeouts = new ArrayList<>();
  private final RetryAfter<String, Integer> service = new RetryAfter<>(this::request, 3, time);

  private CompletableFuture<Integer> request(String item, CallOptions options) {
    CompletableFuture<Integer> request = new CompletableFuture<>();
    requests.add(request);
    timeouts.add(options.timeout());
    return request;
  }

  private void refuse(Duration after) {
    requests.getLast().completeExceptionally(new TooManyRequests(after));
  }

  @Test
  void itIsNotRepeatedForEver() {
    CompletableFuture<Integer> answer = service.submit("pear");
    for (int i = 1; i <= 3; i++) {
      assertThat(requests).hasSize(i);
      refuse(Duration.ofSeconds(1));
      time.advance(Duration.ofSeconds(1));
    }
    assertThat(requests).hasSize(3);
    assertThatThrownBy(answer::join).hasCauseInstanceOf(TooManyRequests.class);
  }

  @Test
  void aRequestHasWhatIsLeftOfTheTimeout() {
    CompletableFuture<Integer> answer = service.submit("pear", timeout(100));
    time.advance(Duration.ofMillis(20));
    refuse(Duration.ofMillis(30));
    time.advance(Duration.ofMillis(30));
    requests.getLast().complete(4);
    assertThat(timeouts).containsExactly(Duration.ofMillis(100), Duration.ofMillis(50));
    assertThat(answer.join()).isEqualTo(4);
  }

  @Test
  void aPauseBeyondTheTimeoutIsNotWaitedFor() {
    CompletableFuture<Integer> answer = service.submit("pear", timeout(100));
    time.advance(Duration.ofMillis(20));
    refuse(Duration.ofMillis(80));
    assertThatThrownBy(answer::join).hasCauseInstanceOf(DeadlineExceededException.class);
    time.advance(Duration.ofHours(1));
    assertThat(requests).hasSize(1);
  }

  @Test
  void aPauseWithoutEndIsNotWaitedForEither() {
    CompletableFuture<Integer> answer = service.submit("pear");
    refuse(Duration.ofSeconds(Long.MAX_VALUE));
    assertThatThrownBy(answer::join).hasCauseInstanceOf(DeadlineExceededException.class);
  }

  @Test
  void aCancellationReachesTheRequest() {
    service.submit("pear").cancel(true);
    assertThat(requests.getLast()).isCancelled();
  }

  @Test
  void thereIsNoRequestAfterACancellation() {
    CompletableFuture<Integer> answer = service.submit("pear");
    refuse(Duration.ofSeconds(1));
    answer.cancel(true);
    assertThat(time.alarms()).isZero();
    time.advance(Duration.ofHours(1));
    assertThat(requests).hasSize(1);
  }

  private static CallOptions timeout(int millis) {
    return CallOptions.timeout(Duration.ofMillis(millis));
  }
}
