package io.headrace.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.headrace.BatchPolicy;
import io.headrace.Coalescer;
import io.headrace.CoalescerHooks;
import io.headrace.CoalescerStatistics;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Permit;
import io.headrace.Throttle;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The examples of the Javadoc and of docs/observing.md, compiled and executed. */
class SnippetsTest {
  private final Handler<String, Integer> model = Handler.each(String::length);

  @Test
  void metrics() throws Exception {
    // @start region="metrics"
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    Flow<String, Integer> flow =
        Flow.<String>builder("texts")
            .step("tokens", model, step -> step.batch(BatchPolicy.greedy(64)))
            .observer(new HeadraceMetrics(registry))
            .build()
            .start();
    // @end
    flow.call("hello");
    // @start region="scrape"
    HttpServer http =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    http.createContext(
        "/metrics",
        exchange -> {
          byte[] body = registry.scrape().getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().add("Content-Type", "text/plain; version=0.0.4");
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    http.start();
    // @end
    flow.close();
    URI uri = URI.create("http://127.0.0.1:" + http.getAddress().getPort() + "/metrics");
    try (HttpClient client = HttpClient.newHttpClient()) {
      var response = client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
      assertThat(response.body())
          .contains("# TYPE headrace_calls_seconds histogram")
          .contains("headrace_calls_seconds_count{outcome=\"completed\",service=\"texts\"} 1")
          .contains("headrace_batch_size_items_sum{service=\"texts\",step=\"tokens\"} 1.0");
    } finally {
      http.stop(0);
    }
  }

  @Test
  void throttle() throws Exception {
    var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    HeadraceMetrics metrics = new HeadraceMetrics(registry);
    // @start region="throttle"
    Throttle throttle = Throttle.atMost(16);
    metrics.bind("search", throttle);
    // @end
    try (Permit _ = throttle.acquire()) {
      assertThat(registry.scrape())
          .contains("headrace_throttle_running{service=\"search\"} 1.0")
          .contains("headrace_throttle_waiting{service=\"search\"} 0.0");
    }
  }

  @Test
  void coalescer() throws Exception {
    var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    HeadraceMetrics metrics = new HeadraceMetrics(registry);
    // @start region="coalescer"
    CoalescerStatistics statistics = CoalescerHooks.statistics();
    Coalescer<String, Integer> coalescer =
        Coalescer.<String, Integer>builder(String::length).hooks(statistics).build();
    metrics.bind("lengths", coalescer, statistics);
    // @end
    assertThat(coalescer.call("hello")).isEqualTo(5);
    assertThat(registry.scrape())
        .contains("headrace_coalescer_calls_total{outcome=\"executed\",service=\"lengths\"} 1.0")
        .contains("headrace_coalescer_keys{service=\"lengths\",state=\"in_flight\"} 0.0");
  }

  @Test
  void statsd() throws Exception {
    try (var server = new StatsdServer()) {
      InetSocketAddress address = server.address();
      // @start region="statsd"
      try (AqueductStatsd statsd = AqueductStatsd.builder(address).prefix("shop").build();
          Flow<String, Integer> flow =
              Flow.<String>builder("texts")
                  .step("tokens", model)
                  .observer(statsd)
                  .build()
                  .start()) {
        int length = flow.call("hello");
        // @end
        assertThat(length).isEqualTo(5);
      }
      String last = "aqueduct.shop.tasks.complete:1|c";
      List<String> lines = new ArrayList<>();
      while (!lines.contains(last)) { // there are more of others the longer it takes
        lines.addAll(server.lines(1));
      }
      assertThat(lines).contains("aqueduct.shop.batch_size.step1_tokens:1|ms");
    }
  }
}
