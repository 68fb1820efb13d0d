package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The examples in the Javadoc of the throttle. */
class ThrottleSnippetsTest {
  @Test
  void throttle() throws InterruptedException {
    Service<String, Integer> api =
        (item, options) -> CompletableFuture.completedFuture(item.length());
    // @start region="throttle"
    Throttle throttle =
        Throttle.builder().atOnce(8).rate(300, Duration.ofMinutes(1)).burst(10).build();

    Service<String, Integer> limited = throttle.around(api);
    int length = limited.call("word");
    // @end
    assertThat(length).isEqualTo(4);
  }

  @Test
  void permit() throws InterruptedException {
    Throttle throttle = Throttle.atMost(2);
    // @start region="permit"
    try (Permit _ = throttle.acquire()) {
      work();
    }
    // @end
    assertThat(throttle.running()).isZero();
  }

  @Test
  void cost() throws InterruptedException {
    Service<String, Integer> model =
        (prompt, options) -> CompletableFuture.completedFuture(prompt.length());
    // @start region="cost"
    Throttle tokens = Throttle.builder().rate(90_000, Duration.ofMinutes(1)).burst(8_000).build();

    Service<String, Integer> limited = tokens.around(model, prompt -> 1 + prompt.length() / 4);
    int answer = limited.call("how many tokens is this?");
    try (Permit _ = tokens.withCost(500).acquire()) {
      work();
    }
    // @end
    assertThat(answer).isEqualTo(24);
  }

  @Test
  void setRate() {
    int allowedPerMinute = 120;
    // @start region="setRate"
    Throttle throttle = Throttle.builder().atOnce(8).rate(300, Duration.ofMinutes(1)).build();

    throttle.setRate(allowedPerMinute, Duration.ofMinutes(1)); // what the server allows now
    throttle.setAtOnce(4);
    // @end
    assertThat(throttle)
        .hasToString("Throttle[atOnce=4, rate=120.0 in PT1M, burst=1, catchUp=PT0.05S]");
  }

  private static void work() {}
}
