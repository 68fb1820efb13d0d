package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.CallOptions;
import io.headrace.Permit;
import io.headrace.Service;
import io.headrace.Task;
import io.headrace.Throttle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The examples of docs/guide/never-exceed-a-limit.md. */
class LimitGuideTest {
  record Page(String address) {}

  static final class Web {
    static Page fetch(String address) {
      return new Page(address);
    }

    static CompletableFuture<Page> fetchLater(String address, @Nullable Duration timeout) {
      assertThat(timeout).isBetween(Duration.ZERO, Duration.ofSeconds(5));
      return CompletableFuture.completedFuture(new Page(address));
    }
  }

  @Test
  void permits() throws Exception {
    List<Page> pages = new ArrayList<>();
    // @start region="permits"
    // The API allows 300 requests in any minute: 291 + 1 + 0 + 8 = 300.
    Throttle throttle =
        Throttle.builder()
            .name("pages") // in messages
            .atOnce(8) // at most 8 requests run
            .rate(291, Duration.ofMinutes(1)) // evenly spaced
            .catchUp(Duration.ZERO) // a late start is not made up for
            .build();

    try (Permit _ = throttle.acquire()) { // waits its turn
      pages.add(Web.fetch("https://example.org/"));
    }
    // @end
    assertThat(pages).hasSize(1);
  }

  record Prompt(String text) {
    int tokens() {
      return 1 + text.length() / 4;
    }
  }

  static final class Model {
    static CompletableFuture<String> ask(Prompt prompt) {
      return CompletableFuture.completedFuture(prompt.text.toUpperCase(Locale.ROOT));
    }
  }

  @Test
  void tokens() throws Exception {
    // @start region="tokens"
    // The API allows 90,000 tokens in any minute, and a prompt has 8,000 at most:
    // 66,000 + 8,000 + 0 + 2 x 8,000 = 90,000.
    Throttle tokens =
        Throttle.builder()
            .atOnce(2) // at most 2 requests run
            .rate(66_000, Duration.ofMinutes(1))
            .burst(8_000) // the most that one can cost
            .catchUp(Duration.ZERO)
            .build();

    Service<Prompt, String> model =
        tokens.around((prompt, options) -> Model.ask(prompt), Prompt::tokens);
    String answer = model.call(new Prompt("why is the sky blue?"));

    try (Permit _ = tokens.withCost(500).acquire()) { // any of the ways to take a permit
      answer += Model.ask(new Prompt("and the sea?")).join(); // not `model`: that takes its own
    }

    List<String> answers = // and for a collection
        tokens
            .over(List.of(new Prompt("why?"), new Prompt("why not?")))
            .cost(Prompt::tokens)
            .runAll(Task.async(prompt -> Model.ask(prompt)));
    // @end
    assertThat(answer).isEqualTo("WHY IS THE SKY BLUE?AND THE SEA?");
    assertThat(answers).containsExactly("WHY?", "WHY NOT?");
  }

  @Test
  void limitsThatChange() throws Exception {
    // @start region="limitsThatChange"
    Throttle throttle = Throttle.builder().atOnce(8).rate(300, Duration.ofMinutes(1)).build();
    Service<String, Page> pages =
        throttle.around((address, options) -> Web.fetchLater(address, options.timeout()));

    throttle.setRate(60, Duration.ofMinutes(1)); // for all calls of pages, too
    throttle.setAtOnce(2);
    // @end
    assertThat(pages.submit("a", CallOptions.timeout(Duration.ofSeconds(5))).join())
        .isEqualTo(new Page("a"));
    assertThat(throttle)
        .hasToString("Throttle[atOnce=2, rate=60.0 in PT1M, burst=1, catchUp=PT0.05S]");
  }

  @Test
  void around() throws Exception {
    Throttle throttle = Throttle.atMost(8);
    // @start region="throttledService"
    Service<String, Page> pages =
        throttle.around((address, options) -> Web.fetchLater(address, options.timeout()));

    CompletableFuture<Page> page = // waits for its permit without a thread
        pages.submit("https://example.org/", CallOptions.timeout(Duration.ofSeconds(5)));
    // @end
    assertThat(page.join()).isEqualTo(new Page("https://example.org/"));
  }

  @Test
  void collection() throws Exception {
    Throttle throttle = Throttle.atMost(8);
    List<String> addresses = List.of("a", "b", "c");
    // @start region="throttledCollection"
    List<Page> pages =
        throttle
            .over(addresses)
            .taskTimeout(Duration.ofSeconds(10))
            .runAll(address -> Web.fetch(address)); // each on a virtual thread
    // @end
    assertThat(pages).containsExactly(new Page("a"), new Page("b"), new Page("c"));
  }

  static final class Mail {
    static CompletableFuture<String> send(String user) {
      return CompletableFuture.completedFuture("sent to " + user);
    }
  }

  @Test
  void futures() throws Exception {
    Throttle throttle = Throttle.atMost(8);
    List<String> users = List.of("a", "b", "c");
    // @start region="throttledFutures"
    List<String> receipts =
        throttle.over(users).runAll(Task.async(user -> Mail.send(user))); // returns a future
    // @end
    assertThat(receipts).containsExactly("sent to a", "sent to b", "sent to c");
    assertThatThrownBy(() -> throttle.over(List.of("a")).runOnEach(user -> Mail.send(user)))
        .hasMessageContaining("the task of input 0 returned a CompletableFuture: use Task.async");
  }

  @Test
  void tryOnly() {
    Throttle throttle = Throttle.perSecond(10);
    List<String> answers = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      // @start region="tryAcquire"
      try (Permit permit = throttle.tryAcquire()) { // does not wait
        answers.add(permit == null ? "429 Too Many Requests" : "200 OK");
      }
      // @end
    }
    assertThat(answers).hasSize(2).first().isEqualTo("200 OK");
  }

  @Test
  void exact() {
    // @start region="serverLimit"
    // The API allows 50 requests in any second: 45 + 1 + 0 + 4 = 50.
    Throttle throttle =
        Throttle.builder()
            .perSecond(45)
            .burst(1) // the default
            .catchUp(Duration.ZERO) // a late start is not made up for
            .atOnce(4) // on their way at the same time
            .build();
    // @end
    assertThat(throttle.waiting()).isZero();
  }
}
