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
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The meters of one batcher or flow, or of all that have its name. */
final class ServiceMeters {
  private final MeterRegistry registry;

  /** Lives as long as the gauges, which the registry has. */
  @SuppressWarnings("UnusedVariable")
  private final RegistryMeters owner;

  private final Tags tags;
  private final Map<Outcome, Timer> calls = new EnumMap<>(Outcome.class);
  private final ConcurrentHashMap<String, StepMeters> steps = new ConcurrentHashMap<>();

  /** What runs under this name; each is let go when it has ended, so that it can be collected. */
  private final CopyOnWriteArrayList<Observed> observed = new CopyOnWriteArrayList<>();

  /** The state in which the last one ended. */
  private volatile Flow.State ending = Flow.State.NEW;

  ServiceMeters(MeterRegistry registry, String name, RegistryMeters owner) {
    this.registry = registry;
    this.owner = owner;
    tags = Tags.of("service", name);
    for (Outcome outcome : Outcome.values()) {
      calls.put(outcome, callTimer(outcome));
    }
    for (Flow.State state : Flow.State.values()) {
      Gauge.builder("headrace.state", this, self -> self.isIn(state) ? 1 : 0)
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
    observed.addIfAbsent(service);
    service.steps().forEach(step -> step(step).watch(service.workers(step)));
  }

  /** One that has this name has ended; perhaps another one runs already, or begins to. */
  void ended(Flow.State state) {
    ending = state; // is read only if nothing is observed
    for (Observed service : observed) {
      if (HeadraceMetrics.isEnd(service.state())) {
        observed.remove(service);
      }
    }
  }

  /** Those that have not ended. */
  Collection<Observed> live() {
    return observed;
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

  private boolean isIn(Flow.State state) {
    List<Observed> services = List.copyOf(observed);
    return services.isEmpty()
        ? ending == state
        : services.stream().anyMatch(service -> service.state() == state);
  }

  /** Those that have a step; none if only an earlier service of this name had it. */
  private Stream<Observed> having(String step) {
    return observed.stream().filter(service -> service.steps().contains(step));
  }

  private int queueLength(String step) {
    return having(step).mapToInt(service -> service.queued(step)).sum();
  }

  private List<WorkerStatus> workers(String step) {
    return having(step).flatMap(service -> service.workers(step).stream()).toList();
  }

  static String lowerCase(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
