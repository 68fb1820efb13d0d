package io.headrace.spring;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.springframework.boot.context.properties.source.ConfigurationProperty;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertySource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.context.properties.source.IterableConfigurationPropertySource;
import org.springframework.boot.origin.Origin;
import org.springframework.core.env.Environment;

/** Finds properties of a name that nothing in the application has: a name with a mistake. */
final class UnusedNames {
  private UnusedNames() {}

  /**
   * Throws if there is one, once all beans are made.
   *
   * @param properties the properties
   * @param asked the names that somebody has asked for, such as {@code batchers.NAME}
   * @param environment knows where the properties are
   */
  static void check(HeadraceProperties properties, Set<String> asked, Environment environment) {
    configured(properties)
        .filter(name -> !asked.contains(name))
        .findFirst()
        .ifPresent(
            name -> {
              throw unused(name, asked, environment);
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

  private static MistakeException unused(String name, Set<String> asked, Environment environment) {
    String place = HeadraceProperties.PREFIX + "." + name;
    return new MistakeException(
        place + origin(place, environment),
        "has properties, but nothing in the application asks for them",
        "Correct the name: asked for were "
            + (asked.isEmpty() ? "none" : String.join(", ", new TreeSet<>(asked)))
            + ". A batcher or the like asks when it is built with HeadraceBuilders or named by an"
            + " annotation. headrace.allow-unused-names=true lets them be.");
  }

  /** Where the first of the properties is; nothing if its source does not know. */
  private static String origin(String name, Environment environment) {
    ConfigurationPropertyName group = ConfigurationPropertyName.adapt(name, '.');
    for (ConfigurationPropertySource source : ConfigurationPropertySources.get(environment)) {
      if (source instanceof IterableConfigurationPropertySource iterable) {
        Optional<ConfigurationPropertyName> first =
            iterable.stream().filter(group::isAncestorOf).findFirst();
        if (first.isPresent()) {
          ConfigurationProperty property = source.getConfigurationProperty(first.get());
          Origin origin = property == null ? null : property.getOrigin();
          return origin == null ? "" : " (" + origin + ")";
        }
      }
    }
    return "";
  }
}
