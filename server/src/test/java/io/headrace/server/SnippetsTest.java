package io.headrace.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.CallOptions;
import io.headrace.Service;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The examples of the documentation. */
class SnippetsTest {
  private static HttpServer serve(Service<String, String> shout) throws IOException {
    // @start region="server"
    HttpServer server =
        HttpServer.builder()
            .port(0)
            .route(
                "POST",
                "/shout",
                request ->
                    Response.when(
                        shout.submit(
                            new String(request.body(), StandardCharsets.UTF_8),
                            CallOptions.timeout(Duration.ofSeconds(5))),
                        loud ->
                            Response.json(
                                out -> {
                                  out.writeStartObject();
                                  out.writeStringProperty("loud", loud);
                                  out.writeEndObject();
                                })))
            .start();
    // @end
    return server;
  }

  @Test
  void serverAnswers() throws Exception {
    Service<String, String> shout =
        (item, options) -> CompletableFuture.completedFuture(item.toUpperCase(Locale.ROOT));
    try (HttpServer server = serve(shout);
        HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(server.url() + "/shout"))
              .POST(HttpRequest.BodyPublishers.ofString("hello"))
              .build();
      assertThat(client.send(request, BodyHandlers.ofString()).body())
          .isEqualTo("{\"loud\":\"HELLO\"}");
    }
  }
}
