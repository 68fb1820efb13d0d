package io.headrace.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GracefulStopTest {
  private static final Set<Thread.State> IDLE =
      EnumSet.of(Thread.State.WAITING, Thread.State.TERMINATED);

  private final CompletableFuture<String> result = new CompletableFuture<>();
  private final CountDownLatch accepted = new CountDownLatch(1);
  private final AtomicReference<HttpServer> self = new AtomicReference<>();
  private HttpServer server;

  @BeforeEach
  void start() throws Exception {
    server =
        HttpServer.builder()
            .port(0)
            .route("GET", "/held", request -> hold())
            .route("GET", "/stop", request -> stopSelf())
            .events("/events", Duration.ofMinutes(1), () -> "x")
            .start();
    self.set(server);
  }

  @AfterEach
  void end() {
    server.close(Duration.ZERO);
  }

  private CompletableFuture<Response> hold() {
    accepted.countDown();
    return Response.when(result, text -> Response.of(200, "text/plain", text.getBytes(UTF_8)));
  }

  private CompletableFuture<Response> stopSelf() {
    assertThatThrownBy(() -> self.get().close())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("an event loop must not close its own server");
    return CompletableFuture.completedFuture(Response.empty(204));
  }

  @Test
  void acceptedRequestFinishesAndItsConnectionEnds() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
      accepted.await();
      CompletableFuture<Void> stopped =
          CompletableFuture.runAsync(() -> server.close(Duration.ofSeconds(30)));
      await("no more connections").until(this::refusesConnections);
      assertThat(stopped).isNotDone();
      assertThat(server).hasToString("HttpServer[url=" + server.url() + ", state=stopping]");
      result.complete("done");
      RawClient.Answer answer = client.read();
      assertThat(answer.body()).isEqualTo("done");
      assertThat(answer.header("Connection")).isEqualTo("close");
      assertThat(client.endedByServer()).isTrue();
      stopped.join();
      assertThat(server).hasToString("HttpServer[url=" + server.url() + ", state=stopped]");
    }
  }

  /** No stream begins anymore, and nobody is to send requests here. */
  @ParameterizedTest
  @ValueSource(strings = {"/events", "/health/ready"})
  void whatComesTooLateIsToldWhy(String path) throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n");
      assertThat(client.send("Expect: 100-continue\r\n\r\n").read().status()).isEqualTo(100);
      CompletableFuture<Void> stopped =
          CompletableFuture.runAsync(() -> server.close(Duration.ofSeconds(30)));
      await("no more connections").until(this::refusesConnections);
      RawClient.Answer answer = client.send("x").read();
      assertThat(answer.status()).isEqualTo(503);
      assertThat(answer.body()).isEqualTo("{\"error\":\"the server is stopping\"}");
      stopped.join();
    }
  }

  @Test
  void requestThatOutlastsTheLimitIsWithdrawn() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
      accepted.await();
      server.close(Duration.ofMillis(20));
      assertThat(client.endedByServer()).isTrue();
      await("the item is withdrawn").until(result::isCancelled);
    }
  }

  @Test
  void limitOfZeroEndsEverythingAtOnce() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
      accepted.await();
      server.close(Duration.ZERO);
      assertThat(client.endedByServer()).isTrue();
    }
  }

  @Test
  void idleConnectionsAndEventStreamsDoNotHoldUpTheStop() throws Exception {
    try (RawClient idle = new RawClient(server.port());
        RawClient listening = new RawClient(server.port())) {
      assertThat(idle.send("GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n").read().status())
          .isEqualTo(200);
      assertThat(listening.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n").read().status())
          .isEqualTo(200);
      server.close(Duration.ofMinutes(5));
      assertThat(idle.endedByServer()).isTrue();
    }
  }

  @Test
  void stopMayBeCalledAgainAndByMany() {
    CompletableFuture<Void> other = CompletableFuture.runAsync(server::close);
    server.close();
    other.join();
    server.close();
    assertThatThrownBy(() -> server.close(Duration.ofNanos(-1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aSecondStopWaitsForTheFirst() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
      accepted.await();
      CompletableFuture<Void> first = CompletableFuture.runAsync(server::close);
      await("the first stop").until(() -> server.toString().endsWith("state=stopping]"));
      AtomicReference<String> after = new AtomicReference<>();
      Thread second =
          Thread.ofPlatform()
              .start(
                  () -> {
                    server.close();
                    after.set(server.toString());
                  });
      await("the second waits").until(() -> IDLE.contains(second.getState()));
      result.complete("done");
      second.join();
      first.join();
      assertThat(after.get()).endsWith("state=stopped]");
    }
  }

  @Test
  void interruptedStopEndsEverythingAtOnce() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
      accepted.await();
      Thread.currentThread().interrupt();
      server.close(Duration.ofMinutes(5));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(client.endedByServer()).isTrue();
    }
  }

  @Test
  void eventLoopCannotStopItsServer() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      assertThat(client.send("GET /stop HTTP/1.1\r\nHost: x\r\n\r\n").read().status())
          .isEqualTo(204);
    }
  }

  private boolean refusesConnections() {
    try (RawClient probe = new RawClient(server.port())) {
      return probe.endedByServer();
    } catch (IOException e) {
      return true;
    }
  }
}
