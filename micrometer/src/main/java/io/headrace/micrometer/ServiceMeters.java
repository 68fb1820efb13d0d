package io.headrace.micrometer;

import static java.util.Objects.requireNonNull;

import io.headrace.Flow;
import io.headrace.Observer.Observed;
import io.headrace.Observer.Outcome;
import io.headrace.WorkerStatus;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The meters of one batcher or flow, or of those that have its name one after another. */
final class ServiceMeters {
  private final MeterRegistry registry;
  private final Tags tags;
  private final Map<Outcome, Timer> calls = new EnumMap<>(Outcome.class);
  private final ConcurrentHashMap<String, StepMeters> steps = new ConcurrentHashMap<>();

  /** What runs under this name; let go when it has ended, so that it can be collected. */
  private final AtomicReference<@Nullable Observed> observed = new AtomicReference<>();

  /** The state in which the last one ended. */
  private volatile Flow.State ending = Flow.State.NEW;

  ServiceMeters(MeterRegistry registry, String name) {
    this.registry = registry;
    tags = Tags.of("service", name);
    for (Outcome outcome : Outcome.values()) {
      calls.put(outcome, callTimer(outcome));
    }
    for (Flow.State state : Flow.State.values()) {
      Gauge.builder("headrace.state", this, self -> self.state() == state ? 1 : 0)
          .description("1 for the state that the service is in")
          .tags(tags.and("state", lowerCase(state)))
          .strongReference(true)
          .register(registry);
    }
  }

  private Timer callTimer(Outcome outcome) {
    return Timer.builder("headrace.calls")
        .description("From the submission of a call to its end")
        .tags(tags.and("outcome", lowerCase(outcome)))
        .serviceLevelObjectives(Buckets.TIMES)
        .register(registry);
  }

  void watch(Observed service) {
    observed.set(service);
    service.steps().forEach(step -> step(step).watch(service.workers(step)));
  }

  /** One that has this name has ended; perhaps another one runs already, or begins to. */
  void ended(Flow.State state) {
    Observed service = observed.get();
    if (service == null) { // it was closed before its start
      ending = state;
      return;
    }
    Flow.State now = service.state();
    if (HeadraceMetrics.isEnd(now)) {
      ending = now; // is read only if nothing is observed
      observed.compareAndSet(service, null);
    }
  }

  void recordCall(Outcome outcome, long nanos) {
    requireNonNull(calls.get(outcome)).record(nanos, TimeUnit.NANOSECONDS);
  }

  StepMeters step(String name) {
    StepMeters known = steps.get(name);
    return known != null
        ? known
        : steps.computeIfAbsent(
            name,
            unknown ->
                new StepMeters(
                    registry,
                    tags.and("step", unknown),
                    () -> queueLength(unknown),
                    () -> workers(unknown)));
  }

  private Flow.State state() {
    Observed service = observed.get();
    return service == null ? ending : service.state();
  }

  /** Zero also for a step that only an earlier service of this name had. */
  private int queueLength(String step) {
    Observed service = observed.get();
    return service == null || !service.steps().contains(step) ? 0 : service.queued(step);
  }

  private List<WorkerStatus> workers(String step) {
    Observed service = observed.get();
    return service == null || !service.steps().contains(step) ? List.of() : service.workers(step);
  }

  static String lowerCase(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
