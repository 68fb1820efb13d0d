package io.headrace.spring;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;

/**
 * Where the properties of one thing are. What a builder says of a wrong value is told as Spring
 * tells it, with the name of the property.
 *
 * @param place the name of the properties up to the last dot, which is not in it
 */
record Setting(String place) {
  /** Sets an option, if there is a value for it. */
  <T> void set(String option, @Nullable T value, Consumer<? super T> setter) {
    if (value == null) {
      return;
    }
    try {
      setter.accept(value);
    } catch (IllegalArgumentException e) {
      throw wrong(option, value, String.valueOf(e.getMessage()), e);
    } catch (IllegalStateException e) {
      throw wrong(option, value, e.getMessage() + ". It can be set in code or here, not both", e);
    }
  }

  /** An option that has a meaning only beside another one. */
  void needs(String option, @Nullable Object value, String other, @Nullable Object otherValue) {
    if (value != null && otherValue == null) {
      throw wrong(option, value, "it has a meaning only beside " + other + ", which is not set");
    }
  }

  InvalidConfigurationPropertyValueException wrong(String option, Object value, String reason) {
    return wrong(option, value, reason, null);
  }

  private InvalidConfigurationPropertyValueException wrong(
      String option, Object value, String reason, @Nullable RuntimeException cause) {
    return new InvalidConfigurationPropertyValueException(
        place + "." + option, value, reason, cause);
  }
}
