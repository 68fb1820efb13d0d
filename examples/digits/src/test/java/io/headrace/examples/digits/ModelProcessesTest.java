package io.headrace.examples.digits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.headrace.Flow;
import io.headrace.WorkerStatus;
import io.headrace.server.HttpServer;
import io.headrace.server.LiveStats;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The model in worker processes, which are killed as the page does it. */
class ModelProcessesTest {
  private static final int SENDERS = 4;

  private final LiveStats stats = LiveStats.create(DigitsFlow.DECODE, DigitsFlow.CLASSIFY);
  private final AtomicBoolean enough = new AtomicBoolean();
  private HttpClient client;
  private Flow<DigitInput, Digit> flow;
  private HttpServer server;

  @BeforeEach
  void start() throws Exception {
    client = HttpClient.newHttpClient();
    flow =
        DigitsFlow.builder(1, 8, 1024, ModelWorkers.processes(2)).observer(stats).build().start();
    server =
        DigitsServer.addRoutes(
                HttpServer.builder().port(0), flow, stats, Duration.ofSeconds(60), "127.0.0.1")
            .start();
  }

  @AfterEach
  void stop() {
    enough.set(true);
    server.close(Duration.ZERO);
    flow.shutdownNow();
    flow.close();
    client.close();
    await("the ends of all worker processes")
        .until(() -> ProcessHandle.current().children().findAny().isEmpty());
  }

  @Test
  void noRequestFailsWhenWorkersAreKilled() throws Exception {
    List<CompletableFuture<List<Integer>>> senders =
        IntStream.range(0, SENDERS)
            .mapToObj(
                i -> CompletableFuture.supplyAsync(this::send, task -> new Thread(task).start()))
            .toList();
    for (int restarts = 1; restarts <= 2; restarts++) {
      for (int i = 0; i < 2; i++) {
        WorkerStatus before = worker(i);
        HttpResponse<String> killed = post("/workers/kill?worker=" + before.name(), "");
        assertThat(killed.body())
            .isEqualTo("{\"killed\":\"%s\",\"pid\":%d}".formatted(before.name(), before.pid()));
        assertThat(killed.statusCode()).isEqualTo(200);
        awaitRestart(i, restarts);
        assertThat(worker(i).pid()).isNotEqualTo(before.pid());
      }
    }
    enough.set(true);
    for (CompletableFuture<List<Integer>> sender : senders) {
      assertThat(sender.get()).isNotEmpty().containsOnly(200);
    }
    assertThat(stats.snapshotJson()).contains("\"name\":\"digits-classify-1\",\"pid\":");
  }

  private List<Integer> send() {
    List<Integer> statuses = new ArrayList<>();
    DrawnDigits drawn = new DrawnDigits(TestShapes.SHAPES, new Random(42));
    while (!enough.get()) {
      byte[] image = Images.png(drawn.draw(statuses.size() % 10));
      statuses.add(
          client
              .sendAsync(
                  request("/digits").POST(BodyPublishers.ofByteArray(image)).build(),
                  BodyHandlers.ofString())
              .join()
              .statusCode());
    }
    return statuses;
  }

  private WorkerStatus worker(int i) {
    return stats.snapshot().steps().getLast().workers().get(i);
  }

  private void awaitRestart(int i, int restarts) {
    await("worker " + i + " has been restarted " + restarts + " times")
        .atMost(Duration.ofSeconds(60))
        .until(() -> worker(i).restarts() == restarts && worker(i).pid() != 0);
  }

  @Test
  void onlyItsWorkersAreKilled() throws Exception {
    long other = ProcessHandle.current().pid();
    for (String query : List.of("", "?worker=", "?worker=nobody", "?worker=" + other)) {
      HttpResponse<String> response = post("/workers/kill" + query, "");
      assertThat(response.body())
          .startsWith("{\"error\":\"the query is \\\"")
          .endsWith("one of [worker=digits-classify-0, worker=digits-classify-1]\"}");
      assertThat(response.statusCode()).isEqualTo(404);
    }
    assertThat(worker(0).restarts() + worker(1).restarts()).isZero();
  }

  private HttpResponse<String> post(String path, String body) throws Exception {
    return client.send(
        request(path)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(server.url() + path));
  }
}
