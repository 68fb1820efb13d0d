package io.headrace.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

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
    Scrape.makeEveryMeter(registry);
    String page = Files.readString(PAGE);
    assertThat(registry.getMeters().stream().map(Meter::getId).map(Meter.Id::getName).distinct())
        .hasSize(21)
        .allSatisfy(name -> assertThat(page).contains("| `" + name + "` |"));
  }
}
