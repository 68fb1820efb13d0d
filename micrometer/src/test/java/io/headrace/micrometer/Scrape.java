package io.headrace.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Coalescer;
import io.headrace.CoalescerHooks;
import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.Observer.WorkerEvent;
import io.headrace.Throttle;
import io.headrace.Workers;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What a scrape of Prometheus gives. */
final class Scrape {
  private Scrape() {}

  /** Has one of each thing that has meters, so that the registry has every meter there is. */
  static void makeEveryMeter(PrometheusMeterRegistry registry) throws Exception {
    var metrics = new HeadraceMetrics(registry);
    metrics.bind("search", Throttle.atMost(1));
    metrics.bind("lengths", Coalescer.of(String::length), CoalescerHooks.statistics());
    try (var flow =
        Flow.<String>builder("texts")
            .step("tokens", Handler.each(String::length), step -> step.workers(Workers.inline()))
            .observer(metrics)
            .build()
            .start()) {
      flow.call("hello");
      metrics.onWorker(
          new WorkerEvent(
              "texts", "tokens", "texts-tokens-0", 1, WorkerEvent.Kind.STARTED, null, ""));
    }
  }

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
