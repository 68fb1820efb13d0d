package io.headrace.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class EventsTest {
  @Test
  void everyListenerGetsTheSameEventsAndNothingRunsWithoutListeners() throws Exception {
    AtomicInteger count = new AtomicInteger();
    try (HttpServer server =
        HttpServer.builder()
            .port(0)
            .events("/events", Duration.ofMillis(20), () -> "event " + count.incrementAndGet())
            .start()) {
      try (RawClient first = listen(server);
          RawClient second = listen(server)) {
        var _ = nextEvent(second); // made for it alone, when it came
        String ofBoth = nextEvent(second);
        String ofFirst = nextEvent(first);
        while (!ofFirst.equals(ofBoth)) {
          ofFirst = nextEvent(first); // it listens for longer, and has got others before
        }
      }
      AtomicInteger before = new AtomicInteger(count.get());
      await("the timer has stopped")
          .during(Duration.ofMillis(100))
          .until(() -> before.getAndSet(count.get()) == count.get());
    }
  }

  @Test
  void severalLinesAreOneEvent() throws Exception {
    try (HttpServer server =
            HttpServer.builder()
                .port(0)
                .events("/events", Duration.ofMillis(20), () -> "a\nb\r\nc\rd")
                .start();
        RawClient client = listen(server)) {
      assertThat(nextEvent(client)).isEqualTo("data: a");
      assertThat(client.line()).isEqualTo("data: b");
      assertThat(client.line()).isEqualTo("data: c");
      assertThat(client.line()).isEqualTo("data: d");
    }
  }

  @Test
  void sourceThatFailsOnceDoesNotEndTheStream() throws Exception {
    AtomicInteger count = new AtomicInteger();
    try (HttpServer server =
            HttpServer.builder()
                .port(0)
                .events("/events", Duration.ofMillis(20), () -> failEverySecond(count))
                .start();
        RawClient client = listen(server)) {
      assertThat(nextEvent(client)).isEqualTo("data: 1");
      assertThat(nextEvent(client)).isEqualTo("data: 3");
    }
  }

  @Test
  void errorInTheFirstEventLeavesAStream() throws Exception {
    AtomicInteger count = new AtomicInteger();
    try (HttpServer server =
            HttpServer.builder()
                .port(0)
                .events("/events", Duration.ofMillis(20), () -> failAtFirst(count))
                .start();
        RawClient client = listen(server)) {
      assertThat(nextEvent(client)).isEqualTo("data: 2");
    }
  }

  private static String failAtFirst(AtomicInteger count) {
    int n = count.incrementAndGet();
    if (n == 1) {
      throw new AssertionError("as a test says");
    }
    return Integer.toString(n);
  }

  @Test
  void headOfAStreamEndsAtOnce() throws Exception {
    try (HttpServer server =
            HttpServer.builder().port(0).events("/events", Duration.ofDays(1), () -> "x").start();
        RawClient client = new RawClient(server.port())) {
      RawClient.Answer answer = client.send("HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n").read();
      assertThat(answer.status()).isEqualTo(200);
      assertIsAStream(answer);
      assertThat(answer.headers()).doesNotContainKey("content-length");
      assertThat(client.send("HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n").read().status())
          .isEqualTo(200);
    }
  }

  private static String failEverySecond(AtomicInteger count) {
    int n = count.incrementAndGet();
    if (n % 2 == 0) {
      throw new IllegalStateException("as a test says");
    }
    return Integer.toString(n);
  }

  private static RawClient listen(HttpServer server) throws Exception {
    RawClient client = new RawClient(server.port());
    RawClient.Answer answer = client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n").read();
    assertThat(answer.status()).isEqualTo(200);
    assertIsAStream(answer);
    return client;
  }

  private static void assertIsAStream(RawClient.Answer answer) {
    assertThat(answer.header("Content-Type")).isEqualTo("text/event-stream");
    assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
    assertThat(answer.header("X-Accel-Buffering")).isEqualTo("no");
    assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
  }

  /** Chunk sizes and the retry line are passed over. */
  private static String nextEvent(RawClient client) throws Exception {
    String line = client.line();
    while (!line.startsWith("data: ")) {
      line = client.line();
    }
    return line;
  }
}
