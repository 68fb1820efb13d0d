package io.headrace.server;

import io.headrace.TimeSource;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One event loop with the connections that it serves. What is not marked otherwise runs on that
 * event loop only.
 */
final class ServerLoop {
  private static final int MAX_LINE_BYTES = 8 * 1024;
  private static final int MAX_HEADER_BYTES = 16 * 1024;
  private static final int ACCEPT_BACKLOG = 1024;

  /** IMF-fixdate of RFC 9110, section 5.6.7. */
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  /** What all event loops of a server share. */
  record Shared(
      Vertx vertx,
      Channels channels,
      TimeSource time,
      Router router,
      Failures failures,
      BodyMemory bodyMemory,
      int maxBodyBytes,
      Duration clientTimeout) {}

  private final Shared shared;
  private final HttpServer http;
  private final Map<HttpConnection, Connection> connections = new HashMap<>();
  private final long sweepMillis;
  private boolean sweeping;
  private long dateSecond = -1;
  private String date = "";
  private volatile @Nullable Context context;
  private volatile boolean stopping;

  ServerLoop(Shared shared) {
    this.shared = shared;
    this.sweepMillis = Math.clamp(shared.clientTimeout.toMillis() / 4, 10, 250);
    this.http = shared.vertx.createHttpServer(options());
    http.connectionHandler(this::onConnection);
    http.requestHandler(this::onRequest);
    http.invalidRequestHandler(this::onInvalidRequest);
    http.exceptionHandler(ignored -> {});
  }

  private static HttpServerOptions options() {
    return new HttpServerOptions()
        .setAcceptBacklog(ACCEPT_BACKLOG)
        .setMaxInitialLineLength(MAX_LINE_BYTES)
        .setMaxHeaderSize(MAX_HEADER_BYTES)
        .setHttp2ClearTextEnabled(false)
        .setTcpNoDelay(true);
  }

  /** Any thread. Only what is deployed for itself has an event loop for itself. */
  Future<Integer> listen(int port, String address) {
    VerticleBase place =
        new VerticleBase() {
          @Override
          public Future<?> start() {
            return http.listen(port, address);
          }
        };
    return shared.vertx.deployVerticle(place).map(_ -> http.actualPort());
  }

  /** Any thread. Accepted requests finish within the timeout; then every connection ends. */
  Future<Void> close(Duration timeout) {
    return timeout.isZero() ? http.close() : http.shutdown(timeout);
  }

  /** Any thread. From now on every response ends its connection. */
  void refuseMore() {
    stopping = true;
  }

  /** Any thread. Ends every connection, whatever it does. */
  void abort() {
    Context own = context;
    if (own != null) {
      own.runOnContext(ignored -> List.copyOf(connections.values()).forEach(Connection::close));
    }
  }

  /** Any thread. */
  boolean stopping() {
    return stopping;
  }

  Vertx vertx() {
    return shared.vertx;
  }

  Router router() {
    return shared.router;
  }

  Failures failures() {
    return shared.failures;
  }

  BodyMemory bodyMemory() {
    return shared.bodyMemory;
  }

  int maxBodyBytes() {
    return shared.maxBodyBytes;
  }

  long nanoTime() {
    return shared.time.nanoTime();
  }

  /** The time as responses have it; made once a second. */
  String date() {
    long second = Instant.now().getEpochSecond();
    if (second != dateSecond) {
      dateSecond = second;
      date = DATE.format(Instant.ofEpochSecond(second));
    }
    return date;
  }

  private void onConnection(HttpConnection accepted) {
    Connection connection = new Connection(accepted, shared.channels.of(accepted), nanoTime());
    connections.put(accepted, connection);
    accepted.closeHandler(
        ignored -> {
          connections.remove(accepted);
          connection.gone();
        });
    if (!sweeping) {
      context = shared.vertx.getOrCreateContext();
      sweeping = true;
      shared.vertx.setTimer(sweepMillis, ignored -> sweep());
    }
  }

  /** Lets clients go that stall; runs while there are connections. */
  private void sweep() {
    long nowNanos = nanoTime();
    long limitNanos = shared.clientTimeout.toNanos();
    List.copyOf(connections.values()).forEach(c -> c.closeIfStalled(nowNanos, limitNanos));
    sweeping = !connections.isEmpty();
    if (sweeping) {
      shared.vertx.setTimer(sweepMillis, ignored -> sweep());
    }
  }

  private void onRequest(HttpServerRequest request) {
    Connection connection = connections.get(request.connection());
    if (connection == null) {
      request.connection().close();
      return;
    }
    if (connection.refusesMore()) {
      return;
    }
    Context context = shared.vertx.getOrCreateContext();
    new Exchange(this, connection, request, context).begin();
  }

  private void onInvalidRequest(HttpServerRequest request) {
    Throwable cause = request.decoderResult().cause();
    Response answer =
        switch (cause) {
          case TooLongHttpLineException e ->
              Response.error(414, "the request line is longer than " + MAX_LINE_BYTES + " bytes");
          case TooLongHttpHeaderException e ->
              Response.error(431, "the headers are larger than " + MAX_HEADER_BYTES + " bytes");
          case null, default -> Response.error(400, "the request breaks the rules of HTTP");
        };
    request
        .response()
        .setStatusCode(answer.status())
        .putHeader("Content-Type", "application/json")
        .putHeader("X-Content-Type-Options", "nosniff")
        .putHeader("Date", date())
        .putHeader("Connection", "close")
        .end(Buffer.buffer(answer.body()))
        .onComplete(ignored -> request.connection().close());
  }
}
