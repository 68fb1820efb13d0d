package io.headrace.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What clients do that do not keep to the rules. */
class RawHttpTest {
  /** More than the sockets between a client and its server hold. */
  private static final byte[] LARGE = new byte[16 << 20];

  private final BlockingQueue<CompletableFuture<String>> held = new ArrayBlockingQueue<>(10);
  private final AtomicInteger answeredLarge = new AtomicInteger();
  private HttpServer server;

  @BeforeEach
  void start() throws Exception {
    server = builder().start();
  }

  @AfterEach
  void stop() {
    server.close(Duration.ZERO);
  }

  private HttpServerBuilder builder() {
    return HttpServer.builder()
        .port(0)
        .maxBodyBytes(1000)
        .route("POST", "/length", RawHttpTest::length)
        .route("GET", "/held", request -> hold())
        .route("GET", "/large", request -> large())
        .events("/flood", Duration.ofMillis(1), () -> "x".repeat(250_000))
        .events("/events", Duration.ofDays(1), () -> "x");
  }

  private static CompletableFuture<Response> length(Request request) {
    return CompletableFuture.completedFuture(text(Integer.toString(request.body().length)));
  }

  private CompletableFuture<Response> large() {
    answeredLarge.incrementAndGet();
    return CompletableFuture.completedFuture(Response.of(200, "text/plain", LARGE));
  }

  private CompletableFuture<Response> hold() {
    CompletableFuture<String> result = new CompletableFuture<>();
    held.add(result);
    return Response.when(result, RawHttpTest::text);
  }

  private static Response text(String text) {
    return Response.of(200, "text/plain", text.getBytes(UTF_8));
  }

  @Test
  void chunkedBodyIsPutTogether() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.send("POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
      client.send("3\r\nabc\r\n").send("2\r\nde\r\n").send("0\r\n\r\n");
      assertThat(client.read().body()).isEqualTo("5");
    }
  }

  /** The memory of a body is free again wherever its client went. */
  @Test
  void aClientThatGoesAfterARefusalKeepsNoMemory() throws Exception {
    try (HttpServer small =
        HttpServer.builder()
            .port(0)
            .maxBodyBytes(100_000)
            .maxBufferedBytes(300_000)
            .clientTimeout(Duration.ofMillis(200))
            .route("POST", "/length", RawHttpTest::length)
            .start()) {
      String chunked = "POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
      String chunk = "ea60\r\n" + "x".repeat(60_000) + "\r\n";
      String announced = "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
      for (boolean isReset : List.of(false, true)) {
        for (int i = 0; i < 5; i++) {
          leave(small, chunked + chunk + chunk, 413, isReset);
          leave(small, chunked + chunk + "none\r\n", 400, isReset);
          leave(small, announced + "x".repeat(60_000), 408, isReset);
        }
      }
      try (RawClient client = new RawClient(small.port())) {
        client.send(announced + "x".repeat(100_000));
        assertThat(client.read().body()).isEqualTo("100000");
      }
    }
  }

  private static void leave(HttpServer server, String request, int status, boolean isReset)
      throws IOException {
    try (RawClient client = new RawClient(server.port())) {
      client.send(request);
      assertThat(client.read().status()).isEqualTo(status);
      if (isReset) {
        client.resetAtClose();
      }
    }
  }

  @Test
  void chunkedBodyOverTheLimitIsAnsweredBeforeItEnds() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.send("POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
      client.send("3e8\r\n" + "x".repeat(1000) + "\r\n").send("1\r\nx\r\n");
      RawClient.Answer answer = client.read();
      assertThat(answer.status()).isEqualTo(413);
      assertThat(answer.header("Connection")).isEqualTo("close");
      assertThat(client.endedByServer()).isTrue();
    }
  }

  @Test
  void announcedLengthOverTheLimitIsAnsweredBeforeTheBody() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.send("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(413);
      assertThat(client.endedByServer()).isTrue();
    }
  }

  @Test
  void clientThatWaitsForContinueIsToldSoOrRefused() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      String head = "POST /length HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n";
      client.send(head + "Content-Length: 2\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(100);
      client.send("ab");
      assertThat(client.read().body()).isEqualTo("2");
      client.send(head + "Content-Length: 5000\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(413);
    }
  }

  @Test
  void aClientOfHttp10IsNotToldToContinue() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.send("POST /length HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab");
      RawClient.Answer answer = client.read();
      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.body()).isEqualTo("2");
    }
  }

  @Test
  void whatIsRefusedIsSeenInEveryLineOfAHeader() throws Exception {
    String head = "POST /length HTTP/1.1\r\nHost: x\r\n";
    String encodings = "Content-Encoding: identity\r\nContent-Encoding: gzip\r\n";
    String expectations = "Expect: 100-continue\r\nExpect: more\r\n";
    assertThat(status(head + encodings + "Content-Length: 2\r\n\r\nab")).isEqualTo(415);
    assertThat(status(head + expectations + "Content-Length: 2\r\n\r\n")).isEqualTo(417);
  }

  private int status(String request) throws IOException {
    try (RawClient client = new RawClient(server.port())) {
      return client.send(request).read().status();
    }
  }

  @Test
  void eachAnswerHasItsDate() throws Exception {
    Instant before = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    for (String request :
        List.of(
            "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
            "nonsense\r\n\r\n")) {
      try (RawClient client = new RawClient(server.port())) {
        String date = client.send(request).read().header("Date");
        assertThat(date).hasSize("Sun, 06 Nov 1994 08:49:37 GMT".length());
        assertThat(Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(date)))
            .isBetween(before, Instant.now());
      }
    }
  }

  @Test
  void aRouteKnowsItsClient() throws Exception {
    try (HttpServer other =
            HttpServer.builder().port(0).route("GET", "/who", RawHttpTest::who).start();
        RawClient client = new RawClient(other.port())) {
      assertThat(client.send("GET /who HTTP/1.1\r\nHost: x\r\n\r\n").read().body())
          .isEqualTo("127.0.0.1 " + client.localPort());
    }
  }

  private static CompletableFuture<Response> who(Request request) {
    InetSocketAddress client = request.remoteAddress();
    return CompletableFuture.completedFuture(
        text(client.getAddress().getHostAddress() + " " + client.getPort()));
  }

  @Test
  void eachEventLoopHasItsShareOfTheConnections() throws Exception {
    int loops = 3;
    Set<String> threads = new HashSet<>();
    try (HttpServer shared =
        HttpServer.builder()
            .port(0)
            .eventLoops(loops)
            .route(
                "GET",
                "/thread",
                _ -> CompletableFuture.completedFuture(text(Thread.currentThread().getName())))
            .start()) {
      for (int i = 0; i < 4 * loops; i++) {
        try (RawClient client = new RawClient(shared.port())) {
          client.send("GET /thread HTTP/1.1\r\nHost: x\r\n\r\n");
          threads.add(client.read().body());
        }
      }
    }
    assertThat(threads).hasSize(loops);
  }

  @Test
  void aBodyThatNeverFitsIsTooLargeAndOneThatFitsAloneIsTaken() throws Exception {
    String post = "POST /length HTTP/1.1\r\nHost: x\r\n";
    String chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
    try (HttpServer small = builder().maxBufferedBytes(900).start()) {
      try (RawClient client = new RawClient(small.port())) {
        client.send(chunked + "1f4\r\n" + "x".repeat(500) + "\r\n");
        client.send("190\r\n" + "x".repeat(400) + "\r\n0\r\n\r\n");
        assertThat(client.read().body()).isEqualTo("900");
      }
      try (RawClient client = new RawClient(small.port())) {
        client.send(post + "Content-Length: 901\r\n\r\n");
        assertThat(client.read().status()).isEqualTo(413);
      }
      try (RawClient client = new RawClient(small.port())) {
        client.send(chunked + "385\r\n" + "x".repeat(901) + "\r\n0\r\n\r\n");
        assertThat(client.read().status()).isEqualTo(413);
      }
    }
  }

  @Test
  void bodiesTogetherStayWithinTheirMemory() throws Exception {
    // On one event loop what comes first is handled first, and gives its memory back first.
    try (HttpServer small = builder().maxBufferedBytes(900).eventLoops(1).start();
        RawClient first = new RawClient(small.port());
        RawClient second = new RawClient(small.port())) {
      String post = "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n";
      first.send(post + "Expect: 100-continue\r\n\r\n");
      assertThat(first.read().status()).isEqualTo(100);
      first.send("x".repeat(499));
      await("the first is read").until(() -> refused(small, post + "\r\n" + "x".repeat(500)));
      first.send("x");
      assertThat(first.read().body()).isEqualTo("500");
      assertThat(second.send(post + "\r\n" + "x".repeat(500)).read().body()).isEqualTo("500");
    }
  }

  private static boolean refused(HttpServer server, String request) throws IOException {
    try (RawClient client = new RawClient(server.port())) {
      RawClient.Answer answer = client.send(request).read();
      return answer.status() == 503 && answer.header("Retry-After").equals("1");
    }
  }

  @Test
  void bodyOfAListenerIsNotKept() throws Exception {
    try (HttpServer small = builder().maxBufferedBytes(900).start();
        RawClient listener = new RawClient(small.port());
        RawClient other = new RawClient(small.port())) {
      String announced = " HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n" + "x".repeat(500);
      assertThat(listener.send("GET /events" + announced).read().status()).isEqualTo(200);
      assertThat(other.send("POST /length" + announced).read().body()).isEqualTo("500");
    }
  }

  @Test
  void pipelinedRequestsAreAnsweredInOrder() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\nGET /held HTTP/1.1\r\nHost: x\r\n\r\n");
      nextHeld().complete("first");
      assertThat(client.read().body()).isEqualTo("first");
      nextHeld().complete("second");
      assertThat(client.read().body()).isEqualTo("second");
    }
  }

  @Test
  void clientThatGoesAwayWithdrawsItsItem() throws Exception {
    CompletableFuture<String> result;
    try (RawClient client = new RawClient(server.port())) {
      client.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
      result = nextHeld();
      assertThat(result).isNotDone();
    }
    await("the item is withdrawn").until(result::isCancelled);
  }

  @Test
  void brokenHttpIsABadRequest() throws Exception {
    for (String broken :
        new String[] {
          "rubbish\r\n\r\n",
          "GET\r\n\r\n",
          "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
          "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
          "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
          "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
          "GET /held HTTP/1.1\r\nHost : x\r\n\r\n",
          "GET /held HTTP/1.1\r\nbad header\r\n\r\n",
          "POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        }) {
      try (RawClient client = new RawClient(server.port())) {
        RawClient.Answer answer = client.send(broken).read();
        assertThat(answer.status()).as(broken).isEqualTo(400);
        assertThat(answer.body()).contains("{\"error\":\"");
        assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(client.endedByServer()).as(broken).isTrue();
      }
    }
  }

  @Test
  void bodyInAnEncodingThatIsNotKnownIsNotTakenForARequest() throws Exception {
    for (String encoding :
        new String[] {
          "gzip",
          "identity",
          "xchunked",
          "gzip, chunked",
          "chunked, chunked",
          "chunked\r\n" + "Transfer-Encoding: chunked",
          ""
        }) {
      for (String path : new String[] {"/length", "/nowhere"}) {
        try (RawClient client = new RawClient(server.port())) {
          client.send(
              "POST "
                  + path
                  + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                  + encoding
                  + "\r\n\r\nGET /held HTTP/1.1\r\nHost: x\r\n\r\n");
          RawClient.Answer answer = client.read();
          assertThat(answer.status()).as(encoding).isEqualTo(501);
          assertThat(answer.body()).contains("{\"error\":\"");
          assertThat(answer.header("Connection")).isEqualTo("close");
          assertThat(client.endedByServer()).as(encoding).isTrue();
          assertThat(held).as(encoding).isEmpty();
        }
      }
    }
  }

  @Test
  void requestNamesItsHostOnce() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      for (String hosts : new String[] {"", "Host: x\r\nHost: x\r\n"}) {
        RawClient.Answer answer = client.send("GET /nowhere HTTP/1.1\r\n" + hosts + "\r\n").read();
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.body()).contains("{\"error\":\"");
      }
      assertThat(client.send("GET /nowhere HTTP/1.0\r\n\r\n").read().status()).isEqualTo(404);
    }
  }

  @Test
  void headAndLineHaveLimits() throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.send("GET /" + "x".repeat(10_000) + " HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(414);
    }
    try (RawClient client = new RawClient(server.port())) {
      client.send("GET /held HTTP/1.1\r\nX: " + "x".repeat(20_000) + "\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(431);
    }
  }

  @Test
  void headAndLineBelowTheirLimitsAreTaken() throws Exception {
    assertThat(status("GET /nowhere?" + "x".repeat(8_000) + " HTTP/1.1\r\nHost: x\r\n\r\n"))
        .isEqualTo(404);
    assertThat(status("GET /nowhere HTTP/1.1\r\nHost: x\r\nX: " + "x".repeat(16_000) + "\r\n\r\n"))
        .isEqualTo(404);
  }

  @Test
  void anUpgradeToHttp2IsDeclined() throws Exception {
    assertThat(
            status(
                "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                    + "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"))
        .isEqualTo(404);
  }

  @Test
  void aConnectionInUseIsNotTakenForAStall() throws Exception {
    try (HttpServer strict = builder().clientTimeout(Duration.ofSeconds(2)).start();
        RawClient used = new RawClient(strict.port());
        RawClient silent = new RawClient(strict.port())) {
      CompletableFuture<Void> silentEnded = CompletableFuture.runAsync(() -> assertEnded(silent));
      while (!silentEnded.isDone()) {
        assertIsServed(used);
      }
      assertIsServed(used);
      silentEnded.join();
    }
  }

  private static void assertIsServed(RawClient client) throws IOException {
    client.send("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    assertThat(client.read().status()).isEqualTo(404);
  }

  private static void assertEnded(RawClient client) {
    try {
      assertThat(client.endedByServer()).isTrue();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void clientsThatStallAreLetGo() throws Exception {
    try (HttpServer strict = builder().clientTimeout(Duration.ofSeconds(2)).start();
        RawClient silent = new RawClient(strict.port());
        RawClient slowHead = new RawClient(strict.port());
        RawClient slowBody = new RawClient(strict.port());
        RawClient keptAlive = new RawClient(strict.port())) {
      slowHead.send("GET /held HTTP/1.1\r\nHos");
      slowBody.send("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
      keptAlive.send("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
      assertThat(keptAlive.read().status()).isEqualTo(200);
      assertThat(slowBody.read().status()).isEqualTo(408);
      for (RawClient client : new RawClient[] {silent, slowHead, slowBody, keptAlive}) {
        assertThat(client.endedByServer()).isTrue();
      }
    }
  }

  @Test
  void clientsThatDoNotReadAreLetGo() throws Exception {
    try (HttpServer strict = builder().clientTimeout(Duration.ofSeconds(1)).start();
        RawClient single = new RawClient(strict.port());
        RawClient listener = new RawClient(strict.port())) {
      single.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
      listener.send("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n");
      await("the end of the response").until(() -> isCut(single));
      await("the end of the stream").until(() -> isCut(listener));
    }
  }

  @Test
  void clientThatPipelinesAndDoesNotReadIsAnsweredNoMore() throws Exception {
    try (HttpServer strict = builder().clientTimeout(Duration.ofSeconds(1)).start();
        RawClient client = new RawClient(strict.port())) {
      client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20));
      await("the end of the connection").until(() -> isCut(client));
      assertThat(answeredLarge).hasValueLessThan(20);
    }
  }

  /** What is sent to a connection that has ended comes back as an error. */
  private static boolean isCut(RawClient client) {
    try {
      client.send(" ");
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  @Test
  void requestThatIsWorkedOnIsNotTakenForAStall() throws Exception {
    try (HttpServer strict = builder().clientTimeout(Duration.ofSeconds(1)).start();
        RawClient waiting = new RawClient(strict.port())) {
      waiting.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
      CompletableFuture<String> result = nextHeld();
      try (RawClient silent = new RawClient(strict.port())) {
        assertThat(silent.endedByServer()).isTrue();
      }
      result.complete("at last");
      assertThat(waiting.read().body()).isEqualTo("at last");
    }
  }

  @Test
  void quietEventStreamIsNotTakenForAStall() throws Exception {
    try (HttpServer strict = builder().eventLoops(1).clientTimeout(Duration.ofSeconds(1)).start();
        RawClient listener = new RawClient(strict.port())) {
      assertThat(listener.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n").read().status())
          .isEqualTo(200);
      try (RawClient silent = new RawClient(strict.port())) {
        assertThat(silent.endedByServer()).isTrue();
      }
      strict.close(Duration.ofSeconds(30));
      List<String> lines = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        lines.add(listener.line());
      }
      assertThat(lines).as("a stream that ends by the rules").contains("data: x", "0");
    }
  }

  private CompletableFuture<String> nextHeld() throws InterruptedException {
    CompletableFuture<String> next = held.poll(20, TimeUnit.SECONDS);
    assertThat(next).as("a request that reached its route").isNotNull();
    return next;
  }
}
