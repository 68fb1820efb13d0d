package io.headrace.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Coalescer;
import io.headrace.CoalescerHooks;
import io.headrace.CoalescerStatistics;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer.WorkerEvent;
import io.headrace.Throttle;
import io.headrace.Workers;
import io.micrometer.core.instrument.Meter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** That docs/observing.md names every meter. */
class PageTest {
  private static final Path PAGE = Path.of("../docs/observing.md");

  @Test
  void thePageNamesEveryMeter() throws Exception {
    var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    var metrics = new HeadraceMetrics(registry);
    metrics.bind("search", Throttle.atMost(1));
    CoalescerStatistics statistics = CoalescerHooks.statistics();
    metrics.bind("lengths", Coalescer.of(String::length), statistics);
    try (var flow =
        Flow.<String>builder("texts")
            .step("tokens", Handler.each(String::length), step -> step.workers(Workers.inline()))
            .observer(metrics)
            .build()
            .start()) {
      flow.call("hello");
      metrics.onWorker(
          new WorkerEvent("texts", "tokens", "texts-tokens-0", 1, WorkerEvent.Kind.STARTED, ""));
    }
    String page = Files.readString(PAGE);
    assertThat(registry.getMeters().stream().map(Meter::getId).map(Meter.Id::getName).distinct())
        .hasSize(19)
        .allSatisfy(name -> assertThat(page).contains("| `" + name + "` |"));
  }
}
