package io.headrace.process;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How what a {@link ContextCarrier} carries is taken, written, read and put in place. */
final class Contexts {
  private static final ContextCarrier.Scope NOTHING = () -> {};

  private Contexts() {}

  /** What is to travel; empty for nothing. */
  static Map<String, String> captured(@Nullable ContextCarrier carrier) {
    return carrier == null ? Map.of() : Map.copyOf(carrier.capture());
  }

  static void write(Map<String, String> context, ValueWriter out) {
    out.writeInt(context.size());
    context.forEach(
        (name, value) -> {
          out.writeString(name);
          out.writeString(value);
        });
  }

  static Map<String, String> read(ValueReader in) {
    Map<String, String> context = new HashMap<>();
    for (int left = in.readCount(); left > 0; left--) {
      context.put(in.readString(), in.readString());
    }
    return context;
  }

  /** Makes a context that of the calling thread, if there is one and somebody knows how. */
  static ContextCarrier.Scope restored(
      @Nullable ContextCarrier carrier, Map<String, String> context) {
    return carrier == null || context.isEmpty() ? NOTHING : carrier.restore(context);
  }
}
