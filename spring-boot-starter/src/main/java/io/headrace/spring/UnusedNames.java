package io.headrace.spring;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Finds properties of a name that nothing in the application has: a name with a mistake. */
final class UnusedNames {
  private UnusedNames() {}

  /**
   * Throws if there is one, once all beans are made.
   *
   * @param properties the properties
   * @param asked the names that somebody has asked for, such as {@code batchers.NAME}
   */
  static void check(HeadraceProperties properties, Set<String> asked) {
    configured(properties)
        .filter(name -> !asked.contains(name))
        .findFirst()
        .ifPresent(
            name -> {
              throw unused(name, asked);
            });
  }

  private static Stream<String> configured(HeadraceProperties properties) {
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
