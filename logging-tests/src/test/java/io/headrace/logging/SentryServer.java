package io.headrace.logging;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.GZIPInputStream;

/** The endpoint of an error tracker. */
final class SentryServer implements AutoCloseable {
  private final HttpServer http;
  private final List<String> envelopes = new CopyOnWriteArrayList<>();

  SentryServer() throws IOException {
    http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    http.createContext("/", this::receive);
    http.start();
  }

  String dsn() {
    return "http://key@127.0.0.1:" + http.getAddress().getPort() + "/1";
  }

  private void receive(HttpExchange exchange) throws IOException {
    boolean isZipped = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
    try (InputStream body =
        isZipped ? new GZIPInputStream(exchange.getRequestBody()) : exchange.getRequestBody()) {
      envelopes.add(new String(body.readAllBytes(), StandardCharsets.UTF_8));
    }
    byte[] answer = "{}".getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, answer.length);
    exchange.getResponseBody().write(answer);
    exchange.close();
  }

  /** The envelopes that have an error, and not only what the SDK says of itself. */
  List<String> events() {
    return envelopes.stream().filter(envelope -> envelope.contains("\"type\":\"event\"")).toList();
  }

  @Override
  public void close() {
    http.stop(0);
  }
}
