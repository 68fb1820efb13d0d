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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** That docs/observing.md shows the examples as they are tested, and names every meter. */
class PageTest {
  private static final Path PAGE = Path.of("../docs/observing.md");

  @Test
  void thePageShowsTheseExamples() throws IOException {
    String page = Files.readString(PAGE);
    for (String region : List.of("metrics", "scrape", "throttle", "coalescer", "statsd")) {
      assertThat(page).contains(region("SnippetsTest", region));
    }
    assertThat(page).contains(region("PrometheusTest", "buckets"));
  }

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

  /** The lines of a region, without its indentation. */
  private static String region(String type, String name) throws IOException {
    List<String> lines =
        Files.readAllLines(Path.of("src/test/java/io/headrace/micrometer/" + type + ".java"));
    String start = "// @start region=\"" + name + "\"";
    int first = lines.stream().map(String::strip).toList().indexOf(start);
    int indentation = lines.get(first).indexOf('/');
    return lines.stream()
        .skip(first + 1)
        .takeWhile(line -> !line.endsWith("// @end"))
        .map(line -> line.substring(indentation))
        .collect(Collectors.joining("\n"));
  }
}
