package io.headrace.spring;

import java.lang.reflect.RecordComponent;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DataObjectPropertyName;

/** Properties by their names, as they are in a file. */
final class PropertyValues {
  private PropertyValues() {}

  /** The values that are set, by names that are compared by {@link UniformNames#ORDER}. */
  static Map<String, Object> of(HeadraceProperties properties) {
    Map<String, Object> values = new TreeMap<>(UniformNames.ORDER);
    add(HeadraceProperties.PREFIX, properties, values);
    return values;
  }

  private static void add(String name, Object value, Map<String, Object> values) {
    if (value instanceof Map<?, ?> map) {
      map.forEach((key, each) -> add(name + "." + key, each, values));
    } else if (value instanceof Record all) {
      for (RecordComponent component : all.getClass().getRecordComponents()) {
        Object each = read(component, all);
        if (each != null) {
          add(name + "." + DataObjectPropertyName.toDashedForm(component.getName()), each, values);
        }
      }
    } else {
      values.put(name, value);
    }
  }

  /** What a record has there; null if that is nothing. */
  static @Nullable Object read(RecordComponent component, Record owner) {
    try {
      return component.getAccessor().invoke(owner);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e); // a record of this package
    }
  }

  static String workersOf(String batcher) {
    return HeadraceProperties.PREFIX + ".batchers." + batcher + ".workers";
  }

  static String workersOf(String flow, String step) {
    return HeadraceProperties.PREFIX + ".flows." + flow + ".steps." + step + ".workers";
  }
}
