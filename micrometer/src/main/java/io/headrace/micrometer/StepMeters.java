package io.headrace.micrometer;

import static java.util.Objects.requireNonNull;

import io.headrace.Observer.BatchEvent;
import io.headrace.Observer.Outcome;
import io.headrace.Observer.TransferEvent;
import io.headrace.Observer.WorkerEvent;
import io.headrace.WorkerStatus;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The meters of one step. */
final class StepMeters {
  private final MeterRegistry registry;
  private final Tags tags;
  private final WorkerReadings readings;
  private final ConcurrentHashMap<String, WorkerMeters> workers = new ConcurrentHashMap<>();
  private final Timer waits;
  private final Timer collecting;
  private final Timer handling;
  private final DistributionSummary sizes;
  private final Counter failed;
  private final Counter retried;
  private final Map<Outcome, Counter> dropped = new EnumMap<>(Outcome.class);

  /** Of a step with workers that are not in this JVM; null until the first of them is ready. */
  private volatile @Nullable TransferMeters transfers;

  StepMeters(
      MeterRegistry registry,
      Tags tags,
      Supplier<Number> queueLength,
      Supplier<List<WorkerStatus>> statuses) {
    this.registry = registry;
    this.tags = tags;
    readings = new WorkerReadings(statuses, registry.config().clock());
    waits = timer(registry, tags, "headrace.queue.wait", "How long an item waited for the step");
    collecting =
        timer(
            registry, tags, "headrace.batch.collect", "How long the oldest item of a batch waited");
    handling =
        timer(registry, tags, "headrace.batch.handle", "How long the handler took for a batch");
    sizes =
        DistributionSummary.builder("headrace.batch.size")
            .description("Items of a batch")
            .baseUnit("items")
            .tags(tags)
            .serviceLevelObjectives(Buckets.SIZES)
            .register(registry);
    failed = counter("headrace.failed", "Items that failed in the step", tags);
    retried = counter("headrace.retried", "Items that were executed again", tags);
    for (Outcome outcome : List.of(Outcome.TIMED_OUT, Outcome.CANCELLED, Outcome.REJECTED)) {
      dropped.put(
          outcome,
          counter(
              "headrace.dropped",
              "Items that left at the step without a result of it",
              tags.and("outcome", ServiceMeters.lowerCase(outcome))));
    }
    Gauge.builder("headrace.queue.length", queueLength)
        .description("Items that wait for the step")
        .baseUnit("items")
        .tags(tags)
        .strongReference(true)
        .register(registry);
  }

  private Counter counter(String name, String description, Tags tags) {
    return Counter.builder(name)
        .description(description)
        .baseUnit("items")
        .tags(tags)
        .register(registry);
  }

  static Timer timer(MeterRegistry registry, Tags tags, String name, String description) {
    return Timer.builder(name)
        .description(description)
        .tags(tags)
        .serviceLevelObjectives(Buckets.TIMES)
        .register(registry);
  }

  /** Registers the meters of workers that are there already. */
  void watch(List<WorkerStatus> statuses) {
    statuses.forEach(status -> worker(status.name()));
  }

  void record(WorkerEvent event) {
    worker(event.worker()).record(event);
  }

  private WorkerMeters worker(String name) {
    var _ = transfers();
    return workers.computeIfAbsent(
        name, unknown -> new WorkerMeters(registry, tags.and("worker", name), name, readings));
  }

  void record(TransferEvent transfer) {
    transfers().record(transfer);
  }

  private TransferMeters transfers() {
    TransferMeters known = transfers;
    if (known == null) {
      known = new TransferMeters(registry, tags); // a second one has the same meters
      transfers = known;
    }
    return known;
  }

  void recordRetry(int items) {
    retried.increment(items);
  }

  void recordDrop(Outcome outcome) {
    (outcome == Outcome.FAILED ? failed : requireNonNull(dropped.get(outcome))).increment();
  }

  void record(BatchEvent batch) {
    long longestNanos = 0;
    for (long nanos : batch.queueNanos()) {
      waits.record(nanos, TimeUnit.NANOSECONDS);
      longestNanos = Math.max(longestNanos, nanos);
    }
    collecting.record(longestNanos, TimeUnit.NANOSECONDS);
    handling.record(batch.handleNanos(), TimeUnit.NANOSECONDS);
    sizes.record(batch.size());
    if (batch.failed() > 0) {
      failed.increment(batch.failed());
    }
  }
}
