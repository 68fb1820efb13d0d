package io.headrace.spring;

import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Compares names as Spring compares those of properties: by their letters and digits, small or
 * capital. Environment variables can say nothing else.
 */
final class UniformNames {
  static final Comparator<String> ORDER = Comparator.comparing(UniformNames::uniform);

  private UniformNames() {}

  /** What names that count as the same have in common. */
  static String uniform(String name) {
    String uniform =
        name.codePoints()
            .filter(Character::isLetterOrDigit)
            .map(Character::toLowerCase)
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
    return uniform.isEmpty() ? name : uniform;
  }

  /**
   * Options by uniform names. Those of a name that is written in several ways are merged; what is
   * first in the map is from the source that counts more.
   */
  static <T extends Record> Map<String, T> merged(Map<String, T> bound) {
    Map<String, T> merged = new TreeMap<>(ORDER);
    bound.forEach((name, options) -> merged.merge(name, options, UniformNames::merged));
    return merged;
  }

  @SuppressWarnings("unchecked") // a record of the same class
  private static <T extends Record> T merged(T first, T second) {
    RecordComponent[] components = first.getClass().getRecordComponents();
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
    @Nullable Object[] values =
        Arrays.stream(components)
            .map(
                each ->
                    mergedValue(
                        PropertyValues.read(each, first), PropertyValues.read(each, second)))
            .toArray();
    try {
      Constructor<?> constructor = first.getClass().getDeclaredConstructor(types);
      return (T) constructor.newInstance(values);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e); // a record of this package
    }
  }

  /** The first if it is there; of two maps all, and the first of what is in both. */
  private static @Nullable Object mergedValue(@Nullable Object first, @Nullable Object second) {
    if (first instanceof Map<?, ?> high && second instanceof Map<?, ?> low) {
      Map<Object, Object> both = new LinkedHashMap<>(low);
      both.putAll(high);
      return both;
    }
    return first == null ? second : first;
  }
}
