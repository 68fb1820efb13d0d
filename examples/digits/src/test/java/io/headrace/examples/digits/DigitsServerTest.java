package io.headrace.examples.digits;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.OnFull;
import io.headrace.server.HttpServer;
import io.headrace.server.LiveStats;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The routes before a flow whose model is replaced: it says 7, and can be held. */
class DigitsServerTest {
  private static final String PIXELS = String.join(",", Collections.nCopies(64, "1.5"));

  private final Semaphore mayHandle = new Semaphore(0);
  private HttpClient client;
  private LiveStats stats;
  private Flow<DigitInput, Digit> flow;
  private HttpServer server;

  @BeforeEach
  void start() throws Exception {
    client = HttpClient.newHttpClient();
    stats = LiveStats.create("decode", "classify");
    mayHandle.release(1000);
    Handler<DigitInput, DigitInput> decode = Handler.each(DigitsServerTest::decode);
    Handler<DigitInput, Digit> classify = this::classify;
    flow =
        Flow.<DigitInput>builder("digits")
            .stepIf(input -> input instanceof DigitInput.Image, "decode", decode, options -> {})
            .step(
                "classify",
                classify,
                options -> options.batch(BatchPolicy.greedy(1)).queue(1, OnFull.fail()))
            .observer(stats)
            .build()
            .start();
    server = server(Duration.ofSeconds(30));
  }

  @AfterEach
  void stop() {
    mayHandle.release(1000);
    server.close(Duration.ZERO);
    flow.shutdownNow();
    client.close();
  }

  private HttpServer server(Duration timeout) throws Exception {
    return DigitsServer.addRoutes(HttpServer.builder().port(0), flow, stats, timeout, "a-name")
        .start();
  }

  private static DigitInput decode(DigitInput input) {
    if (input instanceof DigitInput.Image(byte[] file) && file[0] == '!') {
      throw new BadImageException("The image is a bang.");
    }
    if (input instanceof DigitInput.Image(byte[] file) && file[0] == '?') {
      throw new IllegalStateException("a secret");
    }
    return new DigitInput.Counts(new float[64]);
  }

  private List<Digit> classify(List<DigitInput> inputs) throws InterruptedException {
    mayHandle.acquire();
    float[] probabilities = new float[10];
    probabilities[7] = 0.75f;
    probabilities[2] = 0.25f;
    return Collections.nCopies(inputs.size(), Digit.of(probabilities));
  }

  @Test
  void pixelsAreAnswered() throws Exception {
    HttpResponse<String> response = post("{\"pixels\":[" + PIXELS + "]}", "application/json");
    assertThat(response.body())
        .startsWith(
            "{\"digit\":7,\"confidence\":0.75,"
                + "\"probabilities\":[0.0,0.0,0.25,0.0,0.0,0.0,0.0,0.75,0.0,0.0],\"batchSize\":1,")
        .contains("\"queueMillis\":", "\"handleMillis\":");
    assertThat(response.statusCode()).isEqualTo(200);
  }

  @Test
  void imageOfAnyNamedOrUnnamedTypeIsAnswered() throws Exception {
    for (String type :
        List.of(
            "image/png",
            "image/jpeg",
            "application/octet-stream",
            "application/x-www-form-urlencoded",
            "IMAGE/PNG; x=y")) {
      assertThat(post("an image", type).statusCode()).as(type).isEqualTo(200);
    }
  }

  @Test
  void jsonIsKnownByItsBeginning() throws Exception {
    HttpResponse<String> response =
        post(" \n{\"pixels\":[" + PIXELS + "]}", "application/x-www-form-urlencoded");
    assertThat(response.statusCode()).isEqualTo(200);
  }

  @Test
  void wrongBodiesAreRefused() throws Exception {
    assertError(post("!", "image/png"), 400, "The image is a bang.");
    assertError(post("x", "image/gif"), 415, "the body is image/gif, it has to be");
    assertError(post("", "image/png"), 400, "the body is empty");
    assertError(post("{}", "text/plain"), 400, "\\\"pixels\\\" is missing");
  }

  @Test
  void fullQueueIsUnavailable() throws Exception {
    mayHandle.drainPermits();
    CompletableFuture<HttpResponse<String>> first = postLater();
    await("the first is handled").until(() -> mayHandle.hasQueuedThreads());
    CompletableFuture<HttpResponse<String>> second = postLater();
    await("the second waits").until(() -> flow.queued("classify") == 1);
    HttpResponse<String> third = post("{\"pixels\":[" + PIXELS + "]}", "application/json");
    assertThat(third.statusCode()).isEqualTo(503);
    assertThat(third.headers().firstValue("Retry-After")).isPresent();
    mayHandle.release(2);
    assertThat(first.join().statusCode()).isEqualTo(200);
    assertThat(second.join().statusCode()).isEqualTo(200);
  }

  @Test
  void missedDeadlineIsGatewayTimeout() throws Exception {
    mayHandle.drainPermits();
    server.close(Duration.ZERO);
    server = server(Duration.ofMillis(50));
    assertThat(post("{\"pixels\":[" + PIXELS + "]}", "application/json").statusCode())
        .isEqualTo(504);
  }

  @Test
  void stoppedFlowIsUnavailable() throws Exception {
    flow.close();
    assertThat(post("{\"pixels\":[" + PIXELS + "]}", "application/json").statusCode())
        .isEqualTo(503);
  }

  @Test
  void manyImagesHaveAnOutcomeEach() throws Exception {
    String good = Base64.getEncoder().encodeToString(new byte[] {1});
    String bad = Base64.getEncoder().encodeToString(new byte[] {'!'});
    HttpResponse<String> response =
        send("/digits/many", "[\"" + bad + "\",\"" + good + "\"]", "application/json");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body())
        .startsWith("[{\"error\":\"The image is a bang.\"},{\"digit\":7,")
        .endsWith("}]");
    for (String wrong : List.of("", "[]", "{}", "[1]", "[\"?\"]", "[\"AAAA\"", "[\"AAAA\"] 1")) {
      assertThat(send("/digits/many", wrong, "application/json").statusCode())
          .as(wrong)
          .isEqualTo(400);
    }
    String tooMany = "[" + String.join(",", Collections.nCopies(65, "\"AAAA\"")) + "]";
    assertThat(send("/digits/many", tooMany, "application/json").statusCode()).isEqualTo(400);
  }

  @Test
  void internalFailuresOfManyImagesTellNothingOfTheInside() throws Exception {
    String internal = Base64.getEncoder().encodeToString(new byte[] {'?'});
    assertThat(send("/digits/many", "[\"" + internal + "\"]", "application/json").body())
        .isEqualTo("[{\"error\":\"the server failed to recognise this image; its log says why\"}]");
    mayHandle.drainPermits();
    server.close(Duration.ZERO);
    server = server(Duration.ofMillis(50));
    assertThat(send("/digits/many", "[\"AAAA\"]", "application/json").body())
        .as("what the outcome says")
        .startsWith("[{\"error\":\"")
        .doesNotContain("its log says why");
  }

  @Test
  void clientThatGoesAwayWithdrawsAllItsImages() throws Exception {
    mayHandle.drainPermits();
    CompletableFuture<HttpResponse<String>> first = postLater();
    await("the first is handled").until(() -> mayHandle.hasQueuedThreads());
    CompletableFuture<HttpResponse<String>> many =
        client.sendAsync(
            request("/digits/many", "[\"AAAA\"]", "application/json"), BodyHandlers.ofString());
    await("the image waits").until(() -> flow.queued("classify") == 1);
    many.cancel(true);
    await("the image is withdrawn").until(() -> flow.queued("classify") == 0);
    mayHandle.release(1);
    assertThat(first.join().statusCode()).isEqualTo(200);
  }

  @Test
  void figuresAndTheirStreamAreJson() throws Exception {
    post("an image", "image/png");
    await("the window has the request")
        .untilAsserted(
            () -> assertThat(get("/stats").body()).contains("\"totals\":{\"completed\":1,"));
    HttpRequest request = HttpRequest.newBuilder(uri("/stats/stream")).build();
    try (var lines = client.send(request, BodyHandlers.ofLines()).body()) {
      assertThat(lines.filter(line -> line.startsWith("data: ")).findFirst())
          .hasValueSatisfying(line -> assertThat(line).contains("\"name\":\"classify\""));
    }
  }

  @Test
  void threadsAreNotToBeKilled() throws Exception {
    assertError(
        send("/workers/kill?worker=digits-classify-0", "", "application/json"),
        404,
        "there are no worker processes");
    assertThat(get("/stats").body()).contains("\"workers\":[]");
  }

  @Test
  void otherPagesMayNotKill() throws Exception {
    String kill = "/workers/kill?worker=digits-classify-0";
    for (String type : List.of("text/plain", "application/x-www-form-urlencoded")) {
      assertError(send(kill, "", type), 415, "the content type is \\\"" + type + "\\\"");
    }
    Map.of("same-origin", 404, "none", 404, "same-site", 403, "cross-site", 403, "", 403)
        .forEach(
            (site, status) ->
                assertThat(statusOfKill("localhost", "Sec-Fetch-Site: " + site + "\r\n"))
                    .as(site)
                    .isEqualTo(status));
  }

  @Test
  void pagesOfOtherNamesForThisMachineMayNotKill() {
    for (String host :
        List.of("localhost", "LOCALHOST:80", "127.0.0.1:1", "192.0.2.7", "[::1]:80", "A-name:1")) {
      assertThat(statusOfKill(host, "")).as(host).isEqualTo(404);
    }
    for (String host :
        List.of(
            "evil.example",
            "evil.example:80",
            "127.0.0.1.evil.example",
            "localhost.evil.example:1",
            "a-name.evil.example",
            "[::1].evil.example",
            "1.example")) {
      assertThat(statusOfKill(host, "")).as(host).isEqualTo(403);
    }
  }

  private int statusOfKill(String host, String header) {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      socket.setSoTimeout(20_000);
      String head =
          "POST /workers/kill?worker=digits-classify-0 HTTP/1.1\r\nHost: %s\r\n%s"
                  .formatted(host, header)
              + "Content-Type: application/json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(head.getBytes(UTF_8));
      String answer = new String(socket.getInputStream().readAllBytes(), UTF_8);
      return Integer.parseInt(answer.split(" ", 3)[1]);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void pageNeedsNothingFromElsewhere() throws Exception {
    String page = get("/").body();
    assertThat(page).contains("<canvas", "/page.js", "/page.css").doesNotContain("https://");
    assertThat(page).contains("id=\"keep\"", "id=\"load\"", "id=\"workers\"");
    assertThat(get("/page.js").body())
        .contains("'/stats/stream'", "/workers/kill?worker=", "'pageshow'");
    for (String path : List.of("/page.js", "/page.css", "/icon.svg", "/sample.png")) {
      assertThat(get(path).statusCode()).as(path).isEqualTo(200);
    }
  }

  private static void assertError(HttpResponse<String> response, int status, String beginning) {
    assertThat(response.body()).startsWith("{\"error\":\"" + beginning);
    assertThat(response.statusCode()).isEqualTo(status);
  }

  private CompletableFuture<HttpResponse<String>> postLater() {
    return client.sendAsync(
        request("/digits", "{\"pixels\":[" + PIXELS + "]}", "application/json"),
        BodyHandlers.ofString());
  }

  private HttpResponse<String> post(String body, String type) throws Exception {
    return send("/digits", body, type);
  }

  private HttpResponse<String> send(String path, String body, String type) throws Exception {
    return client.send(request(path, body, type), BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path) throws Exception {
    return client.send(HttpRequest.newBuilder(uri(path)).build(), BodyHandlers.ofString());
  }

  private HttpRequest request(String path, String body, String type) {
    return HttpRequest.newBuilder(uri(path))
        .header("Content-Type", type)
        .POST(BodyPublishers.ofString(body))
        .build();
  }

  private URI uri(String path) {
    return URI.create(server.url() + path);
  }
}
