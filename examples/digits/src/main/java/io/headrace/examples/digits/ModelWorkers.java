package io.headrace.examples.digits;

import io.headrace.Workers;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * What runs the model, written {@code threads:4} or {@code processes:4}.
 *
 * @param kind threads of this JVM, or processes of their own
 * @param count how many, 1 to {@value #MAX_COUNT}
 */
record ModelWorkers(Kind kind, int count) {
  static final int MAX_COUNT = 64;

  /** One thread runs the model for all. */
  static final String DEFAULT = "threads:1";

  enum Kind {
    THREADS,
    PROCESSES
  }

  static ModelWorkers threads(int count) {
    return new ModelWorkers(Kind.THREADS, count);
  }

  static ModelWorkers processes(int count) {
    return new ModelWorkers(Kind.PROCESSES, count);
  }

  Workers workers() {
    return switch (kind) {
      case THREADS -> Workers.threads(count);
      case PROCESSES -> ModelProcesses.of(count);
    };
  }

  @Override
  public String toString() {
    return kind.name().toLowerCase(Locale.ROOT) + ":" + count;
  }

  /** Reads the option. */
  static final class Converter implements ITypeConverter<ModelWorkers> {
    private static final Pattern FORM = Pattern.compile("(threads|processes):(\\d{1,2})");

    @Override
    public ModelWorkers convert(String value) {
      Matcher matcher = FORM.matcher(value);
      if (matcher.matches()) {
        int count = Integer.parseInt(matcher.group(2));
        if (count >= 1 && count <= MAX_COUNT) {
          return new ModelWorkers(Kind.valueOf(matcher.group(1).toUpperCase(Locale.ROOT)), count);
        }
      }
      throw new TypeConversionException(
          "'" + value + "' is not threads:N or processes:N with N from 1 to " + MAX_COUNT);
    }
  }
}
