package io.headrace.opentelemetry;

import static java.util.Objects.requireNonNull;

import io.headrace.Observer;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import org.jspecify.annotations.Nullable;

/**
 * Shows what becomes of calls to batchers and flows as spans of OpenTelemetry, in the traces of
 * their callers.
 *
 * {@snippet class="io.headrace.opentelemetry.SnippetsTest" region="tracing"}
 *
 * <p>What was current on the thread that submitted a call, its {@link Context}, goes with the call
 * to the threads of all steps. For each batch there are
 *
 * <ul>
 *   <li>a span <i>step</i>{@code queue} for each item, from its arrival at the step until its batch
 *       was formed, or from the end of its last execution until the next one of a batch that
 *       failed, a child of the span of its caller, with a link to the span of the batch;
 *   <li>a span <i>step</i>{@code batch}, from the begin of the longest wait until the results were
 *       there, with a link to the queue span of each item;
 *   <li>in it a span <i>step</i>{@code execute} for the time in the handler, which is current while
 *       the handler runs: what it calls, and what it logs, belongs to it. If the handler failed as
 *       a whole the exception is recorded there.
 * </ul>
 *
 * <p>A call that is refused, or that times out or is cancelled while it waits for a step, and no
 * branch of the flow executes it, has a span <i>service</i>{@code queue} for that time, with the
 * status of an error.
 *
 * <p>A batch with items of several traces cannot be a part of all. It is a part of that of its
 * first item that is sampled, and so it is recorded whenever one of its items is; the others lead
 * to it through links. The rest of a caller's context, such as baggage, is current in the handler
 * only if all items have the same context: one tenant's baggage does not travel with another's
 * requests.
 *
 * <p>Calls of threads without a context have no spans, and warm-ups have none. Attributes: {@code
 * headrace.service}, {@code headrace.step}, of a batch {@code headrace.batch.size} and {@code
 * headrace.batch.failed}, and {@code headrace.outcome} of a call that was not executed: {@code
 * rejected}, {@code timed_out} or {@code cancelled}. The SDK keeps 128 links of a span, unless its
 * span limits say otherwise; items beyond have a link from their queue span only. The context of an
 * asynchronous handler is that of the thread that calls it. A {@link TraceCarrier} carries it into
 * worker processes.
 *
 * <p><b>Thread safety.</b> Any thread may call any method. None blocks, if the span processors of
 * the SDK do not. One instance serves any number of batchers and flows.
 */
public final class HeadraceTracing implements Observer {
  private final Tracer tracer;

  /**
   * Makes spans with the tracer {@code io.headrace}.
   *
   * @param openTelemetry where the tracer is from, such as {@code GlobalOpenTelemetry.get()}
   */
  public HeadraceTracing(OpenTelemetry openTelemetry) {
    tracer = requireNonNull(openTelemetry, "openTelemetry").getTracer("io.headrace");
  }

  @Override
  public @Nullable Object onSubmit(String service) {
    Context context = Context.current();
    return context.equals(Context.root()) ? null : new TracedCall(context);
  }

  @Override
  public void onCallEnd(String service, Outcome outcome, long nanos, @Nullable Object call) {
    if (call instanceof TracedCall traced) {
      traced.left(tracer, service, outcome);
    }
  }

  @Override
  public Execution onExecute(ExecuteEvent batch) {
    return BatchSpans.start(tracer, batch);
  }
}
