package io.headrace.examples.digits;

import io.headrace.Observer;
import io.headrace.micrometer.HeadraceMetrics;
import io.headrace.server.Request;
import io.headrace.server.Response;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;

/** The meters of the demo, as Prometheus reads them. */
final class MetricsPage {
  private static final String TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final HeadraceMetrics metrics = new HeadraceMetrics(registry);

  /** What the flow is given. */
  Observer observer() {
    return metrics;
  }

  CompletableFuture<Response> answer(Request request) {
    byte[] page = registry.scrape().getBytes(StandardCharsets.UTF_8);
    return CompletableFuture.completedFuture(
        Response.of(200, TYPE, page).withHeader("Cache-Control", "no-store"));
  }
}
