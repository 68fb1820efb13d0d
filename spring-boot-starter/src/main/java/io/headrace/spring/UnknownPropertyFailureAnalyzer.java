package io.headrace.spring;

import io.headrace.spring.HeadraceProperties.BatcherProperties;
import io.headrace.spring.HeadraceProperties.CoalescerProperties;
import io.headrace.spring.HeadraceProperties.FlowProperties;
import io.headrace.spring.HeadraceProperties.StepProperties;
import io.headrace.spring.HeadraceProperties.ThrottleProperties;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DataObjectPropertyName;
import org.springframework.boot.context.properties.bind.UnboundConfigurationPropertiesException;
import org.springframework.boot.context.properties.source.ConfigurationProperty;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName.Form;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/** Shows where a property is that does not exist, and those that do. */
@Order(Ordered.HIGHEST_PRECEDENCE) // before Spring's own, which does not know what there is
final class UnknownPropertyFailureAnalyzer
    extends AbstractFailureAnalyzer<UnboundConfigurationPropertiesException> {
  private static final ConfigurationPropertyName PREFIX =
      ConfigurationPropertyName.of(HeadraceProperties.PREFIX);

  @Override
  protected @Nullable FailureAnalysis analyze(
      Throwable root, UnboundConfigurationPropertiesException failure) {
    for (ConfigurationProperty property : failure.getUnboundProperties()) {
      if (PREFIX.isAncestorOf(property.getName())) {
        return new FailureAnalysis(
            "%s is set to %s by %s. There is no such property."
                .formatted(property.getName(), property.getValue(), property.getOrigin()),
            remedy(property.getName()),
            failure);
      }
    }
    return null;
  }

  private static String remedy(ConfigurationPropertyName name) {
    int depth = 1;
    Class<?> type = HeadraceProperties.class;
    while (true) {
      Class<?> below = below(element(name, depth));
      // A name lies between a group and its options.
      if (below == null || name.getNumberOfElements() <= depth + 2) {
        return "Correct it: under %s there are %s.".formatted(name.chop(depth), options(type));
      }
      type = below;
      depth += 2;
    }
  }

  private static String element(ConfigurationPropertyName name, int index) {
    return index < name.getNumberOfElements() ? name.getElement(index, Form.UNIFORM) : "";
  }

  /** What has the options of each name in a group. */
  private static @Nullable Class<?> below(String group) {
    return switch (group) {
      case "batchers" -> BatcherProperties.class;
      case "flows" -> FlowProperties.class;
      case "steps" -> StepProperties.class;
      case "throttles" -> ThrottleProperties.class;
      case "coalescers" -> CoalescerProperties.class;
      default -> null;
    };
  }

  private static String options(Class<?> type) {
    return Arrays.stream(type.getRecordComponents())
        .map(component -> DataObjectPropertyName.toDashedForm(component.getName()))
        .collect(Collectors.joining(", "));
  }
}
