package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Carries what belongs to the calling thread over to the threads of a {@link Run}: scoped values,
 * the diagnostic context of a logger, the current span of a tracer.
 *
 * {@snippet class="io.headrace.RunSnippetsTest" region="propagation"}
 *
 * <p>Thread safe if what it is made of is.
 */
@FunctionalInterface
public interface ContextPropagation {
  /**
   * Takes what is to be carried. Called once per run, on the thread that starts it; what it throws
   * is thrown there.
   *
   * @return what was taken
   */
  Captured capture();

  /** What was taken from the thread that started a run. */
  @FunctionalInterface
  interface Captured {
    /**
     * Runs a body once, on the calling thread, with the context around it, and puts the thread back
     * to what it was. Called for each task, on several threads at the same time. What it throws
     * fails the task.
     *
     * @param body the task; it throws nothing
     */
    void run(Runnable body);
  }

  /**
   * Carries both; this one is the outer one.
   *
   * @param inner the other
   * @return both
   */
  default ContextPropagation and(ContextPropagation inner) {
    requireNonNull(inner, "inner");
    return () -> {
      Captured outerCaptured = requireNonNull(capture(), "captured");
      Captured innerCaptured = requireNonNull(inner.capture(), "captured");
      return body -> outerCaptured.run(() -> innerCaptured.run(body));
    };
  }

  /**
   * Carries the bindings of these scoped values; those without a binding stay without one. Java
   * hands scoped values down to threads by itself only in structured task scopes, and there is no
   * way to ask for all bindings of a thread, so they have to be named here.
   *
   * @param values the scoped values
   * @return carries them
   */
  static ContextPropagation scopedValues(ScopedValue<?>... values) {
    List<ScopedValue<?>> named = List.of(requireNonNull(values, "values"));
    return () -> {
      ScopedValue.@Nullable Carrier carrier = null;
      for (ScopedValue<?> value : named) {
        carrier = bound(carrier, value);
      }
      return carrier == null ? Runnable::run : carrier::run;
    };
  }

  private static <T> ScopedValue.@Nullable Carrier bound(
      ScopedValue.@Nullable Carrier carrier, ScopedValue<T> value) {
    if (!value.isBound()) {
      return carrier;
    }
    return carrier == null
        ? ScopedValue.where(value, value.get())
        : carrier.where(value, value.get());
  }

  /**
   * Carries a value that is read and set per thread: a thread local, or the diagnostic context of a
   * logger. Each task begins with the value of the thread that started the run; what it changes is
   * gone after it.
   *
   * @param get reads the value of the calling thread, such as {@code MDC::getCopyOfContextMap}
   * @param set sets the value of the calling thread, such as {@code MDC::setContextMap}; it is also
   *     given what {@code get} returned before
   * @return carries it
   * @param <C> the type of the value
   */
  static <C extends @Nullable Object> ContextPropagation threadLocal(
      Supplier<? extends C> get, Consumer<? super C> set) {
    requireNonNull(get, "get");
    requireNonNull(set, "set");
    return () -> {
      C captured = get.get();
      return body -> {
        C earlier = get.get();
        set.accept(captured);
        try {
          body.run();
        } finally {
          set.accept(earlier);
        }
      };
    };
  }
}
