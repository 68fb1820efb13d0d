package io.headrace.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What a scrape of Prometheus gives. */
final class Scrape {
  private Scrape() {}

  /** The samples by name and labels. */
  static Map<String, Double> samples(PrometheusMeterRegistry registry) {
    return registry
        .scrape()
        .lines()
        .filter(line -> !line.startsWith("#"))
        .collect(
            Collectors.toMap(
                line -> line.substring(0, line.lastIndexOf(' ')),
                line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)),
                (one, other) -> {
                  throw new AssertionError("two samples of one name");
                },
                TreeMap::new));
  }

  static double sample(PrometheusMeterRegistry registry, String name) {
    Map<String, Double> samples = samples(registry);
    assertThat(samples).containsKey(name);
    return samples.get(name);
  }
}
