package io.headrace.examples.guide;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.headrace.TimeSource;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/**
 * An API with prices of many articles, which answers {@code GET /prices?a,b,c} with a line for
 * each, at most so many requests in any window of time, and others with status 429.
 */
final class LimitedServer implements AutoCloseable {
  private final TimeSource time = TimeSource.system();
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpServer server;
  private final int limit;
  private final long windowNanos;

  // Guarded by this.
  private final Queue<Long> arrivals = new ArrayDeque<>();
  private int requests;
  private int violations;
  private int refusals;

  LimitedServer(int limit, Duration window) throws IOException {
    this.limit = limit;
    windowNanos = window.toNanos();
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(executor);
    server.createContext("/prices", this::answer);
    server.start();
  }

  URI prices() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/prices");
  }

  synchronized int requests() {
    return requests;
  }

  /** How many requests were beyond the limit. */
  synchronized int violations() {
    return violations;
  }

  /** Refuses the next requests, as if somebody else had used up the limit. */
  synchronized void refuse(int next) {
    refusals = next;
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      if (!isAllowed()) {
        exchange.getResponseHeaders().add("Retry-After", "1");
        exchange.sendResponseHeaders(429, -1);
        return;
      }
      byte[] body =
          Arrays.stream(exchange.getRequestURI().getQuery().split(","))
              .map(article -> article + "=" + article.length())
              .collect(Collectors.joining("\n"))
              .getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private synchronized boolean isAllowed() {
    requests++;
    if (refusals > 0) {
      refusals--;
      return false;
    }
    long now = time.nanoTime();
    while (!arrivals.isEmpty() && now - arrivals.element() >= windowNanos) {
      arrivals.remove();
    }
    if (arrivals.size() >= limit) {
      violations++;
      return false;
    }
    return arrivals.add(now);
  }

  @Override
  public void close() {
    server.stop(0);
    executor.close();
  }
}
