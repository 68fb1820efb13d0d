package io.headrace.server;

import static java.util.Objects.requireNonNull;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * An HTTP/1.1 server for routes that answer through futures.
 *
 * <p>Every error is JSON, <code>{"error": "one sentence"}</code>: 400 for broken HTTP, 404 for an
 * unknown path, 405 with {@code Allow} for a wrong method, 408, 413, 414, 415, 417 and 431 for what
 * breaks a limit, 501 for a transfer encoding other than {@code chunked}. A route that fails with
 * {@link io.headrace.QueueFullException}, {@link io.headrace.RejectedException}, {@link
 * io.headrace.StoppedException} or a cancellation is answered with 503 and {@code Retry-After},
 * {@link io.headrace.DeadlineExceededException} with 504, {@link io.headrace.InvalidInputException}
 * with 400 and its message, {@link RequestException} with its own status, and everything else with
 * 500, whose reason is in the log only, unless {@link HttpServerBuilder#failure} says otherwise.
 * Only a request for another version than HTTP/1 is answered with 501 and no body.
 *
 * <p>When a client goes away while its request is worked on, the route's future is cancelled,
 * unless the client has sent several more requests behind this one: then the server sees that it
 * has gone only when this one is answered.
 *
 * <p>{@code GET /health/live} answers 200 while the process runs. {@code GET /health/ready} answers
 * 200 while the readiness check says so and the server is not stopping, else 503.
 *
 * <p><b>Thread safety.</b> Any thread may call any method, except that an event loop, the thread
 * that runs routes, must not close the server.
 *
 * {@snippet class="io.headrace.server.SnippetsTest" region="server"}
 */
public final class HttpServer implements AutoCloseable {
  /** The default of {@link HttpServerBuilder#port}: {@value}. */
  public static final int DEFAULT_PORT = 8080;

  /** The default of {@link HttpServerBuilder#host}: {@value}. */
  public static final String DEFAULT_HOST = "127.0.0.1";

  /** The default of {@link HttpServerBuilder#maxBodyBytes}: {@value}. */
  public static final int DEFAULT_MAX_BODY_BYTES = 8 * 1024 * 1024;

  /** The default of {@link HttpServerBuilder#clientTimeout}: 30 seconds. */
  public static final Duration DEFAULT_CLIENT_TIMEOUT = Duration.ofSeconds(30);

  /** How long {@link #close()} lets accepted requests finish: 10 seconds. */
  public static final Duration DEFAULT_CLOSE_TIMEOUT = Duration.ofSeconds(10);

  /** What the forced end may take on top of the time of a close. */
  private static final long FORCED_END_SECONDS = 5;

  private final Vertx vertx;
  private final List<ServerLoop> loops;
  private final List<EventFeed> feeds;
  private final String host;
  private final int port;
  private final CompletableFuture<Void> stopped = new CompletableFuture<>();
  private boolean stopBegun;

  HttpServer(Vertx vertx, List<ServerLoop> loops, List<EventFeed> feeds, String host, int port) {
    this.vertx = vertx;
    this.loops = loops;
    this.feeds = feeds;
    this.host = host;
    this.port = port;
  }

  /**
   * Begins to describe a server.
   *
   * @return a builder with every default
   */
  public static HttpServerBuilder builder() {
    return new HttpServerBuilder();
  }

  /**
   * The port that the server listens on.
   *
   * @return the port, also when the builder asked for any
   */
  public int port() {
    return port;
  }

  /**
   * Where the server is found.
   *
   * @return such as {@code http://127.0.0.1:8080}, without a slash at the end
   */
  public String url() {
    return "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }

  /**
   * Closes as {@link #close(Duration)} does, within {@link #DEFAULT_CLOSE_TIMEOUT}.
   *
   * @throws IllegalStateException on an event loop
   */
  @Override
  public void close() {
    close(DEFAULT_CLOSE_TIMEOUT);
  }

  /**
   * Takes no more connections, ends event streams and connections without a request, lets accepted
   * requests finish, and blocks until all of that is done. A second call waits for the first.
   *
   * <p>When the time is over, or the calling thread is interrupted, the connections that are left
   * are closed, and the futures of their requests cancelled.
   *
   * @param timeout how long accepted requests may take to finish; zero closes every connection at
   *     once
   * @throws IllegalArgumentException if the timeout is negative
   * @throws IllegalStateException on an event loop
   */
  public void close(Duration timeout) {
    if (requireNonNull(timeout, "timeout").isNegative()) {
      throw new IllegalArgumentException("timeout is " + timeout + ", it has to be at least zero");
    }
    if (Context.isOnEventLoopThread()) {
      throw new IllegalStateException("an event loop must not close its own server");
    }
    if (beginStop()) {
      loops.forEach(ServerLoop::refuseMore);
      feeds.forEach(EventFeed::close);
      Duration atMost = HttpServerBuilder.atMostLongest(timeout);
      Future<?> drained = Future.join(loops.stream().map(loop -> loop.close(atMost)).toList());
      awaitThenEnd(drained, atMost);
    } else {
      stopped.join();
    }
  }

  @Override
  public synchronized String toString() {
    String state = !stopBegun ? "running" : stopped.isDone() ? "stopped" : "stopping";
    return "HttpServer[url=" + url() + ", state=" + state + "]";
  }

  private synchronized boolean beginStop() {
    boolean first = !stopBegun;
    stopBegun = true;
    return first;
  }

  private void awaitThenEnd(Future<?> drained, Duration limit) {
    boolean interrupted = await(drained, limit.plusSeconds(1));
    loops.forEach(ServerLoop::abort);
    interrupted |= await(vertx.close(), Duration.ofSeconds(FORCED_END_SECONDS));
    stopped.complete(null);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Returns whether the wait was interrupted; that and the end of the time lead to the next step.
   */
  private static boolean await(Future<?> future, Duration limit) {
    try {
      future.toCompletionStage().toCompletableFuture().get(limit.toNanos(), TimeUnit.NANOSECONDS);
      return false;
    } catch (InterruptedException e) {
      return true;
    } catch (ExecutionException | TimeoutException e) {
      return false;
    }
  }
}
