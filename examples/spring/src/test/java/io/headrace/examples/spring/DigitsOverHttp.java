package io.headrace.examples.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.jayway.jsonpath.JsonPath;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** What both applications do, over HTTP. Each is started once. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class DigitsOverHttp {
  private final HttpClient http = HttpClient.newHttpClient();
  private ConfigurableApplicationContext context;

  /** The application, not started. */
  abstract SpringApplication application();

  @BeforeAll
  void start() {
    context =
        application()
            .run(
                "--server.port=0",
                "--spring.main.banner-mode=off",
                "--logging.level.root=warn",
                "--headrace.flows.digits.answer-within=1h"); // a slow machine refuses nothing
  }

  @AfterAll
  void stop() {
    context.close();
  }

  private HttpRequest.Builder request(String path) {
    String port = context.getEnvironment().getProperty("local.server.port");
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
  }

  private HttpRequest recognise(byte[] image) {
    return request("/digits")
        .header("Content-Type", "image/png")
        .POST(BodyPublishers.ofByteArray(image))
        .build();
  }

  private String get(String path) throws Exception {
    HttpResponse<String> response = http.send(request(path).build(), BodyHandlers.ofString());
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return response.body();
  }

  private static byte[] sample() throws IOException {
    try (InputStream stream =
        DigitsOverHttp.class.getResourceAsStream("/io/headrace/examples/digits/page/sample.png")) {
      return stream.readAllBytes();
    }
  }

  @Test
  void manyImagesAtOnceAreRecognised() throws Exception {
    List<CompletableFuture<HttpResponse<String>>> responses = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      responses.add(http.sendAsync(recognise(sample()), BodyHandlers.ofString()));
    }
    Integer digit = null;
    for (CompletableFuture<HttpResponse<String>> response : responses) {
      assertThat(response.join().statusCode()).as(response.join().body()).isEqualTo(200);
      Integer found = JsonPath.read(response.join().body(), "$.digit");
      assertThat(digit == null ? found : digit).isEqualTo(found);
      digit = found;
    }
    await("the numbers of all calls")
        .until(
            () ->
                JsonPath.<Integer>read(get("/actuator/headrace"), "$.flows.digits.completed")
                    >= 64);
    assertThat(JsonPath.<String>read(get("/actuator/headrace"), "$.flows.digits.steps[1].name"))
        .isEqualTo("classify");
  }

  @Test
  void anImageThatCannotBeReadIsTheFaultOfItsCaller() throws Exception {
    HttpResponse<String> response =
        http.send(recognise("no image".getBytes(StandardCharsets.UTF_8)), BodyHandlers.ofString());
    assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
    assertThat(JsonPath.<String>read(response.body(), "$.detail")).isNotEmpty();
  }

  @Test
  void theFlowIsReadyAndHasMeters() throws Exception {
    http.send(recognise(sample()), BodyHandlers.ofString());
    assertThat(get("/actuator/health/readiness")).contains("\"digits\"").contains("RUNNING");
    await("the meters of its batch")
        .until(
            () ->
                get("/actuator/prometheus")
                    .contains(
                        "headrace_batch_size_items_bucket{service=\"digits\",step=\"classify\""));
  }
}
