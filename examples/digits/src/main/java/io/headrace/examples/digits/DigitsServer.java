package io.headrace.examples.digits;

import io.headrace.CallOptions;
import io.headrace.Service;
import io.headrace.server.HttpServerBuilder;
import io.headrace.server.LiveStats;
import io.headrace.server.Request;
import io.headrace.server.RequestException;
import io.headrace.server.Response;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** The routes of the demo: the recogniser, its figures, and the page. */
final class DigitsServer {
  private static final Duration EVENT_PERIOD = Duration.ofMillis(500);
  private static final String JSON = "application/json";

  /** The last is what curl says when it is told nothing else. */
  private static final Set<String> IMAGE_TYPES =
      Set.of(
          "",
          "image/png",
          "image/jpeg",
          "application/octet-stream",
          "application/x-www-form-urlencoded");

  private final Service<DigitInput, Digit> service;
  private final CallOptions options;

  private DigitsServer(Service<DigitInput, Digit> service, Duration timeout) {
    this.service = service;
    this.options = CallOptions.timeout(timeout);
  }

  /**
   * Adds the routes to a server.
   *
   * @param http the server to add to
   * @param service recognises digits
   * @param stats the observer of that service
   * @param timeout how long a request may take
   * @param host the name or address that the server listens on
   * @return the server that was given
   */
  static HttpServerBuilder addRoutes(
      HttpServerBuilder http,
      Service<DigitInput, Digit> service,
      LiveStats stats,
      Duration timeout,
      String host) {
    DigitsServer digits = new DigitsServer(service, timeout);
    return http.route("POST", "/digits", digits::recognise)
        .route("POST", "/digits/many", digits::recogniseMany)
        .failure(BadImageException.class, 400)
        .route("GET", "/stats", request -> figures(stats))
        .route("POST", "/workers/kill", new WorkerKill(stats, host)::kill)
        .events("/stats/stream", EVENT_PERIOD, stats::snapshotJson)
        .resource("/", DigitsServer.class, "page/index.html")
        .resource("/page.css", DigitsServer.class, "page/page.css")
        .resource("/page.js", DigitsServer.class, "page/page.js")
        .resource("/icon.svg", DigitsServer.class, "page/icon.svg")
        .resource("/sample.png", DigitsServer.class, "page/sample.png");
  }

  private static CompletableFuture<Response> figures(LiveStats stats) {
    return CompletableFuture.completedFuture(
        Response.json(200, stats.snapshotJson()).withHeader("Cache-Control", "no-store"));
  }

  private CompletableFuture<Response> recognise(Request request) {
    DigitInput input = input(request);
    DigitAnswer answer = new DigitAnswer();
    return Response.when(service.submit(input, options.withListener(answer)), answer::response);
  }

  private CompletableFuture<Response> recogniseMany(Request request) {
    return ManyImages.recognise(ManyImages.read(request.body()), service, options);
  }

  private static DigitInput input(Request request) {
    byte[] body = request.body();
    String type = request.contentType();
    if (body.length == 0) {
      throw new RequestException(
          400, "the body is empty, it has to be a PNG or JPEG image or {\"pixels\": [64 numbers]}");
    }
    if (type.equals(JSON) || beginsLikeJson(body)) {
      return new DigitInput.Counts(PixelsJson.read(body));
    }
    if (!IMAGE_TYPES.contains(type)) {
      throw new RequestException(
          415, "the body is " + type + ", it has to be image/png, image/jpeg or application/json");
    }
    return new DigitInput.Image(body);
  }

  private static boolean beginsLikeJson(byte[] body) {
    int i = 0;
    while (i < body.length - 1 && Character.isWhitespace(body[i])) {
      i++;
    }
    return body[i] == '{';
  }
}
