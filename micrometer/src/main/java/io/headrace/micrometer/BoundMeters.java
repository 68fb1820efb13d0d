package io.headrace.micrometer;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.function.ToDoubleFunction;

/**
 * The meters of something that counts for itself, read out of it at each scrape; of those that have
 * one name, out of the one that was bound last. The registry keeps it alive.
 */
final class BoundMeters<S> {
  private final MeterRegistry registry;
  private final Tags tags;

  /** Lives as long as the meters, which the registry has. */
  @SuppressWarnings("UnusedVariable")
  private final RegistryMeters owner;

  private volatile S source;

  BoundMeters(MeterRegistry registry, String name, S source, RegistryMeters owner) {
    this.registry = registry;
    this.owner = owner;
    tags = Tags.of("service", name);
    this.source = source;
  }

  /** Reads out of another one from now on. */
  void bind(S source) {
    this.source = source;
  }

  /** Adds a figure that goes up and down. */
  BoundMeters<S> gauge(
      String name, Tags more, String description, ToDoubleFunction<? super S> figure) {
    Gauge.builder(name, () -> figure.applyAsDouble(source))
        .description(description)
        .tags(tags.and(more))
        .register(registry);
    return this;
  }

  /** Adds a figure that only grows. */
  BoundMeters<S> counter(
      String name, Tags more, String description, ToDoubleFunction<? super S> figure) {
    // A counter keeps its function alive, but not the object that it is applied to.
    FunctionCounter.builder(name, registry, any -> figure.applyAsDouble(source))
        .description(description)
        .tags(tags.and(more))
        .register(registry);
    return this;
  }
}
