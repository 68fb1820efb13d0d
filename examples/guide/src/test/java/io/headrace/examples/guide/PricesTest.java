package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.headrace.TimeSource;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PricesTest {
  @Test
  void manyCallsStayWithinTheLimit() throws Exception {
    try (LimitedServer server = new LimitedServer(50, Duration.ofSeconds(1));
        Prices prices = new Prices(server.prices(), TimeSource.system())) {
      List<CompletableFuture<Integer>> answers =
          IntStream.range(0, 2_000).mapToObj(i -> prices.of("a".repeat(1 + i % 400))).toList();
      for (int i = 0; i < answers.size(); i++) {
        assertThat(answers.get(i).join()).isEqualTo(1 + i % 400);
      }
      assertThat(server.violations()).isZero();
      assertThat(server.requests()).isLessThan(400);
    }
  }

  @Test
  void aRefusedRequestIsRepeatedWhenTheServerSays() throws Exception {
    VirtualTime time = new VirtualTime();
    try (LimitedServer server = new LimitedServer(50, Duration.ofSeconds(1));
        Prices prices = new Prices(server.prices(), time)) {
      server.refuse(2);
      CompletableFuture<Integer> price = prices.of("pear");
      for (int i = 1; i <= 2; i++) {
        await("a pause after a refusal").until(() -> time.alarms() == 1);
        time.advance(Duration.ofMillis(999));
        assertThat(server.requests()).isEqualTo(i);
        time.advance(Duration.ofMillis(1));
      }
      assertThat(price.join()).isEqualTo(4);
    }
  }
}
