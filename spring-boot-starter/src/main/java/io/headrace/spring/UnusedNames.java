package io.headrace.spring;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Finds properties of a name that nothing in the application has: a name with a mistake. */
final class UnusedNames {
  private final HeadraceProperties properties;
  private final HeadraceBuilders builders;
  private final boolean isLazy;

  /**
   * Looks for unused names.
   *
   * @param isLazy whether beans are made when they are first needed, so that names may be asked for
   *     later
   */
  UnusedNames(HeadraceProperties properties, HeadraceBuilders builders, boolean isLazy) {
    this.properties = properties;
    this.builders = builders;
    this.isLazy = isLazy;
  }

  /** Throws if there is one, once all beans are made. */
  void check() {
    if (isLazy || properties.allowUnusedNames()) {
      return;
    }
    Set<String> asked = builders.asked();
    configured()
        .filter(name -> !asked.contains(name))
        .findFirst()
        .ifPresent(
            name -> {
              throw unused(name, asked);
            });
  }

  private Stream<String> configured() {
    Stream<String> steps =
        properties.flows().entrySet().stream()
            .flatMap(
                flow ->
                    names("flows." + flow.getKey() + ".steps", flow.getValue().steps()).stream());
    return Stream.of(
            names("batchers", properties.batchers()),
            names("flows", properties.flows()),
            names("throttles", properties.throttles()),
            names("coalescers", properties.coalescers()))
        .map(List::stream)
        .reduce(steps, Stream::concat);
  }

  private static List<String> names(String group, Map<String, ?> map) {
    return map.keySet().stream().map(name -> group + "." + name).toList();
  }

  private static MistakeException unused(String name, Set<String> asked) {
    return new MistakeException(
        HeadraceProperties.PREFIX + "." + name,
        "has properties, but nothing in the application asks for them",
        "Correct the name: asked for were "
            + (asked.isEmpty() ? "none" : String.join(", ", new TreeSet<>(asked)))
            + ". A batcher or the like asks when it is built with HeadraceBuilders or named by an"
            + " annotation. headrace.allow-unused-names=true lets them be.");
  }
}
