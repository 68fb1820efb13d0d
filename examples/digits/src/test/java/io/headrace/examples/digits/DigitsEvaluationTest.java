package io.headrace.examples.digits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DigitsEvaluationTest {
  private HttpServer server;
  private URI uri;
  private volatile int status = 200;

  /** A service that answers the first count, but takes 7 for 1. */
  @BeforeEach
  void start() throws Exception {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/digits",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          char first = new String(body, StandardCharsets.UTF_8).charAt("{\"pixels\": [".length());
          byte[] answer =
              "{\"digit\": %s}"
                  .formatted(first == '7' ? '1' : first)
                  .getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(status, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    server.start();
    uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/digits");
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private static DigitRows rows() {
    List<DigitRows.Row> rows = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      float[] counts = new float[64];
      counts[0] = i % 10;
      rows.add(new DigitRows.Row(counts, i % 10));
    }
    return new DigitRows(rows);
  }

  @Test
  void countsRightAndWrongAnswers() throws Exception {
    int[][] confusion = DigitsEvaluation.confusion(uri, rows());

    assertThat(confusion[7][1]).isEqualTo(4);
    assertThat(confusion[3][3]).isEqualTo(4);
    assertThat(DigitsEvaluation.report(confusion)).contains("90.0 %").contains("1 (4)");
  }

  @Test
  void anErrorOfTheServiceEndsIt() {
    status = 503;

    assertThatThrownBy(() -> DigitsEvaluation.confusion(uri, rows()))
        .isInstanceOf(ExecutionException.class)
        .hasMessageContaining("503");
  }
}
