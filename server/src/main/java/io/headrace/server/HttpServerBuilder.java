package io.headrace.server;

import static java.util.Objects.requireNonNull;
import static java.util.Objects.requireNonNullElse;

import io.headrace.TimeSource;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Describes an {@link HttpServer}. Not thread safe. */
public final class HttpServerBuilder {
  private static final Logger LOGGER = System.getLogger(HttpServer.class.getName());
  private static final int MAX_DEFAULT_EVENT_LOOPS = 4;
  private static final Duration LONGEST = Duration.ofDays(365);

  private final Router router = new Router();
  private final Map<Class<? extends Throwable>, Integer> statuses = new HashMap<>();

  /** The options that were set, by their names. */
  private final Map<String, Object> options = new HashMap<>();

  private String host = HttpServer.DEFAULT_HOST;
  private int port = HttpServer.DEFAULT_PORT;
  private int maxBodyBytes = HttpServer.DEFAULT_MAX_BODY_BYTES;
  private long maxBufferedBytes = Runtime.getRuntime().maxMemory() / 4;
  private int eventLoops =
      Math.min(MAX_DEFAULT_EVENT_LOOPS, Runtime.getRuntime().availableProcessors());
  private Duration clientTimeout = HttpServer.DEFAULT_CLIENT_TIMEOUT;
  private BooleanSupplier readiness = () -> true;

  HttpServerBuilder() {}

  /**
   * The address to listen on. Default: {@value HttpServer#DEFAULT_HOST}, which only this machine
   * reaches; {@code 0.0.0.0} is every network.
   *
   * @param host a name or an address of this machine
   * @return this
   * @throws IllegalArgumentException if it is blank
   * @throws IllegalStateException if it is set already
   */
  public HttpServerBuilder host(String host) {
    if (requireNonNull(host, "host").isBlank()) {
      throw new IllegalArgumentException("host is blank, it has to be a name or an address");
    }
    boolean isBracketed = host.startsWith("[") && host.endsWith("]"); // as in a URL
    this.host = once(isBracketed ? host.substring(1, host.length() - 1) : host, "host");
    return this;
  }

  /**
   * The port to listen on. Default: {@value HttpServer#DEFAULT_PORT}.
   *
   * @param port 1 to 65535, or 0 for any that is free
   * @return this
   * @throws IllegalArgumentException if the port is not in 0 to 65535
   * @throws IllegalStateException if it is set already
   */
  public HttpServerBuilder port(int port) {
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException("port is " + port + ", it has to be from 0 to 65535");
    }
    this.port = once(port, "port");
    return this;
  }

  /**
   * The largest body of a request; a larger one is answered with 413 as soon as it is seen, and so
   * is one that {@link #maxBufferedBytes} has no room for even if it is alone. Default: {@value
   * HttpServer#DEFAULT_MAX_BODY_BYTES}.
   *
   * @param bytes the limit in bytes, at least 1
   * @return this
   * @throws IllegalArgumentException if the limit is below 1
   * @throws IllegalStateException if it is set already
   */
  public HttpServerBuilder maxBodyBytes(int bytes) {
    atLeastOne(bytes, "maxBodyBytes");
    this.maxBodyBytes = once(bytes, "maxBodyBytes");
    return this;
  }

  /**
   * The memory for the bodies of all requests that are being read or worked on; what finds no room
   * beside the others is answered with 503. Default: a quarter of the heap.
   *
   * @param bytes the limit in bytes, at least 1
   * @return this
   * @throws IllegalArgumentException if the limit is below 1
   * @throws IllegalStateException if it is set already
   */
  public HttpServerBuilder maxBufferedBytes(long bytes) {
    atLeastOne(bytes, "maxBufferedBytes");
    this.maxBufferedBytes = once(bytes, "maxBufferedBytes");
    return this;
  }

  /**
   * The number of threads that read requests and write responses. Default: the number of
   * processors, 4 at most.
   *
   * @param eventLoops the number, at least 1
   * @return this
   * @throws IllegalArgumentException if the number is below 1
   * @throws IllegalStateException if it is set already
   */
  public HttpServerBuilder eventLoops(int eventLoops) {
    atLeastOne(eventLoops, "eventLoops");
    this.eventLoops = once(eventLoops, "eventLoops");
    return this;
  }

  /**
   * How long a client may take to send a whole request, to send the next one on a connection that
   * it keeps open, or to take a response. After that its connection is closed, and what it has not
   * taken is thrown away. A listener to events is let go only while it does not take them. Default:
   * 30 seconds.
   *
   * @param clientTimeout the limit, above zero
   * @return this
   * @throws IllegalArgumentException if the limit is zero or negative
   * @throws IllegalStateException if it is set already
   */
  public HttpServerBuilder clientTimeout(Duration clientTimeout) {
    if (!requireNonNull(clientTimeout, "clientTimeout").isPositive()) {
      throw new IllegalArgumentException(
          "clientTimeout is " + clientTimeout + ", it has to be above zero");
    }
    this.clientTimeout = atMostLongest(once(clientTimeout, "clientTimeout"));
    return this;
  }

  /**
   * What {@code /health/ready} asks. Default: always ready.
   *
   * @param readiness whether requests can be answered now; runs on an event loop and must not
   *     block. What it throws is logged, and means not ready
   * @return this
   * @throws IllegalStateException if it is set already
   */
  public HttpServerBuilder readiness(BooleanSupplier readiness) {
    this.readiness = once(requireNonNull(readiness, "readiness"), "readiness");
    return this;
  }

  /**
   * Adds a route for one method of one path. A route for {@code GET} answers {@code HEAD}, too.
   *
   * @param method the method in capitals, such as {@code POST}
   * @param path the path as it is requested literally: a slash, then letters, digits, {@code %} and
   *     {@code -._~!$&'()+,;=:@/}. There are no variables and no wildcards
   * @param handler answers the requests
   * @return this
   * @throws IllegalArgumentException if the method is not in capitals or is {@code HEAD}, or no
   *     request can have the path
   * @throws IllegalStateException if there is such a route already
   */
  public HttpServerBuilder route(String method, String path, RequestHandler handler) {
    router.add(method, path, new Route.Answer(requireNonNull(handler, "handler")));
    return this;
  }

  /**
   * Adds a file of the class path under a path. It is read once, now. A page of HTML gets a content
   * security policy: it loads from this server only, images also from {@code data:} URLs, has no
   * script or style inside of it, and is not shown in frames of others. For anything else make the
   * response yourself, with {@link Response#of} and {@link Response#withHeader}.
   *
   * @param path the path, as it is requested literally
   * @param anchor the class that the file's name is relative to
   * @param name the name; its ending decides the media type, in capitals or not: css, gif, html,
   *     ico, jpeg, jpg, js, json, mjs, png, svg, txt, wasm, webp, woff2, and bytes of no known type
   *     for any other
   * @return this
   * @throws IllegalArgumentException if there is no such file
   * @throws IllegalStateException if there is such a route already
   */
  public HttpServerBuilder resource(String path, Class<?> anchor, String name) {
    requireNonNull(anchor, "anchor");
    return route("GET", path, Resource.load(anchor, requireNonNull(name, "name")));
  }

  /**
   * Adds a stream of server-sent events. While anybody listens, one timer makes one event for all,
   * the first at once. Who comes between two events gets the last one. There are {@value
   * EventFeed#MAX_LISTENERS} listeners at once at most; one more is answered with 503.
   *
   * @param path the path, as it is requested literally
   * @param period the time between two events, at least a millisecond
   * @param event makes the next event; runs on an event loop, on one thread at a time, and must not
   *     block. What it throws is logged, and there is no event then
   * @return this
   * @throws IllegalArgumentException if the period is below a millisecond, or no request can have
   *     the path
   * @throws IllegalStateException if there is such a route already
   */
  public HttpServerBuilder events(String path, Duration period, Supplier<String> event) {
    if (requireNonNull(period, "period").compareTo(Duration.ofMillis(1)) < 0) {
      throw new IllegalArgumentException(
          "period is " + period + ", it has to be at least a millisecond");
    }
    EventFeed feed = new EventFeed(atMostLongest(period), requireNonNull(event, "event"));
    router.add("GET", path, new Route.Events(feed));
    return this;
  }

  /**
   * Answers failures of one type, and of its subtypes, with a status and their message. Of several
   * types the one nearest to that of the failure counts; all come before what the server answers by
   * itself, also where they are less specific.
   *
   * @param type the type of the exception that a route fails with
   * @param status the status of the answer, 400 to 599
   * @return this
   * @throws IllegalArgumentException if the status is not in 400 to 599
   * @throws IllegalStateException if the type has a status already
   */
  public HttpServerBuilder failure(Class<? extends Throwable> type, int status) {
    if (status < 400 || status > 599) {
      throw new IllegalArgumentException("status is " + status + ", it has to be from 400 to 599");
    }
    Integer earlier = statuses.putIfAbsent(requireNonNull(type, "type"), status);
    if (earlier != null) {
      throw new IllegalStateException(
          type.getName()
              + " is to be answered with "
              + status
              + ", it has "
              + earlier
              + " already");
    }
    return this;
  }

  /**
   * Starts the server. Blocks until it listens. Each call starts another server, to which later
   * changes of this builder make no difference.
   *
   * @return the server, listening
   * @throws IOException if it cannot listen there; the message is one sentence that says why
   * @throws IllegalStateException if a route hides one of the server's own
   */
  public HttpServer start() throws IOException {
    InetAddress address = resolve();
    Channels channels = new Channels();
    Vertx vertx = Vertx.builder().with(vertxOptions()).withTransport(channels).build();
    try {
      return start(vertx, channels, address);
    } catch (Throwable t) {
      vertx.close().toCompletionStage().toCompletableFuture().join();
      throw t;
    }
  }

  private HttpServer start(Vertx vertx, Channels channels, InetAddress address) throws IOException {
    Router routes = router.copy();
    ServerLoop.Shared shared =
        new ServerLoop.Shared(
            vertx,
            channels,
            TimeSource.system(),
            routes,
            new Failures(statuses),
            new BodyMemory(maxBufferedBytes),
            (int) Math.min(maxBodyBytes, maxBufferedBytes),
            clientTimeout);
    List<ServerLoop> loops =
        Stream.generate(() -> new ServerLoop(shared)).limit(eventLoops).toList();
    addHealth(routes, loops.getFirst());
    return new HttpServer(vertx, loops, routes.feeds(), host, listen(loops, address));
  }

  /** Event loops share one socket: a negative port stands for one free port, the same for all. */
  private int listen(List<ServerLoop> loops, InetAddress address) throws IOException {
    int bound = port == 0 ? -1 : port;
    List<Future<Integer>> listening =
        loops.stream().map(loop -> loop.listen(bound, address.getHostAddress())).toList();
    try {
      Future.join(listening).toCompletionStage().toCompletableFuture().join();
      return listening.getFirst().result();
    } catch (CompletionException e) {
      Throwable cause = requireNonNullElse(e.getCause(), e);
      throw new IOException(BindFailures.sentence(cause, host, port), cause);
    }
  }

  private InetAddress resolve() throws IOException {
    try {
      return InetAddress.getByName(host);
    } catch (UnknownHostException e) {
      throw new IOException("the host \"" + host + "\" is not known", e);
    }
  }

  private VertxOptions vertxOptions() {
    return new VertxOptions()
        .setEventLoopPoolSize(eventLoops)
        .setWorkerPoolSize(1)
        .setInternalBlockingPoolSize(1)
        .setBlockedThreadCheckInterval(5)
        .setBlockedThreadCheckIntervalUnit(TimeUnit.SECONDS)
        .setFileSystemOptions(
            new FileSystemOptions()
                .setFileCachingEnabled(false)
                .setClassPathResolvingEnabled(false));
  }

  private void addHealth(Router routes, ServerLoop loop) {
    BooleanSupplier ready = readiness;
    Response isLive = Response.json(200, "{\"status\":\"live\"}");
    Response isReady = Response.json(200, "{\"status\":\"ready\"}");
    addHealth(routes, "/health/live", () -> isLive);
    addHealth(
        routes,
        "/health/ready",
        () ->
            loop.stopping()
                ? Failures.tryAgain("the server is stopping")
                : isTrue(ready) ? isReady : Failures.tryAgain("the server is not ready"));
  }

  private static boolean isTrue(BooleanSupplier readiness) {
    try {
      return readiness.getAsBoolean();
    } catch (Throwable t) {
      LOGGER.log(Level.WARNING, "the readiness check failed", t);
      return false;
    }
  }

  private static void addHealth(Router routes, String path, Supplier<Response> health) {
    routes.add("GET", path, new Route.Answer(_ -> CompletableFuture.completedFuture(health.get())));
  }

  /** Longer than a year is a year: sums of times must not overflow. */
  static Duration atMostLongest(Duration value) {
    return value.compareTo(LONGEST) > 0 ? LONGEST : value;
  }

  private static void atLeastOne(long value, String name) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + ", it has to be at least 1");
    }
  }

  private <T> T once(T value, String name) {
    Object earlier = options.putIfAbsent(name, value);
    if (earlier != null) {
      throw new IllegalStateException(
          name + " is set to " + value + ", it was set to " + earlier + " before");
    }
    return value;
  }
}
