package io.headrace.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.CallOptions;
import io.headrace.Flow;
import io.headrace.FlowBuilder;
import io.headrace.Observer;
import io.headrace.OnFull;
import io.headrace.Outcomes;
import io.headrace.Throttle;
import io.headrace.Workers;
import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.distribution.DistributionStatisticConfig;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What Prometheus scrapes. */
class PrometheusTest {
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final HeadraceMetrics metrics = new HeadraceMetrics(registry);
  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor executor = new SteppedExecutor();

  private Map<String, Double> scrape() {
    return Scrape.samples(registry);
  }

  private double sample(String name) {
    return Scrape.sample(registry, name);
  }

  private void advance(long millis) {
    time.advance(Duration.ofMillis(millis));
  }

  private Flow<Integer, Integer> flow() throws InterruptedException {
    FlowBuilder<Integer, Integer> builder =
        Flow.<Integer>builder("photos")
            .step(
                "decode",
                items -> {
                  advance(30);
                  return items;
                },
                step ->
                    step.batch(BatchPolicy.greedy(2))
                        .workers(Workers.executor(executor, 1))
                        .queue(4, OnFull.fail()))
            .step(
                "classify",
                items -> {
                  Outcomes<Integer> outcomes = new Outcomes<>(items.size());
                  for (Integer item : items) {
                    if (item < 0) {
                      outcomes.addFailure(new IllegalArgumentException());
                    } else {
                      outcomes.add(item);
                    }
                  }
                  return outcomes;
                },
                step -> step.workers(Workers.executor(executor, 1)));
    return builder.observer(metrics).timeSource(time).build().start();
  }

  @Test
  void everyPhaseIsAHistogramThatCanBeAddedUp() throws Exception {
    var flow = flow();
    flow.submit(1); // a worker is idle: a batch of its own, whose task waits for the executor
    advance(20);
    flow.submit(2);
    advance(3);
    flow.submit(-3);
    executor.runAll(); // 30 ms for item 1, then 30 ms for items 2 and -3

    String decode = "{service=\"photos\",step=\"decode\"";
    Map<String, Double> samples = scrape();
    // Item 1 did not wait; 2 and -3 waited for the worker: 3 + 30 and 30 ms.
    assertThat(samples)
        .containsEntry("headrace_queue_wait_seconds_count" + decode + "}", 3.0)
        .containsEntry("headrace_queue_wait_seconds_sum" + decode + "}", 0.063)
        .containsEntry("headrace_queue_wait_seconds_bucket" + decode + ",le=\"1.0E-5\"}", 1.0)
        .containsEntry("headrace_queue_wait_seconds_bucket" + decode + ",le=\"0.025\"}", 1.0)
        .containsEntry("headrace_queue_wait_seconds_bucket" + decode + ",le=\"0.05\"}", 3.0)
        .containsEntry("headrace_queue_wait_seconds_bucket" + decode + ",le=\"10.0\"}", 3.0)
        .containsEntry("headrace_queue_wait_seconds_bucket" + decode + ",le=\"+Inf\"}", 3.0)
        .containsEntry("headrace_batch_collect_seconds_count" + decode + "}", 2.0)
        .containsEntry("headrace_batch_collect_seconds_sum" + decode + "}", 0.033)
        .containsEntry("headrace_batch_handle_seconds_count" + decode + "}", 2.0)
        .containsEntry("headrace_batch_handle_seconds_bucket" + decode + ",le=\"0.025\"}", 0.0)
        .containsEntry("headrace_batch_handle_seconds_bucket" + decode + ",le=\"0.05\"}", 2.0)
        .containsEntry("headrace_batch_size_items_count" + decode + "}", 2.0)
        .containsEntry("headrace_batch_size_items_sum" + decode + "}", 3.0)
        .containsEntry("headrace_batch_size_items_bucket" + decode + ",le=\"1.0\"}", 1.0)
        .containsEntry("headrace_batch_size_items_bucket" + decode + ",le=\"2.0\"}", 2.0)
        .containsEntry("headrace_failed_items_total" + decode + "}", 0.0)
        .containsEntry("headrace_failed_items_total{service=\"photos\",step=\"classify\"}", 1.0);
    assertThat(samples.keySet())
        .as("percentiles of one process cannot be added up")
        .noneMatch(name -> name.contains("quantile="));
    flow.close();
  }

  @Test
  void callsAreCountedByOutcome() throws Exception {
    var flow = flow();
    flow.submit(1);
    var cancelled = flow.submit(2);
    var late = flow.submit(3, CallOptions.timeout(Duration.ofMillis(7)));
    flow.submit(-4);
    flow.submit(5);
    CompletableFuture<Integer> refused = flow.submit(6); // one in a batch, four wait
    cancelled.cancel(true);
    advance(10);
    executor.runAll();
    assertThat(refused).isCompletedExceptionally();
    assertThat(late).isCompletedExceptionally();
    for (String outcome : List.of("failed", "timed_out", "cancelled", "rejected")) {
      assertThat(sample("headrace_calls_seconds_count" + call(outcome))).as(outcome).isEqualTo(1);
    }
    assertThat(sample("headrace_calls_seconds_count" + call("completed"))).isEqualTo(2);
    assertThat(sample("headrace_calls_seconds_sum" + call("timed_out"))).isEqualTo(0.007);
    assertThat(
            sample(
                "headrace_calls_seconds_bucket{outcome=\"timed_out\",service=\"photos\",le=\"0.01\"}"))
        .isEqualTo(1);
    for (String outcome : List.of("timed_out", "cancelled", "rejected")) {
      assertThat(sample("headrace_dropped_items_total" + dropped(outcome, "decode"))).isEqualTo(1);
      assertThat(sample("headrace_dropped_items_total" + dropped(outcome, "classify"))).isZero();
    }
    flow.close();
  }

  private static String dropped(String outcome, String step) {
    return "{outcome=\"" + outcome + "\",service=\"photos\",step=\"" + step + "\"}";
  }

  private static String call(String outcome) {
    return "{outcome=\"" + outcome + "\",service=\"photos\"}";
  }

  @Test
  void theLengthOfAQueueIsReadWhenItIsScraped() throws Exception {
    var flow = flow();
    String length = "headrace_queue_length_items{service=\"photos\",step=\"decode\"}";
    assertThat(sample(length)).as("before the first batch").isZero();
    for (int i = 0; i < 4; i++) {
      flow.submit(i);
    }
    assertThat(sample(length)).isEqualTo(3);
    executor.runAll();
    assertThat(sample(length)).isZero();
    flow.close();
  }

  @Test
  void theStateIsTheOneSampleThatIsOne() throws Exception {
    var flow = flow();
    assertThat(state("photos")).containsExactly("running");
    flow.submit(1);
    var closing = CompletableFuture.runAsync(flow::close, Thread::startVirtualThread);
    while (!state("photos").contains("draining")) {
      Thread.onSpinWait();
    }
    while (!closing.isDone()) {
      executor.runAll();
    }
    assertThat(state("photos")).containsExactly("stopped");
  }

  @Test
  void aFlowThatCannotStartIsShownAsFailed() {
    var flow =
        Flow.<Integer>builder("broken")
            .stepPerWorker(
                "step",
                () -> {
                  throw new IllegalStateException();
                },
                step -> {})
            .observer(metrics)
            .build();
    assertThatThrownBy(flow::start).isInstanceOf(io.headrace.StartException.class);
    assertThat(state("broken")).containsExactly("failed");
  }

  @Test
  void aFlowThatIsClosedBeforeItsStartIsShownAsStopped() {
    Flow.<Integer>builder("never").step("s", items -> items).observer(metrics).build().close();
    assertThat(state("never")).containsExactly("stopped");
  }

  private List<String> state(String service) {
    String end = "\",";
    return scrape().entrySet().stream()
        .filter(entry -> entry.getKey().startsWith("headrace_state{service=\"" + service + end))
        .filter(entry -> entry.getValue() == 1)
        .map(entry -> entry.getKey().replaceAll(".*state=\"(\\w+)\".*", "$1"))
        .toList();
  }

  @Test
  void aServiceThatReplacesOneOfItsNameGoesOnWithItsMeters() {
    for (int round = 1; round <= 2; round++) {
      var batcher = batcher();
      batcher.submit(1);
      batcher.submit(2);
      batcher.submit(3);
      assertThat(sample("headrace_queue_length_items{service=\"sums\",step=\"sums\"}"))
          .isEqualTo(2);
      assertThat(state("sums")).containsExactly("running");
      executor.runAll();
      batcher.close();
      assertThat(state("sums")).containsExactly("stopped");
      assertThat(sample("headrace_batch_size_items_sum{service=\"sums\",step=\"sums\"}"))
          .isEqualTo(3.0 * round);
    }
  }

  @Test
  void theEndOfAReplacedServiceDoesNotHideItsSuccessor() {
    var old = batcher();
    var successor = batcher();
    old.close();
    assertThat(state("sums")).containsExactly("running");
    successor.close();
    assertThat(state("sums")).containsExactly("stopped");
  }

  @Test
  void servicesOfOneNameAddUpWhicheverObserverTheyHave() {
    var busy = batcher();
    var other =
        Batcher.<Integer, Integer>builder(items -> items)
            .name("sums")
            .workers(Workers.executor(executor, 1))
            .observer(new HeadraceMetrics(registry))
            .build();
    busy.submitAll(List.of(1, 2, 3));
    other.submit(1);
    other.submitAll(List.of(2, 3));
    busy.submit(4);
    String length = "headrace_queue_length_items{service=\"sums\",step=\"sums\"}";
    assertThat(sample(length)).isEqualTo(3);
    busy.shutdownNow();
    assertThat(sample(length)).isEqualTo(2);
    executor.runAll();
    assertThat(state("sums")).containsExactly("running");
    other.close();
    assertThat(state("sums")).containsExactly("stopped");
    assertThat(sample("headrace_batch_size_items_sum{service=\"sums\",step=\"sums\"}"))
        .isEqualTo(3);
  }

  @Test
  void aSuccessorWithAnotherObserverGoesOnWithTheGauges() {
    batcher().close();
    var successor =
        Batcher.<Integer, Integer>builder(items -> items)
            .name("sums")
            .observer(new HeadraceMetrics(registry))
            .build();
    assertThat(state("sums")).containsExactly("running");
    successor.close();
  }

  @Test
  void aNameThatIsForgottenHasNoMeters() {
    var job = batcher();
    job.submit(1);
    executor.runAll();
    metrics.bind("sums", Throttle.atMost(1));
    metrics.bind("others", Throttle.atMost(1));
    metrics.forget("sums");
    assertThat(state("sums")).as("of what is still at work").containsExactly("running");
    assertThat(sample("headrace_calls_seconds_count{outcome=\"completed\",service=\"sums\"}"))
        .isZero();
    job.close();
    metrics.forget("sums");
    metrics.forget("unknown");
    assertThat(registry.getMeters())
        .extracting(meter -> meter.getId().getTag("service"))
        .containsOnly("others");
    metrics.bind("sums", Throttle.atMost(1));
    batcher().close();
    assertThat(state("sums")).containsExactly("stopped");
    assertThat(sample("headrace_throttle_running{service=\"sums\"}")).isZero();
  }

  /** What the registry shows is what the statistics say. */
  @Test
  void failuresAreCountedAsInTheStatistics() {
    var batcher =
        Batcher.<Integer, Integer>builder(items -> items)
            .name("sums")
            .weight(item -> 1 / item)
            .workers(Workers.executor(executor, 1))
            .observer(metrics)
            .build();
    batcher.submitAll(List.of(0, 1));
    executor.runAll();
    batcher.close();
    assertThat(sample("headrace_failed_items_total{service=\"sums\",step=\"sums\"}"))
        .isEqualTo(batcher.statistics().steps().getFirst().failed())
        .isEqualTo(1);
  }

  /** The successor starts while the end of the other one is looked at. */
  @Test
  void aSuccessorThatStartsMeanwhileIsNotForgotten() {
    class Ending extends WatchedService {
      private Observer.@Nullable Observed successor;

      Ending() {
        super("sums", "sums");
      }

      @Override
      public Flow.State state() {
        if (successor != null) {
          metrics.onStart(successor);
        }
        return Flow.State.STOPPED;
      }
    }

    Ending old = new Ending();
    metrics.onStart(old);
    var successors = new ArrayList<Observer.Observed>();
    var successor =
        Batcher.<Integer, Integer>builder(items -> items)
            .name("sums")
            .observer(
                new Observer() {
                  @Override
                  public void onStart(Observed service) {
                    successors.add(service);
                  }
                })
            .build();
    old.successor = successors.getFirst();
    metrics.onState("sums", Flow.State.STOPPED);
    assertThat(state("sums")).containsExactly("running");
    successor.close();
  }

  private Batcher<Integer, Integer> batcher() {
    return Batcher.<Integer, Integer>builder(items -> items)
        .name("sums")
        .workers(Workers.executor(executor, 1))
        .observer(metrics)
        .timeSource(time)
        .build();
  }

  @Test
  void aFilterOfTheRegistryChangesTheBuckets() {
    // @start region="buckets"
    registry
        .config()
        .meterFilter(
            new MeterFilter() {
              @Override
              public DistributionStatisticConfig configure(
                  Meter.Id id, DistributionStatisticConfig config) {
                return id.getName().equals("headrace.calls")
                    ? DistributionStatisticConfig.builder()
                        .serviceLevelObjectives(10e6, 50e6) // 10 and 50 ms, in nanoseconds
                        .build()
                        .merge(config)
                    : config;
              }
            });
    // @end
    var batcher = batcher();
    executor.runAll();
    batcher.close();
    assertThat(scrape().keySet().stream().filter(name -> name.contains("calls_seconds_bucket")))
        .filteredOn(name -> name.contains("completed"))
        .hasSize(3)
        .anyMatch(name -> name.contains("le=\"0.05\""));
  }

  /** A step whose handler refuses to handle a negative item, and takes 10 ms for a batch. */
  private FlowBuilder<Integer, Integer> refusing() {
    return Flow.<Integer>builder("photos")
        .step(
            "decode",
            items -> {
              advance(10);
              items.forEach(item -> Objects.checkIndex(item, Integer.MAX_VALUE));
              return items;
            },
            step -> step.workers(Workers.inline()).isolate(8))
        .observer(metrics)
        .timeSource(time);
  }

  @Test
  void eachExecutionOfABatchThatIsIsolatedCounts() throws Exception {
    var flow = refusing().build().start();
    flow.submitAll(List.of(1, 2, 3, -4), CallOptions.DEFAULT);
    // 1 2 3 -4 fails, 1 2 succeeds, 3 succeeds, -4 fails: 8 items in 4 executions.
    String decode = "{service=\"photos\",step=\"decode\"}";
    assertThat(scrape())
        .containsEntry("headrace_batch_size_items_count" + decode, 4.0)
        .containsEntry("headrace_batch_size_items_sum" + decode, 8.0)
        .containsEntry("headrace_batch_collect_seconds_count" + decode, 4.0)
        .containsEntry("headrace_batch_handle_seconds_count" + decode, 4.0)
        .containsEntry("headrace_batch_handle_seconds_sum" + decode, 0.04)
        .containsEntry("headrace_queue_wait_seconds_count" + decode, 8.0)
        .containsEntry("headrace_failed_items_total" + decode, 1.0)
        .containsEntry("headrace_retried_items_total" + decode, 4.0)
        .containsEntry("headrace_calls_seconds_count" + call("completed"), 3.0)
        .containsEntry("headrace_calls_seconds_count" + call("failed"), 1.0);
    var step = flow.statistics().steps().getFirst();
    assertThat(step.batches()).isEqualTo(1);
    assertThat(step.items()).isEqualTo(4);
    flow.close();
  }

  @Test
  void aWarmUpCountsAsBatchesButNotAsCalls() throws Exception {
    var flow = refusing().warmUp(List.of(1, 2, 3)).build().start();
    String decode = "{service=\"photos\",step=\"decode\"}";
    assertThat(scrape())
        .containsEntry("headrace_batch_size_items_count" + decode, 1.0)
        .containsEntry("headrace_batch_size_items_sum" + decode, 3.0)
        .containsEntry("headrace_queue_wait_seconds_count" + decode, 3.0)
        .containsEntry("headrace_calls_seconds_count" + call("completed"), 0.0);
    assertThat(flow.statistics().ended()).isZero();
    flow.close();
  }
}
