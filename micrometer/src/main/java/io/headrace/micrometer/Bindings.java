package io.headrace.micrometer;

import io.headrace.Coalescer;
import io.headrace.CoalescerStatistics;
import io.headrace.CoalescerStatistics.Snapshot;
import io.headrace.Throttle;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToLongFunction;

/** The meters of the throttles and coalescers of one registry, by name. */
final class Bindings {
  private final MeterRegistry registry;
  private final RegistryMeters owner;
  private final ConcurrentHashMap<String, BoundMeters<Throttle>> throttles =
      new ConcurrentHashMap<>();
  private final ConcurrentHashMap<String, BoundMeters<Coalescer<?, ?>>> coalescers =
      new ConcurrentHashMap<>();
  private final ConcurrentHashMap<String, BoundMeters<CoalescerStatistics>> statistics =
      new ConcurrentHashMap<>();

  Bindings(MeterRegistry registry, RegistryMeters owner) {
    this.registry = registry;
    this.owner = owner;
  }

  /** Lets go what is bound to a name. */
  void forget(String name) {
    throttles.remove(name);
    coalescers.remove(name);
    statistics.remove(name);
  }

  void bind(String name, Throttle throttle) {
    throttles.computeIfAbsent(name, unknown -> meters(unknown, throttle)).bind(throttle);
  }

  void bind(String name, Coalescer<?, ?> coalescer) {
    coalescers.computeIfAbsent(name, unknown -> meters(unknown, coalescer)).bind(coalescer);
  }

  void bind(String name, CoalescerStatistics counters) {
    statistics.computeIfAbsent(name, unknown -> meters(unknown, counters)).bind(counters);
  }

  private BoundMeters<Throttle> meters(String name, Throttle first) {
    return new BoundMeters<>(registry, name, first, owner)
        .gauge(
            "headrace.throttle.running",
            Tags.empty(),
            "Permits that are out; 0 without a limit of how many",
            Throttle::running)
        .gauge(
            "headrace.throttle.waiting",
            Tags.empty(),
            "Threads and futures that wait for a permit",
            Throttle::waiting);
  }

  private BoundMeters<Coalescer<?, ?>> meters(String name, Coalescer<?, ?> first) {
    String meter = "headrace.coalescer.keys";
    String description = "Keys that are in flight, and keys whose result is kept";
    return new BoundMeters<Coalescer<?, ?>>(registry, name, first, owner)
        .gauge(meter, Tags.of("state", "in_flight"), description, Bindings::inFlight)
        .gauge(meter, Tags.of("state", "kept"), description, Coalescer::kept);
  }

  /** The two numbers are of different moments. */
  private static int inFlight(Coalescer<?, ?> coalescer) {
    return Math.max(0, coalescer.keys() - coalescer.kept());
  }

  private BoundMeters<CoalescerStatistics> meters(String name, CoalescerStatistics first) {
    BoundMeters<CoalescerStatistics> meters = new BoundMeters<>(registry, name, first, owner);
    calls(meters, "executed", Snapshot::executed);
    calls(meters, "joined", Snapshot::joined);
    calls(meters, "kept", Snapshot::kept);
    calls(meters, "rejected", Snapshot::rejected);
    return meters.counter(
        "headrace.coalescer.errors",
        Tags.empty(),
        "Executions that failed or were cancelled",
        counters -> counters.snapshot().errors());
  }

  private static void calls(
      BoundMeters<CoalescerStatistics> meters, String outcome, ToLongFunction<Snapshot> count) {
    meters.counter(
        "headrace.coalescer.calls",
        Tags.of("outcome", outcome),
        "Calls by what became of them when they came",
        counters -> count.applyAsLong(counters.snapshot()));
  }
}
