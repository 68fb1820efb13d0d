package io.headrace.opentelemetry;

import io.headrace.process.ContextCarrier;
import io.opentelemetry.api.baggage.propagation.W3CBaggagePropagator;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.context.propagation.TextMapPropagator;
import java.util.HashMap;
import java.util.Map;

/**
 * Carries the current span and its baggage into other processes, as <a
 * href="https://www.w3.org/TR/trace-context/">W3C Trace Context</a> and <a
 * href="https://www.w3.org/TR/baggage/">Baggage</a> say.
 *
 * {@snippet class="io.headrace.opentelemetry.TraceCarrierTest" region="workers"}
 *
 * <p>With {@link HeadraceTracing} as observer of the flow, spans that the handler makes in a worker
 * process belong to the execution of its batch. Of a flow that is shared through a socket the
 * client carries the span of the caller and the server submits within it.
 *
 * <p>The SDK of each process is configured there, such as by an agent among the {@link
 * io.headrace.process.WorkerProcessesBuilder#jvmOptions options of its JVM}. Needs the module
 * {@code headrace-process}. Thread safe; nothing blocks.
 */
public record TraceCarrier() implements ContextCarrier {
  private static final TextMapPropagator PROPAGATOR =
      TextMapPropagator.composite(
          W3CTraceContextPropagator.getInstance(), W3CBaggagePropagator.getInstance());

  private static final TextMapGetter<Map<String, String>> GETTER =
      (context, key) -> context == null ? null : context.get(key);

  /** Makes a carrier; all are the same. */
  public TraceCarrier {}

  @Override
  public Map<String, String> capture() {
    Map<String, String> context = new HashMap<>();
    PROPAGATOR.inject(Context.current(), context, (_, name, value) -> context.put(name, value));
    return context;
  }

  @Override
  @SuppressWarnings("MustBeClosedChecker") // whoever restores closes
  public Scope restore(Map<String, String> context) {
    return PROPAGATOR.extract(Context.current(), context, GETTER).makeCurrent()::close;
  }
}
