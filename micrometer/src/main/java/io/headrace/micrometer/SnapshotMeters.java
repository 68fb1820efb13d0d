package io.headrace.micrometer;

import static java.util.Objects.requireNonNull;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * Meters that read a figure out of a snapshot: see {@link HeadraceMetrics#bind}. The registry keeps
 * the supplier of the snapshots as long as it lives.
 *
 * <p>Thread safe. When the supplier throws, the meters show no number; the first time is logged.
 *
 * @param <S> the type of a snapshot
 */
public final class SnapshotMeters<S> {
  private static final Logger LOGGER = System.getLogger(SnapshotMeters.class.getName());

  private final MeterRegistry registry;
  private final String prefix;
  private final Tags tags;
  private final Supplier<? extends S> snapshot;
  private final AtomicBoolean reported = new AtomicBoolean();

  SnapshotMeters(MeterRegistry registry, String kind, String name, Supplier<? extends S> snapshot) {
    this.registry = registry;
    prefix = "headrace." + kind + ".";
    tags = Tags.of("service", name);
    this.snapshot = snapshot;
  }

  /**
   * Adds a figure that goes up and down.
   *
   * @param name the last part of the meter's name
   * @param figure reads it from a snapshot
   * @return this
   * @throws IllegalArgumentException if the name is blank
   */
  public SnapshotMeters<S> gauge(String name, ToDoubleFunction<? super S> figure) {
    requireNonNull(figure, "figure");
    Gauge.builder(fullName(name), () -> read(figure)).tags(tags).register(registry);
    return this;
  }

  /**
   * Adds a figure that only grows.
   *
   * @param name the last part of the meter's name
   * @param figure reads it from a snapshot
   * @return this
   * @throws IllegalArgumentException if the name is blank
   */
  public SnapshotMeters<S> counter(String name, ToDoubleFunction<? super S> figure) {
    requireNonNull(figure, "figure");
    // A counter holds its function, but not the object that it is applied to.
    FunctionCounter.builder(fullName(name), registry, any -> read(figure))
        .tags(tags)
        .register(registry);
    return this;
  }

  private String fullName(String name) {
    return prefix + HeadraceMetrics.notBlank(name, "name");
  }

  /** An exception that leaves a counter would fail the whole scrape. */
  private double read(ToDoubleFunction<? super S> figure) {
    try {
      return figure.applyAsDouble(snapshot.get());
    } catch (RuntimeException e) {
      if (reported.compareAndSet(false, true)) {
        LOGGER.log(Level.WARNING, prefix + "* of " + tags + " has no figures", e);
      }
      return Double.NaN;
    }
  }
}
