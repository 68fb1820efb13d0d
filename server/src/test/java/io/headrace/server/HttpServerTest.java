package io.headrace.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.headrace.DeadlineExceededException;
import io.headrace.HeadraceException;
import io.headrace.InvalidInputException;
import io.headrace.QueueFullException;
import io.headrace.RejectedException;
import io.headrace.StoppedException;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HttpServerTest {
  private static final int LIMIT_BYTES = 1000;
  private static final String DATE = "Sun, 06 Nov 1994 08:49:37 GMT";

  private static final Response HEADERS =
      Response.empty(200)
          .withHeader("Set-Cookie", "a=1")
          .withHeader("Set-Cookie", "b=2")
          .withHeader("Date", DATE);

  private static final AtomicBoolean ready = new AtomicBoolean(true);
  private static HttpClient client;
  private static HttpServer server;

  @BeforeAll
  static void start() throws Exception {
    client = HttpClient.newHttpClient();
    server =
        HttpServer.builder()
            .port(0)
            .maxBodyBytes(LIMIT_BYTES)
            .readiness(ready::get)
            .failure(ArithmeticException.class, 422)
            .route("GET", "/invalid", _ -> failed(new InvalidInputException("given is [3]")))
            .route("POST", "/echo", HttpServerTest::echo)
            .route("GET", "/hello", request -> hello())
            .route("GET", "/throws", request -> sneakyThrow())
            .route("GET", "/nothing", request -> CompletableFuture.completedFuture(null))
            .route("GET", "/mute", request -> failed(new MuteException()))
            .route("GET", "/mute/thrown", request -> mute())
            .route("GET", "/mute/later", request -> later().thenCompose(response -> mute()))
            .route("GET", "/bad-header", request -> badHeader())
            .route("GET", "/later", request -> later())
            .route("GET", "/full", request -> failed(outcome(QueueFullException.class)))
            .route("GET", "/rejected", request -> failed(outcome(RejectedException.class)))
            .route("GET", "/stopped", request -> failed(outcome(StoppedException.class)))
            .route("GET", "/late", request -> failed(outcome(DeadlineExceededException.class)))
            .route("GET", "/cancelled", request -> failed(new CancellationException()))
            .route("GET", "/own", request -> failed(new RequestException(409, "no, not twice")))
            .route("GET", "/mapped", request -> failed(new ArithmeticException("seven is odd")))
            .route("GET", "/wordless", request -> failed(new ArithmeticException()))
            .route("GET", "/blank", request -> failed(new ArithmeticException(" ")))
            .route("GET", "/chained", request -> chained(outcome(QueueFullException.class)))
            .route("GET", "/unanswerable", request -> unanswerable())
            .route("GET", "/headers", request -> CompletableFuture.completedFuture(HEADERS))
            .resource("/page", HttpServerTest.class, "page.html")
            .start();
  }

  @AfterAll
  static void stop() {
    server.close();
    client.close();
  }

  @Test
  void answersWithTheBodyAndTheHeadersOfTheRoute() throws Exception {
    HttpResponse<String> response = post("/echo?a=b", "text/plain; charset=utf-8", "hello");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEqualTo("POST /echo a=b text/plain hello");
    assertThat(response.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
  }

  @Test
  void theTypeOfABodyIsWithoutItsParametersAndInLowerCase() throws Exception {
    assertThat(post("/echo", "TEXT/Plain ; charset=utf-8", "x").body())
        .isEqualTo("POST /echo  text/plain x");
  }

  @Test
  void headersOfTheRouteAreSentAsTheyAre() throws Exception {
    HttpHeaders headers = get("/headers").headers();
    assertThat(headers.allValues("Set-Cookie")).containsExactly("a=1", "b=2");
    assertThat(headers.allValues("Date")).containsExactly(DATE);
  }

  @Test
  void headAnswersLikeGetWithoutTheBody() throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(uri("/hello")).method("HEAD", BodyPublishers.noBody()).build();
    HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEmpty();
    assertThat(response.headers().firstValue("Content-Length")).hasValue("15");
  }

  @Test
  void futureThatCompletesOnAnotherThreadIsAnswered() throws Exception {
    assertThat(get("/later").body()).isEqualTo("later");
  }

  @Test
  void unknownPathIsNotFound() throws Exception {
    assertError(get("/nowhere"), 404, "there is nothing at /nowhere");
  }

  @Test
  void wrongMethodIsToldWhatIsAllowed() throws Exception {
    HttpResponse<String> response = get("/echo");
    assertError(response, 405, "/echo takes POST, not GET");
    assertThat(response.headers().firstValue("Allow")).hasValue("POST");
    HttpResponse<String> second = post("/hello", "text/plain", "x");
    assertThat(second.headers().firstValue("Allow")).hasValue("GET, HEAD");
  }

  @Test
  void bodyAtTheLimitPassesAndOneByteMoreDoesNot() throws Exception {
    assertThat(post("/echo", "text/plain", "x".repeat(LIMIT_BYTES)).statusCode()).isEqualTo(200);
    assertError(
        post("/echo", "text/plain", "x".repeat(LIMIT_BYTES + 1)),
        413,
        "the body is larger than the 1000 bytes allowed");
  }

  @Test
  void compressedBodyIsRefused() throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(uri("/echo"))
            .header("Content-Encoding", "gzip")
            .POST(BodyPublishers.ofString("x"))
            .build();
    HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
    assertError(response, 415, "bodies must not be compressed, send this one as it is");
  }

  @Test
  void outcomesThatMayPassAreUnavailableWithRetryAfter() throws Exception {
    for (String path : new String[] {"/full", "/rejected", "/stopped"}) {
      HttpResponse<String> response = get(path);
      assertError(response, 503, "as a test says");
      assertThat(response.headers().firstValue("Retry-After")).hasValue("1");
    }
    assertThat(get("/cancelled").statusCode()).isEqualTo(503);
    assertError(get("/chained"), 503, "as a test says");
  }

  @Test
  void missedDeadlineIsGatewayTimeout() throws Exception {
    assertError(get("/late"), 504, "as a test says");
  }

  @Test
  void failuresOfTheRouteHaveTheirStatus() throws Exception {
    assertError(get("/own"), 409, "no, not twice");
    assertError(get("/mapped"), 422, "seven is odd");
    assertError(get("/invalid"), 400, "given is [3]");
    for (String path : List.of("/wordless", "/blank")) {
      assertError(get(path), 422, "the request was not answered: ArithmeticException");
    }
  }

  @Test
  void theResponseToWhatFailsElsewhereIsMadeOnTheEventLoop() throws Exception {
    AtomicReference<Thread> eventLoop = new AtomicReference<>();
    AtomicReference<Thread> asked = new AtomicReference<>();
    CompletableFuture<Response> answer = new CompletableFuture<>();
    try (HttpServer own =
            HttpServer.builder()
                .port(0)
                .failure(IllegalStateException.class, 409)
                .route(
                    "GET",
                    "/x",
                    request -> {
                      eventLoop.set(Thread.currentThread());
                      return answer;
                    })
                .start();
        RawClient raw = new RawClient(own.port())) {
      raw.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
      await("the server waits for the answer").until(() -> answer.getNumberOfDependents() > 0);
      answer.completeExceptionally(
          new IllegalStateException() {
            private static final long serialVersionUID = 1;

            @Override
            public String getMessage() {
              asked.set(Thread.currentThread());
              return "as a test says";
            }
          });
      assertThat(raw.read().status()).isEqualTo(409);
    }
    assertThat(asked).hasValue(eventLoop.get());
  }

  @Test
  void internalErrorTellsNothingOfTheInside() throws Exception {
    String sentence = "the server failed to answer this request; its log says why";
    assertError(get("/throws"), 500, sentence);
    assertError(get("/nothing"), 500, sentence);
    assertError(get("/unanswerable"), 500, sentence);
  }

  @Test
  void exceptionThatCannotSayWhatItIsIsAnInternalError() throws Exception {
    String sentence = "the server failed to answer this request; its log says why";
    for (String path : List.of("/mute", "/mute/thrown", "/mute/later")) {
      try (RawClient raw = new RawClient(server.port())) {
        raw.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
        assertThat(raw.read().body()).as(path).isEqualTo("{\"error\":\"" + sentence + "\"}");
      }
    }
  }

  @Test
  void headersThatCannotBeSentAreRefusedAtTheCall() throws Exception {
    Response response = Response.empty(200);
    for (String name : new String[] {"", "a b", "a\n", "a:", "\u00e4", "a\u007f"}) {
      assertThatThrownBy(() -> response.withHeader(name, "x"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("\"%s\" is no name of a header", name);
    }
    for (String value : new String[] {"a\r\nb", "\n", "\0", "\u007f"}) {
      assertThatThrownBy(() -> response.withHeader("a", value))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("the value of the header \"a\" has a control character");
      assertThatThrownBy(() -> Response.of(200, value, new byte[0]))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(response.withHeader("X-a_1!", "a\tb; c=\"\u00e4\"")).isNotNull();
    String sentence = "the server failed to answer this request; its log says why";
    assertError(get("/bad-header"), 500, sentence);
  }

  @Test
  void healthTellsLiveAndReady() throws Exception {
    assertThat(get("/health/live").body()).isEqualTo("{\"status\":\"live\"}");
    assertThat(get("/health/ready").body()).isEqualTo("{\"status\":\"ready\"}");
    ready.set(false);
    try {
      assertError(get("/health/ready"), 503, "the server is not ready");
      assertThat(get("/health/live").statusCode()).isEqualTo(200);
    } finally {
      ready.set(true);
    }
  }

  @Test
  void readinessThatCannotBeToldIsNotReady() throws Exception {
    for (Throwable thrown : List.of(new IllegalStateException("x"), new AssertionError("x"))) {
      try (HttpServer server =
              HttpServer.builder().port(0).readiness(() -> sneakyThrow(thrown)).start();
          RawClient client = new RawClient(server.port())) {
        assertThat(status(client, "/health/ready")).isEqualTo(503);
        assertThat(status(client, "/health/live")).isEqualTo(200);
      }
    }
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T extends Throwable> boolean sneakyThrow(Throwable thrown) throws T {
    throw (T) thrown;
  }

  @Test
  void statusOfTheNearestTypeCounts() throws Exception {
    HttpServerBuilder builder =
        HttpServer.builder()
            .port(0)
            .failure(RuntimeException.class, 409)
            .failure(IllegalArgumentException.class, 422)
            .failure(Exception.class, 410)
            .route("GET", "/number", request -> failed(new NumberFormatException("x")))
            .route("GET", "/state", request -> failed(new IllegalStateException("x")))
            .route("GET", "/io", request -> failed(new IOException("x")));
    assertThatThrownBy(() -> builder.failure(RuntimeException.class, 423))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("java.lang.RuntimeException is to be answered with 423, it has 409 already");
    try (HttpServer server = builder.start();
        RawClient client = new RawClient(server.port())) {
      assertThat(status(client, "/number")).isEqualTo(422);
      assertThat(status(client, "/state")).isEqualTo(409);
      assertThat(status(client, "/io")).isEqualTo(410);
    }
  }

  @Test
  void headersThatEndTheResponseAreTheServersOwn() {
    for (String name : List.of("Content-Length", "transfer-encoding", "CONNECTION")) {
      assertThatThrownBy(() -> Response.empty(200).withHeader(name, "x"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("the server sets the header \"" + name + "\" itself");
    }
  }

  @Test
  void aContentTypeReplacesTheOneBefore() {
    Response problem =
        Response.json(409, "{}")
            .withHeader("X-Test", "1")
            .withHeader("content-type", "application/problem+json");
    assertThat(problem.headers())
        .containsExactly(
            new Response.Header("X-Test", "1"),
            new Response.Header("content-type", "application/problem+json"));
  }

  @Test
  void whatNoHeaderCanSayIsRefused() {
    assertThat(Response.empty(200).withHeader("X", "gr\u00fcn").headers())
        .containsExactly(new Response.Header("X", "gr\u00fcn"));
    assertThatThrownBy(() -> Response.empty(200).withHeader("X", "5 \u20ac"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "the value of the header \"X\" is \"5 \u20ac\", it has to have characters of"
                + " ISO 8859-1 only");
  }

  @Test
  void resourceIsSentOnceAndThenKnownByItsTag() throws Exception {
    HttpResponse<String> first = get("/page");
    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(first.body()).contains("<title>");
    assertThat(first.headers().firstValue("Content-Type")).hasValue("text/html; charset=utf-8");
    assertThat(first.headers().firstValue("Content-Security-Policy")).isPresent();
    String tag = first.headers().firstValue("ETag").orElseThrow();
    for (String known : List.of(tag, "\"other\", W/" + tag)) {
      HttpRequest again =
          HttpRequest.newBuilder(uri("/page")).header("If-None-Match", known).GET().build();
      HttpResponse<String> second = client.send(again, BodyHandlers.ofString());
      assertThat(second.statusCode()).isEqualTo(304);
      assertThat(second.body()).isEmpty();
      assertThat(second.headers().firstValue("ETag")).hasValue(tag);
      assertThat(second.headers().firstValue("Cache-Control")).hasValue("no-cache");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "page.HTML, text/html; charset=utf-8",
    "module.mjs, text/javascript; charset=utf-8",
    "photo.jpg, image/jpeg",
    "model.onnx, application/octet-stream",
    "noEnding, application/octet-stream",
  })
  void theEndingOfAResourceDecidesItsType(String name, String type) {
    assertThat(Resource.contentType(name)).isEqualTo(type);
  }

  @Test
  void statusWithoutABodyRefusesOne() {
    byte[] body = {1};
    for (int status : new int[] {204, 304}) {
      String message = "status is %d, which has no body: use Response.empty(%<d)".formatted(status);
      assertThatThrownBy(() -> Response.of(status, "text/plain", body)).hasMessage(message);
      assertThatThrownBy(() -> Response.json(status, "{}")).hasMessage(message);
      assertThatThrownBy(() -> Response.error(status, "x")).hasMessage(message);
      assertThat(Response.of(status, "text/plain", new byte[0]).status()).isEqualTo(status);
      assertThat(Response.empty(status).status()).isEqualTo(status);
    }
  }

  @Test
  void hostMayBeWrittenAsInAUrl() throws Exception {
    try (HttpServer bracketed = HttpServer.builder().port(0).host("[127.0.0.1]").start()) {
      assertThat(bracketed.url()).isEqualTo("http://127.0.0.1:" + bracketed.port());
    }
  }

  @Test
  void anAddressOfIpv6IsInBracketsInTheUrl() {
    try (HttpServer none = new HttpServer(Vertx.vertx(), List.of(), List.of(), "::1", 8080)) {
      assertThat(none.url()).isEqualTo("http://[::1]:8080");
    }
  }

  @Test
  void informationalAndUnknownStatusesAreRefused() {
    for (int status : new int[] {199, 600}) {
      assertThatThrownBy(() -> Response.empty(status))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("status is " + status + ", it has to be from 200 to 599");
    }
  }

  @Test
  void badSettingsAreRefusedAtTheCall() {
    HttpServerBuilder builder = HttpServer.builder();
    assertThatThrownBy(() -> builder.port(65536))
        .hasMessage("port is 65536, it has to be from 0 to 65535");
    assertThatThrownBy(() -> builder.maxBodyBytes(0))
        .hasMessage("maxBodyBytes is 0, it has to be at least 1");
    assertThatThrownBy(() -> builder.clientTimeout(Duration.ZERO))
        .hasMessage("clientTimeout is PT0S, it has to be above zero");
    assertThatThrownBy(() -> builder.clientTimeout(Duration.ofMillis(-1)))
        .hasMessage("clientTimeout is PT-0.001S, it has to be above zero");
    for (Duration period : List.of(Duration.ZERO, Duration.ofSeconds(-1))) {
      assertThatThrownBy(() -> builder.events("/e", period, () -> ""))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("period is " + period + ", it has to be at least a millisecond");
    }
    for (int port : new int[] {-1, 65536, Integer.MIN_VALUE}) {
      assertThatThrownBy(() -> builder.port(port))
          .hasMessage("port is " + port + ", it has to be from 0 to 65535");
    }
    assertThatThrownBy(() -> builder.maxBufferedBytes(0))
        .hasMessage("maxBufferedBytes is 0, it has to be at least 1");
    assertThatThrownBy(() -> builder.eventLoops(-2))
        .hasMessage("eventLoops is -2, it has to be at least 1");
    for (int status : new int[] {200, 399, 600, -1}) {
      assertThatThrownBy(() -> builder.failure(Exception.class, status))
          .hasMessage("status is " + status + ", it has to be from 400 to 599");
    }
    assertThatThrownBy(() -> builder.host(" "))
        .hasMessage("host is blank, it has to be a name or an address");
    for (String path :
        List.of("x", "", "/users/{id}", "/x?y=1", "/x#y", "/a b", "/gr\u00fcn", "/*")) {
      assertThatThrownBy(() -> builder.route("GET", path, request -> hello()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith(
              "path is \"" + path + "\", it has to begin with / and have nothing");
    }
    assertThatThrownBy(() -> builder.resource("/x", HttpServerTest.class, "nowhere.html"))
        .hasMessageContaining("nowhere.html");
    for (String method : new String[] {"HEAD", "post", "Post", ""}) {
      assertThatThrownBy(() -> builder.route(method, "/x", request -> hello()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "method is \"%s\", it has to be in capitals, and not HEAD, which follows from GET",
              method);
    }
    assertThatThrownBy(() -> builder.events("/e", Duration.ofNanos(999_999), () -> ""))
        .hasMessage("period is PT0.000999999S, it has to be at least a millisecond");
    builder.route("GET", "/x", request -> hello());
    assertThatThrownBy(() -> builder.route("GET", "/x", request -> hello()))
        .hasMessage("GET /x has a route already");
  }

  @Test
  void anOptionIsSetOnce() {
    Duration second = Duration.ofSeconds(1);
    BooleanSupplier ready = () -> true;
    assertSetOnce("port is set to 81, it was set to 80 before", b -> b.port(80).port(81));
    assertSetOnce("host is set to ::1, it was set to ::1 before", b -> b.host("::1").host("::1"));
    assertSetOnce(
        "maxBodyBytes is set to 2, it was set to 1 before", b -> b.maxBodyBytes(1).maxBodyBytes(2));
    assertSetOnce(
        "maxBufferedBytes is set to 2, it was set to 1 before",
        b -> b.maxBufferedBytes(1).maxBufferedBytes(2));
    assertSetOnce(
        "eventLoops is set to 2, it was set to 1 before", b -> b.eventLoops(1).eventLoops(2));
    assertSetOnce(
        "clientTimeout is set to PT2S, it was set to PT1S before",
        b -> b.clientTimeout(second).clientTimeout(second.multipliedBy(2)));
    assertSetOnce(
        "readiness is set to %s, it was set to %s before".formatted(ready, ready),
        b -> b.readiness(ready).readiness(ready));
  }

  private static void assertSetOnce(String message, Consumer<HttpServerBuilder> settings) {
    assertThatThrownBy(() -> settings.accept(HttpServer.builder()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(message);
  }

  @Test
  @SuppressWarnings("NullAway")
  void nullIsRefusedByTheNameOfTheArgument() {
    HttpServerBuilder builder = HttpServer.builder();
    assertRefusesNull("host", () -> builder.host(null));
    assertRefusesNull("clientTimeout", () -> builder.clientTimeout(null));
    assertRefusesNull("readiness", () -> builder.readiness(null));
    assertRefusesNull("method", () -> builder.route(null, "/n", request -> hello()));
    assertRefusesNull("path", () -> builder.route("GET", null, request -> hello()));
    assertRefusesNull("handler", () -> builder.route("GET", "/n", null));
    assertRefusesNull("anchor", () -> builder.resource("/n", null, "x"));
    assertRefusesNull("name", () -> builder.resource("/n", HttpServerTest.class, null));
    assertRefusesNull("period", () -> builder.events("/n", null, () -> ""));
    assertRefusesNull("event", () -> builder.events("/n", Duration.ofSeconds(1), null));
    assertRefusesNull("type", () -> builder.failure(null, 400));
    assertRefusesNull("contentType", () -> Response.of(200, null, new byte[0]));
    assertRefusesNull("body", () -> Response.of(200, "text/plain", null));
    assertRefusesNull("name", () -> Response.empty(200).withHeader(null, "x"));
  }

  private static void assertRefusesNull(String name, ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(NullPointerException.class).hasMessage(name);
  }

  @Test
  void endlessTimesAreAllowed() throws Exception {
    Duration endless = Duration.ofSeconds(Long.MAX_VALUE);
    HttpServer server =
        HttpServer.builder()
            .port(0)
            .route("GET", "/x", request -> hello())
            .clientTimeout(endless)
            .events("/events", endless, () -> "")
            .start();
    server.close(endless);
  }

  @Test
  void addressThatCannotBeListenedOnIsToldInOneSentence() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = taken.getLocalPort();
      assertThatThrownBy(() -> HttpServer.builder().port(port).start())
          .isInstanceOf(IOException.class)
          .hasMessage("port " + port + " of 127.0.0.1 is in use already");
    }
    assertThatThrownBy(() -> HttpServer.builder().host("no.such.host.invalid").start())
        .hasMessage("the host \"no.such.host.invalid\" is not known");
    assertThatThrownBy(() -> HttpServer.builder().host("192.0.2.1").port(0).start())
        .hasMessage("the host \"192.0.2.1\" is not an address of this machine");
  }

  @Test
  void aBuilderWhoseServerDidNotStartCanStartOne() throws Exception {
    HttpServerBuilder builder = HttpServer.builder().route("GET", "/x", request -> hello());
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      builder.port(taken.getLocalPort());
      assertThatThrownBy(builder::start).isInstanceOf(IOException.class);
    }
    await("the end of the event loops").until(() -> before.containsAll(eventLoops()));
    try (HttpServer server = builder.start();
        RawClient client = new RawClient(server.port())) {
      assertThat(status(client, "/x")).isEqualTo(200);
    }
  }

  private static List<Thread> eventLoops() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("vert.x-eventloop"))
        .toList();
  }

  @Test
  void builderStartsServersThatKnowNothingOfEachOther() throws Exception {
    HttpServerBuilder builder =
        HttpServer.builder()
            .port(0)
            .route("GET", "/x", request -> hello())
            .events("/events", Duration.ofDays(1), () -> "x");
    try (HttpServer first = builder.start();
        RawClient client = new RawClient(first.port())) {
      builder.route("GET", "/y", request -> hello()).readiness(() -> false);
      try (HttpServer second = builder.start();
          RawClient other = new RawClient(second.port())) {
        assertThat(status(client, "/y")).isEqualTo(404);
        assertThat(status(client, "/health/ready")).isEqualTo(200);
        assertThat(status(other, "/y")).isEqualTo(200);
        assertThat(status(other, "/health/ready")).isEqualTo(503);
      }
      assertThat(status(client, "/events")).isEqualTo(200);
    }
    builder.route("GET", "/health/live", request -> hello());
    assertThatThrownBy(builder::start)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("GET /health/live has a route already");
  }

  private static int status(RawClient client, String path) throws IOException {
    return client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n").read().status();
  }

  private static void assertError(HttpResponse<String> response, int status, String sentence) {
    assertThat(response.body()).isEqualTo("{\"error\":\"" + sentence + "\"}");
    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(response.headers().firstValue("Content-Type")).hasValue("application/json");
    assertThat(response.headers().firstValue("Cache-Control")).hasValue("no-store");
  }

  private static CompletableFuture<Response> echo(Request request) {
    String text =
        String.join(
            " ",
            Arrays.asList(
                request.method(),
                request.path(),
                request.query(),
                request.contentType(),
                new String(request.body(), UTF_8)));
    return CompletableFuture.completedFuture(Response.of(200, "text/plain", text.getBytes(UTF_8)));
  }

  private static CompletableFuture<Response> hello() {
    return CompletableFuture.completedFuture(Response.json(200, "{\"hello\":true}\n"));
  }

  private static CompletableFuture<Response> later() {
    return CompletableFuture.supplyAsync(
        () -> Response.of(200, "text/plain", "later".getBytes(UTF_8)));
  }

  private static CompletableFuture<Response> badHeader() {
    return CompletableFuture.completedFuture(Response.empty(200).withHeader("a b\n", "c"));
  }

  private static CompletableFuture<Response> mute() {
    throw new MuteException();
  }

  private static final class MuteException extends RuntimeException {
    private static final long serialVersionUID = 1;

    @Override
    public String getMessage() {
      throw new IllegalStateException("as a test says");
    }
  }

  /** As the future of a batcher is with another stage behind it. */
  private static CompletableFuture<Response> chained(Throwable failure) {
    return failed(failure).thenApply(response -> response);
  }

  private static CompletableFuture<Response> unanswerable() {
    return Response.when(
        CompletableFuture.completedFuture("x"),
        result -> {
          throw new IllegalStateException("a secret");
        });
  }

  private static CompletableFuture<Response> failed(Throwable failure) {
    return CompletableFuture.failedFuture(failure);
  }

  private static CompletableFuture<Response> sneakyThrow() {
    throw new IllegalStateException("a secret");
  }

  /** The constructors of outcomes belong to core alone. */
  static HeadraceException outcome(Class<? extends HeadraceException> type) {
    try {
      for (Constructor<?> constructor : type.getDeclaredConstructors()) {
        constructor.setAccessible(true);
        Object[] arguments = new Object[constructor.getParameterCount()];
        arguments[0] = "as a test says";
        return type.cast(constructor.newInstance(arguments));
      }
      throw new AssertionError(type + " has no constructor");
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  private static HttpResponse<String> get(String path) throws Exception {
    return client.send(HttpRequest.newBuilder(uri(path)).build(), BodyHandlers.ofString());
  }

  private static HttpResponse<String> post(String path, String type, String body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(uri(path))
            .header("Content-Type", type)
            .POST(BodyPublishers.ofString(body))
            .build();
    return client.send(request, BodyHandlers.ofString());
  }

  private static URI uri(String path) {
    return URI.create(server.url() + path);
  }
}
