package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.server.HttpServer;
import io.headrace.server.LiveStats;
import io.headrace.server.Response;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The examples of docs/guide/http-server.md; others are in SumService. */
class ServerGuideTest {
  static final class UnknownWordException extends RuntimeException {
    private static final long serialVersionUID = 1;

    UnknownWordException(String word) {
      super("the word '" + word + "' is not known");
    }
  }

  @Test
  void figuresAndErrors() throws Exception {
    // @start region="httpLive"
    LiveStats stats = LiveStats.create("look-up");
    Flow<String, String> flow =
        Flow.<String>builder("words")
            .step("look-up", Handler.each(word -> lookUp(word)))
            .observer(stats)
            .build()
            .start();
    HttpServer server =
        HttpServer.builder()
            .port(0) // any that is free
            .route(
                "GET",
                "/words",
                request ->
                    Response.when(
                        flow.submit(request.query()),
                        word -> Response.json(out -> out.writeString(word))))
            .failure(UnknownWordException.class, 404)
            .route(
                "GET",
                "/stats",
                _ -> CompletableFuture.completedFuture(Response.json(200, stats.snapshotJson())))
            .events("/stats/stream", Duration.ofMillis(500), stats::snapshotJson)
            .start();
    // @end
    try (HttpClient client = HttpClient.newHttpClient();
        server;
        flow) {
      assertThat(get(client, server, "/words?head").body()).isEqualTo("\"Kopf\"");
      HttpResponse<String> unknown = get(client, server, "/words?tail");
      assertThat(unknown.statusCode()).isEqualTo(404);
      assertThat(unknown.body()).isEqualTo("{\"error\":\"the word 'tail' is not known\"}");
      assertThat(get(client, server, "/stats").body()).contains("\"name\":\"look-up\"");
      assertThat(get(client, server, "/health/ready").body()).isEqualTo("{\"status\":\"ready\"}");
      assertThat(get(client, server, "/nothing").body())
          .isEqualTo("{\"error\":\"there is nothing at /nothing\"}");
    }
  }

  private static HttpResponse<String> get(HttpClient client, HttpServer server, String path)
      throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create(server.url() + path)).build(),
        BodyHandlers.ofString(StandardCharsets.UTF_8));
  }

  private static String lookUp(String word) {
    if (!word.equals("head")) {
      throw new UnknownWordException(word);
    }
    return "Kopf";
  }
}
