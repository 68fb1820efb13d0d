package io.headrace.spring;

import io.headrace.Batcher;
import io.headrace.Flow;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.core.env.Environment;

/**
 * Takes over properties that have changed while the application runs: the number of workers of
 * batchers and steps. All others are options of what is built once, and need a restart.
 */
final class PropertyRefresh {
  private static final Logger LOGGER = System.getLogger(PropertyRefresh.class.getName());

  private final Environment environment;
  private final HeadraceLifecycle lifecycle;

  /** What holds now. Guarded by this. */
  private Map<String, Object> current;

  PropertyRefresh(
      Environment environment, HeadraceProperties properties, HeadraceLifecycle lifecycle) {
    this.environment = environment;
    this.lifecycle = lifecycle;
    current = PropertyValues.of(properties);
  }

  /**
   * The properties that have changed.
   *
   * @param changed those that hold now
   * @param needRestart those that will hold after a restart
   */
  record Changes(Set<String> changed, Set<String> needRestart) {}

  synchronized Changes refresh() {
    Map<String, Object> next =
        PropertyValues.of(
            Binder.get(environment)
                .bindOrCreate(HeadraceProperties.PREFIX, Bindable.of(HeadraceProperties.class)));
    Changes changes = new Changes(new TreeSet<>(), new TreeSet<>());
    Map<String, Object> taken = new TreeMap<>(UniformNames.ORDER);
    taken.putAll(current);
    Set<String> names = new TreeSet<>(UniformNames.ORDER);
    names.addAll(current.keySet());
    names.addAll(next.keySet());
    for (String name : names) {
      Object value = next.get(name);
      if (Objects.equals(value, current.get(name))) {
        continue;
      }
      if (value instanceof Integer workers && resize(name, workers)) {
        changes.changed.add(name);
        taken.put(name, value);
      } else {
        changes.needRestart.add(name);
      }
    }
    current = taken;
    LOGGER.log(
        Level.INFO,
        "took over {0}; for {1} a restart is needed",
        changes.changed,
        changes.needRestart);
    return changes;
  }

  /** Whether the property is the number of workers of something that has another number now. */
  private boolean resize(String property, int workers) {
    for (Part part : lifecycle.parts()) {
      switch (part.object()) {
        case Batcher<?, ?> batcher -> {
          if (isSame(property, PropertyValues.workersOf(batcher.name()))) {
            return resize(property, () -> batcher.resize(workers));
          }
        }
        case Flow<?, ?> flow -> {
          String step = stepOf(flow, property);
          if (step != null) {
            return resize(property, () -> flow.resize(step, workers));
          }
        }
        default -> {}
      }
    }
    return false;
  }

  private static @Nullable String stepOf(Flow<?, ?> flow, String property) {
    return flow.steps().stream()
        .filter(step -> isSame(property, PropertyValues.workersOf(flow.name(), step)))
        .findFirst()
        .orElse(null);
  }

  private static boolean isSame(String property, String other) {
    return UniformNames.ORDER.compare(property, other) == 0;
  }

  private interface Resizing {
    void resize() throws InterruptedException;
  }

  private static boolean resize(String property, Resizing resizing) {
    try {
      resizing.resize();
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOGGER.log(Level.WARNING, property + " was not taken over", e);
    }
    return false;
  }
}
