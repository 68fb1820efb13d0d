package io.headrace.micrometer;

import io.headrace.Observer.Observed;
import io.micrometer.core.instrument.MeterRegistry;
import java.lang.ref.WeakReference;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The meters of one registry, which all instances of {@link HeadraceMetrics} for it share: there is
 * one meter of a name. The meters refer to this, so that it is there as long as one of them.
 */
final class RegistryMeters {
  private static final Map<MeterRegistry, WeakReference<RegistryMeters>> ALL = new WeakHashMap<>();

  private final MeterRegistry registry;
  private final ConcurrentHashMap<String, ServiceMeters> services = new ConcurrentHashMap<>();
  final Bindings bindings;

  private RegistryMeters(MeterRegistry registry) {
    this.registry = registry;
    bindings = new Bindings(registry, this);
  }

  static RegistryMeters of(MeterRegistry registry) {
    synchronized (ALL) {
      WeakReference<RegistryMeters> reference = ALL.get(registry);
      RegistryMeters known = reference == null ? null : reference.get();
      if (known == null) {
        known = new RegistryMeters(registry);
        ALL.put(registry, new WeakReference<>(known));
      }
      return known;
    }
  }

  ServiceMeters service(String name) {
    ServiceMeters known = services.get(name);
    return known != null ? known : services.computeIfAbsent(name, this::meters);
  }

  private ServiceMeters meters(String name) {
    return new ServiceMeters(registry, name, this);
  }

  /** Removes the meters of a name; those of a service that has not ended begin anew. */
  void forget(String name) {
    bindings.forget(name);
    services.compute(
        name,
        (_, known) -> {
          registry.getMeters().stream()
              .filter(meter -> meter.getId().getName().startsWith("headrace."))
              .filter(meter -> name.equals(meter.getId().getTag("service")))
              .forEach(registry::remove);
          Collection<Observed> live = known == null ? List.of() : known.live();
          if (live.isEmpty()) {
            return null;
          }
          ServiceMeters anew = meters(name);
          live.forEach(anew::watch);
          return anew;
        });
  }
}
