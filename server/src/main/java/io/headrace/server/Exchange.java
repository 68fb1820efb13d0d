package io.headrace.server;

import static java.util.Objects.requireNonNull;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One request and its response.
 *
 * <p>Everything happens on the event loop of the connection, except that the route may complete its
 * stage on any thread; the response then changes over to the event loop.
 */
final class Exchange {
  /** How long the rest of a body is thrown away before the connection of a refused request ends. */
  private static final long LINGER_NANOS = 1_000_000_000;

  private static final byte[] NO_BODY = new byte[0];

  /** The head of a stream of events, whose length nobody knows. */
  private static final Response STREAM =
      Response.of(200, "text/event-stream", NO_BODY)
          .withHeader("Cache-Control", "no-store")
          .withHeader("X-Accel-Buffering", "no");

  private static final Logger LOGGER = System.getLogger(HttpServer.class.getName());

  /**
   * Legal transitions: READING to HANDLING, WRITING or STREAMING; HANDLING to WRITING; STREAMING to
   * WRITING; WRITING to LINGERING or OVER; LINGERING to OVER; every one to OVER when the client
   * goes.
   */
  private enum State {
    /** The body is arriving. */
    READING,
    /** The route works on the response. */
    HANDLING,
    /** Events go to the client until one side ends. */
    STREAMING,
    /** The response is handed to the socket. */
    WRITING,
    /** The response came before the end of the body; the rest of the body is thrown away. */
    LINGERING,
    /** Nothing more will happen. */
    OVER
  }

  private final ServerLoop loop;
  private final Connection connection;
  private final HttpServerRequest request;
  private final HttpServerResponse response;
  private final Context context;
  private final String method;
  private final String path;

  private State state = State.READING;
  private long sinceNanos;
  private boolean bodyEnded;
  private @Nullable Body body;
  private @Nullable CompletableFuture<Response> pending;
  private @Nullable EventFeed feed;

  Exchange(ServerLoop loop, Connection connection, HttpServerRequest request, Context context) {
    this.loop = loop;
    this.connection = connection;
    this.request = request;
    this.response = request.response();
    this.context = context;
    this.method = request.method().name();
    String requestPath = request.path();
    this.path = requestPath == null ? "" : requestPath;
    this.sinceNanos = loop.nanoTime();
  }

  void begin() {
    connection.begin(this);
    request.handler(chunk -> answeringIfItFails(() -> onChunk(chunk)));
    request.endHandler(_ -> answeringIfItFails(this::onEnd));
    request.exceptionHandler(this::onBrokenRequest);
    Response refusal = refusal();
    if (refusal != null) {
      write(refusal);
    } else if (isOfHttp11() && request.headers().contains("Expect")) {
      response.writeContinue(); // a client of HTTP/1.0 would take it for the answer
    }
  }

  /** What can be said from the head alone, or null if the request is welcome so far. */
  private @Nullable Response refusal() {
    int hosts = request.headers().getAll("Host").size();
    if (hosts > 1 || (hosts == 0 && isOfHttp11())) {
      return Response.error(400, "the request must have one header \"Host\"");
    }
    List<String> encodings = request.headers().getAll("Transfer-Encoding");
    if (!encodings.isEmpty()
        && (encodings.size() > 1 || !encodings.getFirst().equalsIgnoreCase("chunked"))) {
      return Response.error(501, "the transfer encoding \"chunked\" is understood, no other");
    }
    Route route = loop.router().find(method, path);
    if (route == null) {
      return loop.router().noRoute(method, path);
    }
    if (isOfHttp11() && hasOther("Expect", "100-continue")) {
      return Response.error(417, "the expectation \"100-continue\" is met, no other");
    }
    if (hasOther("Content-Encoding", "identity")) {
      return Response.error(415, "bodies must not be compressed, send this one as it is");
    }
    long announced = announcedBytes();
    if (announced > loop.maxBodyBytes()) {
      return tooLarge();
    }
    body = new Body(loop.bodyMemory(), loop.maxBodyBytes(), announced);
    return null;
  }

  private boolean isOfHttp11() {
    return request.version() == HttpVersion.HTTP_1_1;
  }

  /** Whether a header, which may be there several times, has another value than one. */
  private boolean hasOther(String header, String value) {
    return request.headers().getAll(header).stream()
        .anyMatch(other -> !other.equalsIgnoreCase(value));
  }

  private boolean announcesBody() {
    return request.headers().contains("Transfer-Encoding") || announcedBytes() > 0;
  }

  /** Minus one if the client does not say. The decoder has refused what is not a number. */
  private long announcedBytes() {
    String length = request.getHeader("Content-Length");
    if (length == null) {
      return -1;
    }
    try {
      return Long.parseLong(length.strip());
    } catch (NumberFormatException e) {
      return Long.MAX_VALUE;
    }
  }

  private Response tooLarge() {
    return Response.error(
        413, "the body is larger than the " + loop.maxBodyBytes() + " bytes allowed");
  }

  /** A client must not wait for ever because the heap had no room for its body. */
  private void answeringIfItFails(Runnable step) {
    try {
      step.run();
    } catch (Throwable t) {
      if (state == State.STREAMING) {
        over(true); // the head of the stream may have gone, and nothing else can follow it
      } else {
        write(Failures.tryAgain("the server could not take in this request; its log says why"));
      }
      LOGGER.log(Level.WARNING, method + " " + path + " could not be taken in", t);
    }
  }

  private void onChunk(Buffer chunk) {
    Body collected = body;
    if (state != State.READING || collected == null) {
      return;
    }
    if (collected.exceedsLimit(chunk)) {
      write(tooLarge());
    } else if (!collected.append(chunk)) {
      write(Failures.tryAgain("the server holds as many bytes of requests as it may"));
    }
  }

  private void onEnd() {
    bodyEnded = true;
    switch (state) {
      case READING -> handle();
      case LINGERING -> over(true);
      default -> {}
    }
  }

  private void handle() {
    Route route = loop.router().find(method, path);
    switch (route) {
      case Route.Answer answer -> handle(answer.handler());
      case Route.Events events -> stream(events.feed());
      case null -> throw new IllegalStateException("no route for " + method + " " + path);
    }
  }

  private void handle(RequestHandler handler) {
    state = State.HANDLING;
    byte[] bytes = body == null ? NO_BODY : body.toBytes();
    String query = request.query();
    CompletableFuture<Response> future;
    try {
      future =
          requireNonNull(
                  handler.handle(
                      new Request(
                          method,
                          path,
                          query == null ? "" : query,
                          request.headers(),
                          bytes,
                          connection.remoteAddress())),
                  "the route returned null in place of a stage")
              .toCompletableFuture();
    } catch (Throwable t) {
      write(response(null, t));
      return;
    }
    if (future.isDone()) {
      writeResultOf(future, Runnable::run);
    } else {
      pending = future;
      writeResultOf(future, write -> context.runOnContext(ignored -> write.run()));
    }
  }

  // The future that comes back would only repeat the outcome that is written.
  @SuppressWarnings("FutureReturnValueIgnored")
  private void writeResultOf(CompletableFuture<Response> future, Executor eventLoop) {
    future.whenComplete(
        (result, failure) -> eventLoop.execute(() -> write(response(result, failure))));
  }

  private Response response(@Nullable Response result, @Nullable Throwable failure) {
    if (failure == null && result != null) {
      return result;
    }
    return loop.failures()
        .response(
            method,
            path,
            failure != null
                ? failure
                : new NullPointerException(
                    "the stage of the route completed with null in place of a response"));
  }

  private void write(Response answer) {
    if (state == State.OVER || state == State.WRITING || state == State.LINGERING) {
      return;
    }
    boolean close = loop.stopping() || (!bodyEnded && announcesBody());
    state = State.WRITING;
    sinceNanos = loop.nanoTime();
    pending = null;
    if (close) {
      connection.refuseMore();
    }
    try {
      writeHead(answer, close);
      writeBody(answer).onComplete(ignored -> onWritten(close));
    } catch (Throwable t) {
      over(true);
      LOGGER.log(Level.WARNING, "the response to " + method + " " + path + " could not be sent", t);
    }
  }

  private void writeHead(Response answer, boolean close) {
    response.setStatusCode(answer.status());
    for (Response.Header header : answer.headers()) {
      response.headers().add(header.name(), header.value());
    }
    response.headers().set("X-Content-Type-Options", "nosniff");
    if (!response.headers().contains("Date")) {
      response.headers().set("Date", loop.date());
    }
    if (close) {
      response.headers().set("Connection", "close");
    }
  }

  private Future<Void> writeBody(Response answer) {
    boolean bodiless = answer == STREAM || Response.hasNoBody(answer.status());
    if (!bodiless) {
      response.headers().set("Content-Length", Integer.toString(answer.body().length));
    }
    return bodiless || method.equals("HEAD")
        ? response.end()
        : response.end(Buffer.buffer(answer.body()));
  }

  private void onWritten(boolean close) {
    if (close && !bodyEnded && state == State.WRITING) {
      state = State.LINGERING;
      sinceNanos = loop.nanoTime();
    } else {
      over(close);
    }
  }

  private void stream(EventFeed events) {
    if (method.equals("HEAD")) {
      write(STREAM);
      return;
    }
    EventFeed.Joined joined = events.add(this, loop.vertx());
    if (joined == null) {
      write(
          Failures.tryAgain(
              loop.stopping()
                  ? "the server is stopping"
                  : "there are as many listeners as there may be"));
      return;
    }
    feed = events;
    Buffer first = Buffer.buffer("retry: 1000\n\n");
    if (joined.last() != null) {
      first.appendBuffer(joined.last());
    }
    releaseBody();
    state = State.STREAMING;
    writeHead(STREAM, false);
    response.setChunked(true).write(first);
    sinceNanos = loop.nanoTime();
  }

  /** May be called on any thread. An event that finds the last ones still unsent is left out. */
  void sendEvent(Buffer event) {
    context.runOnContext(
        ignored -> {
          if (state == State.STREAMING && !response.writeQueueFull()) {
            response.write(event);
          }
        });
  }

  /** May be called on any thread. */
  void endEvents() {
    context.runOnContext(
        ignored -> {
          if (state == State.STREAMING) {
            state = State.WRITING;
            sinceNanos = loop.nanoTime();
            response.end().onComplete(written -> over(true));
          }
        });
  }

  private void onBrokenRequest(Throwable failure) {
    if (state == State.READING && !bodyEnded) {
      write(Response.error(400, "the body breaks the rules of HTTP"));
    }
  }

  /** The client has gone, whatever was under way. */
  void onDisconnect() {
    CompletableFuture<Response> withdrawn = pending;
    over(false);
    if (withdrawn != null) {
      withdrawn.cancel(true);
    }
  }

  void closeIfStalled(long nowNanos, long limitNanos) {
    long stalledNanos = nowNanos - sinceNanos;
    switch (state) {
      case READING -> {
        if (stalledNanos >= limitNanos) {
          write(Response.error(408, "the request did not arrive in time"));
        }
      }
      case WRITING -> {
        if (stalledNanos >= limitNanos) {
          over(true);
        }
      }
      case STREAMING -> {
        if (!response.writeQueueFull()) {
          sinceNanos = nowNanos;
        } else if (stalledNanos >= limitNanos) {
          over(true);
        }
      }
      case LINGERING -> {
        if (stalledNanos >= LINGER_NANOS) {
          over(true);
        }
      }
      case HANDLING, OVER -> {}
    }
  }

  private void over(boolean close) {
    if (state == State.OVER) {
      return;
    }
    state = State.OVER;
    pending = null;
    releaseBody();
    if (feed != null) {
      feed.remove(this);
    }
    connection.end(this, loop.nanoTime());
    if (close) {
      connection.close();
    }
  }

  private void releaseBody() {
    if (body != null) {
      body.release();
      body = null;
    }
  }
}
