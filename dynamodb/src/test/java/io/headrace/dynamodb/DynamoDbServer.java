package io.headrace.dynamodb;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Speaks the part of DynamoDB's JSON protocol that the tests need, keeps to its limits, and fails
 * when a test wants it to.
 */
final class DynamoDbServer implements AutoCloseable {
  /** What becomes of one batch in place of an ordinary answer. */
  sealed interface Fault {
    /** An error of the service. */
    record Failure(int status, String code) implements Fault {}

    /** Only so many operations are processed. */
    record Leave(int processed) implements Fault {}

    /** There is no answer. */
    record Hang() implements Fault {}
  }

  /** A batch that came. */
  record Batch(String operation, int bytes) {}

  private static final int MOST_BYTES = 16 << 20;
  private static final String PREFIX = "DynamoDB_20120810.";

  final List<Batch> batches = new CopyOnWriteArrayList<>();

  /** How long each request takes, beyond what its execution does. */
  volatile long delayMillis;

  private final HttpServer server;
  private final Tables tables = new Tables();
  private final Deque<Fault> faults = new ArrayDeque<>();
  private final CountDownLatch closed = new CountDownLatch(1);

  DynamoDbServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::handle);
    server.start();
  }

  URI uri() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  /** The next batches fail so, one after the other. */
  synchronized void fail(Fault... next) {
    faults.addAll(List.of(next));
  }

  /** Forgets the batches that came and the faults that were not met. */
  synchronized void reset() {
    batches.clear();
    faults.clear();
  }

  private synchronized Fault nextFault() {
    return faults.poll();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      String target = exchange.getRequestHeaders().getFirst("X-Amz-Target");
      if (target.contains("Batch")) {
        batches.add(new Batch(target.substring(PREFIX.length()), body.length));
      }
      if (body.length > MOST_BYTES) {
        exchange.sendResponseHeaders(413, -1);
        return;
      }
      Object answer;
      int status = 200;
      try {
        answer = answer(target, Json.object(Json.read(new ByteArrayInputStream(body))));
      } catch (Refusal refusal) {
        status = refusal.status;
        answer = refusal.body();
        // The asynchronous client of the SDK closes it, too, but may give it to the next request.
        exchange.getResponseHeaders().add("Connection", "close");
      }
      byte[] bytes = Json.write(answer);
      if (delayMillis > 0) {
        CompletableFuture.runAsync(
                () -> {},
                CompletableFuture.delayedExecutor(
                    delayMillis, TimeUnit.MILLISECONDS, Runnable::run))
            .join();
      }
      exchange.getResponseHeaders().add("Content-Type", "application/x-amz-json-1.0");
      exchange.sendResponseHeaders(status, bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }

  private Object answer(String target, Map<String, Object> body) throws Refusal {
    String operation = target.substring(PREFIX.length());
    return switch (operation) {
      case "CreateTable" -> tables.create(body);
      case "DescribeTable" -> tables.describe(body);
      case "GetItem" -> tables.get(body);
      case "PutItem" -> tables.put(body);
      case "BatchGetItem", "BatchWriteItem" -> batch(operation, body);
      default -> throw new Refusal(400, "UnknownOperationException", operation);
    };
  }

  private Object batch(String operation, Map<String, Object> body) throws Refusal {
    int most = Integer.MAX_VALUE;
    switch (nextFault()) {
      case Fault.Failure failure ->
          throw new Refusal(failure.status(), failure.code(), "as the test wants it");
      case Fault.Leave leave -> most = leave.processed();
      case Fault.Hang _ -> hang();
      case null -> {}
    }
    return operation.equals("BatchGetItem")
        ? tables.batchGet(body, most)
        : tables.batchWrite(body, most);
  }

  private void hang() throws Refusal {
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new Refusal(500, "InternalServerError", "the server is closed");
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
  }

  /** An error of the service. */
  static final class Refusal extends Exception {
    private static final long serialVersionUID = 1;
    final int status;
    private final String code;

    Refusal(int status, String code, String message) {
      super(message);
      this.status = status;
      this.code = code;
    }

    static Refusal validation(String message) {
      return new Refusal(400, "ValidationException", message);
    }

    Map<String, Object> body() {
      return Map.of("__type", "com.amazonaws.dynamodb.v20120810#" + code, "message", getMessage());
    }
  }
}
