package io.headrace.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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
        assertIsToldEach(first, 1);
        int joined = number(nextEvent(second));
        assertThat(joined).isPositive();
        assertIsToldEach(second, joined + 1);
      }
      AtomicInteger before = new AtomicInteger(count.get());
      await("the timer has stopped")
          .during(Duration.ofMillis(100))
          .until(() -> before.getAndSet(count.get()) == count.get());
    }
  }

  private static void assertIsToldEach(RawClient listener, int from) throws Exception {
    for (int i = from; i < from + 5; i++) {
      assertThat(number(nextEvent(listener))).isEqualTo(i);
    }
  }

  private static int number(String event) {
    return Integer.parseInt(event.substring("data: event ".length()));
  }

  @Test
  void whoComesBetweenTwoEventsGetsTheLastOne() throws Exception {
    AtomicInteger count = new AtomicInteger();
    try (HttpServer server =
            HttpServer.builder()
                .port(0)
                .events("/events", Duration.ofDays(1), () -> "event " + count.incrementAndGet())
                .start();
        RawClient first = listen(server)) {
      assertThat(nextEvent(first)).isEqualTo("data: event 1");
      for (int i = 0; i < 5; i++) {
        try (RawClient late = listen(server)) {
          assertThat(nextEvent(late)).isEqualTo("data: event 1");
        }
      }
      assertThat(count).hasValue(1);
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

  @Test
  void aListenerTooManyIsToldToTryAgain() throws Exception {
    List<RawClient> listeners = new ArrayList<>();
    try (HttpServer server =
        HttpServer.builder().port(0).events("/events", Duration.ofDays(1), () -> "x").start()) {
      for (int i = 0; i < EventFeed.MAX_LISTENERS; i++) {
        listeners.add(listen(server));
      }
      RawClient late = new RawClient(server.port());
      listeners.add(late);
      RawClient.Answer answer = late.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n").read();
      assertThat(answer.status()).isEqualTo(503);
      assertThat(answer.header("Retry-After")).isEqualTo("1");
      assertThat(answer.body()).contains("there are as many listeners as there may be");
    } finally {
      for (RawClient listener : listeners) {
        listener.close();
      }
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
