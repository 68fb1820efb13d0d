package io.headrace.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Flow;
import io.headrace.Observer.TransferEvent;
import io.headrace.Observer.WorkerEvent;
import io.headrace.Observer.WorkerEvent.Kind;
import io.headrace.Observer.WorkerEvent.Reason;
import io.headrace.WorkerStatus;
import io.micrometer.core.instrument.MockClock;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is scraped of workers that are not in this JVM. */
class WorkerMetersTest {
  private static final String FIRST =
      "{service=\"texts\",step=\"tokens\",worker=\"texts-tokens-0\"}";
  private static final String SECOND =
      "{service=\"texts\",step=\"tokens\",worker=\"texts-tokens-1\"}";

  private static String deaths(String worker, String reason) {
    return "headrace_worker_deaths_total{reason=\"%s\",".formatted(reason) + worker.substring(1);
  }

  private final MockClock clock = new MockClock(); // a scrape takes no time
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT, new PrometheusRegistry(), clock);
  private final HeadraceMetrics metrics = new HeadraceMetrics(registry);
  private final WatchedService texts = new WatchedService("texts", "tokens");

  private double sample(String name) {
    return Scrape.sample(registry, name);
  }

  private void tell(String worker, Kind kind) {
    tell(worker, kind, null);
  }

  private void tell(String worker, Kind kind, @Nullable Reason reason) {
    metrics.onWorker(new WorkerEvent("texts", "tokens", worker, 4711, kind, reason, ""));
  }

  private static WorkerStatus worker(String name, long residentBytes, long cpuMillis) {
    return new WorkerStatus(
        name, 4711, WorkerStatus.State.IDLE, 0, residentBytes, Duration.ofMillis(cpuMillis));
  }

  @Test
  void eachWorkerHasItsOwnMeters() {
    metrics.onStart(texts);
    assertThat(Scrape.samples(registry).keySet()).noneMatch(name -> name.contains("worker"));
    tell("texts-tokens-0", Kind.STARTED);
    tell("texts-tokens-1", Kind.STARTED);
    texts.workers.put(
        "tokens", List.of(worker("texts-tokens-0", 100, 1500), worker("texts-tokens-1", 200, 0)));
    assertThat(Scrape.samples(registry))
        .containsEntry("headrace_worker_memory_bytes" + FIRST, 100.0)
        .containsEntry("headrace_worker_memory_bytes" + SECOND, 200.0)
        .containsEntry("headrace_worker_cpu_seconds_total" + FIRST, 1.5)
        .containsEntry("headrace_worker_cpu_seconds_total" + SECOND, 0.0)
        .containsEntry("headrace_worker_restarts_total" + FIRST, 0.0)
        .containsEntry(deaths(FIRST, "exit"), 0.0)
        .containsEntry(deaths(FIRST, "signal"), 0.0);
  }

  @Test
  void aServiceThatIsObservedLaterHasTheMetersOfItsWorkers() {
    texts.workers.put(
        "tokens", List.of(worker("texts-tokens-0", 100, 1500), worker("texts-tokens-1", 200, 0)));
    metrics.onStart(texts);
    assertThat(Scrape.samples(registry))
        .containsEntry("headrace_worker_memory_bytes" + FIRST, 100.0)
        .containsEntry("headrace_worker_memory_bytes" + SECOND, 200.0)
        .containsEntry("headrace_worker_restarts_total" + FIRST, 0.0)
        .containsEntry(deaths(SECOND, "exit"), 0.0);
    assertThat(Scrape.samples(registry).keySet()).anyMatch(name -> name.contains("transfer"));
    tell("texts-tokens-0", Kind.RESTARTED);
    assertThat(sample("headrace_worker_restarts_total" + FIRST)).isEqualTo(1);
  }

  @Test
  void transfersAndSizesAreHistograms() {
    String step = "{service=\"texts\",step=\"tokens\"";
    metrics.onStart(texts);
    assertThat(Scrape.samples(registry).keySet()).noneMatch(name -> name.contains("transfer"));
    tell("texts-tokens-0", Kind.STARTED);
    assertThat(sample("headrace_transfer_seconds_count" + step + "}")).isZero();
    metrics.onTransfer(
        new TransferEvent("texts", "tokens", "texts-tokens-0", 20_000, new long[] {64, 65}));
    metrics.onTransfer(
        new TransferEvent("texts", "tokens", "texts-tokens-1", 1_000_000, new long[] {1 << 20}));
    assertThat(Scrape.samples(registry))
        .containsEntry("headrace_transfer_seconds_count" + step + "}", 2.0)
        .containsEntry("headrace_transfer_seconds_bucket" + step + ",le=\"2.5E-5\"}", 1.0)
        .containsEntry("headrace_item_size_bytes_count" + step + "}", 3.0)
        .containsEntry("headrace_item_size_bytes_sum" + step + "}", 129.0 + (1 << 20))
        .containsEntry("headrace_item_size_bytes_bucket" + step + ",le=\"64.0\"}", 1.0)
        .containsEntry("headrace_item_size_bytes_bucket" + step + ",le=\"256.0\"}", 2.0);
  }

  @Test
  void deathsAndRestartsAreCountedApart() {
    metrics.onStart(texts);
    tell("texts-tokens-0", Kind.STARTED);
    tell("texts-tokens-1", Kind.STARTED);
    tell("texts-tokens-0", Kind.DIED);
    tell("texts-tokens-0", Kind.RESTARTED);
    tell("texts-tokens-0", Kind.DIED);
    assertThat(sample(deaths(FIRST, "other"))).isEqualTo(2);
    assertThat(sample("headrace_worker_restarts_total" + FIRST)).isEqualTo(1);
    assertThat(sample(deaths(SECOND, "other"))).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void deathsAreCountedByTheirReason(Reason reason) {
    metrics.onStart(texts);
    tell("texts-tokens-0", Kind.DIED, reason);
    assertThat(
            Scrape.samples(registry).entrySet().stream()
                .filter(sample -> sample.getKey().startsWith("headrace_worker_deaths_total"))
                .filter(sample -> sample.getValue() > 0))
        .containsExactly(Map.entry(deaths(FIRST, reason.name().toLowerCase(Locale.ROOT)), 1.0));
  }

  @Test
  void processorTimeOfAllProcessesIsAddedUp() {
    metrics.onStart(texts);
    tell("texts-tokens-0", Kind.STARTED);
    long[][] pidUsedAndSum = {
      {1, 1000, 1000},
      {1, 2000, 2000},
      {2, 500, 2500},
      {2, 700, 2700},
      {2, 600, 2700}, // a counter does not go back
      {0, 0, 2700},
      {3, 4000, 6700}
    };
    for (long[] each : pidUsedAndSum) {
      texts.workers.put(
          "tokens",
          List.of(
              new WorkerStatus(
                  "texts-tokens-0",
                  each[0],
                  WorkerStatus.State.IDLE,
                  0,
                  100,
                  Duration.ofMillis(each[1]))));
      assertThat(sample("headrace_worker_cpu_seconds_total" + FIRST)).isEqualTo(each[2] / 1e3);
    }
    texts.workers.put("tokens", List.of());
    assertThat(sample("headrace_worker_cpu_seconds_total" + FIRST)).isEqualTo(6.7);
    assertThat(sample("headrace_worker_memory_bytes" + FIRST)).isZero();
  }

  @Test
  void workersAreReadOnceForAScrape() {
    metrics.onStart(texts);
    tell("texts-tokens-0", Kind.STARTED);
    tell("texts-tokens-1", Kind.STARTED);
    texts.reads = 0; // the start has read which there are
    for (int scrape = 1; scrape <= 3; scrape++) {
      texts.workers.put(
          "tokens",
          List.of(
              worker("texts-tokens-0", 100 * scrape, 0), worker("texts-tokens-1", scrape, 1000)));
      assertThat(Scrape.samples(registry))
          .containsEntry("headrace_worker_memory_bytes" + FIRST, 100.0 * scrape)
          .containsEntry("headrace_worker_memory_bytes" + SECOND, 1.0 * scrape)
          .containsEntry("headrace_worker_cpu_seconds_total" + SECOND, 1.0);
      assertThat(texts.reads).isEqualTo(scrape);
    }
  }

  @Test
  void aReadingIsNotUsedForLong() {
    WorkerReadings readings = new WorkerReadings(() -> texts.workers("tokens"), clock);
    texts.workers.put("tokens", List.of(worker("a", 1, 0), worker("b", 2, 0)));
    assertThat(readings.of("a", "memory")).isEqualTo(worker("a", 1, 0));
    texts.workers.put("tokens", List.of(worker("a", 3, 0), worker("b", 4, 0)));
    clock.add(Duration.ofMillis(999));
    assertThat(readings.of("b", "memory")).isEqualTo(worker("b", 2, 0));
    clock.add(Duration.ofMillis(1));
    assertThat(readings.of("b", "cpu")).isEqualTo(worker("b", 4, 0));
    assertThat(texts.reads).isEqualTo(2);
  }

  @Test
  void aServiceThatHasEndedIsNotAsked() {
    metrics.onStart(texts);
    tell("texts-tokens-0", Kind.STARTED);
    texts.workers.put("tokens", List.of(worker("texts-tokens-0", 100, 1000)));
    assertThat(sample("headrace_worker_memory_bytes" + FIRST)).isEqualTo(100);
    assertThat(sample("headrace_worker_cpu_seconds_total" + FIRST)).isEqualTo(1);
    texts.state = Flow.State.STOPPED;
    metrics.onState("texts", Flow.State.STOPPED);
    assertThat(sample("headrace_worker_memory_bytes" + FIRST)).isZero();
    assertThat(sample("headrace_worker_cpu_seconds_total" + FIRST)).isEqualTo(1);
  }
}
