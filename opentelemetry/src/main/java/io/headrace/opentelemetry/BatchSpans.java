package io.headrace.opentelemetry;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import io.headrace.Observer;
import io.headrace.Observer.BatchEvent;
import io.headrace.Observer.ExecuteEvent;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The spans of one execution of a batch. What has happened before it is told as durations, so all
 * spans are placed around the moment at which the handler is called: they neither overlap nor leave
 * gaps, whatever the clocks do.
 */
final class BatchSpans implements Observer.Execution {
  static final AttributeKey<String> SERVICE = AttributeKey.stringKey("headrace.service");
  static final AttributeKey<String> OUTCOME = AttributeKey.stringKey("headrace.outcome");
  private static final AttributeKey<String> STEP = AttributeKey.stringKey("headrace.step");
  private static final AttributeKey<Long> SIZE = AttributeKey.longKey("headrace.batch.size");
  private static final AttributeKey<Long> FAILED = AttributeKey.longKey("headrace.batch.failed");

  private final List<TracedCall> calls;
  private final long executedEpochNanos;
  private final Span batch;
  private final Span execution;
  private final Scope scope;

  private BatchSpans(
      List<TracedCall> calls, long executedEpochNanos, Span batch, Span execution, Scope scope) {
    this.calls = calls;
    this.executedEpochNanos = executedEpochNanos;
    this.batch = batch;
    this.execution = execution;
    this.scope = scope;
  }

  @SuppressWarnings("MustBeClosedChecker") // onReturn closes the scope
  static BatchSpans start(Tracer tracer, ExecuteEvent event) {
    long nowNanos = nowEpochNanos();
    List<TracedCall> calls = calls(event);
    calls.forEach(TracedCall::executed);
    List<Span> queues = queueSpans(tracer, event, nowNanos);
    Context parent = parent(calls);
    long oldestNanos = Arrays.stream(event.queueNanos()).max().orElse(0);
    SpanBuilder builder = span(tracer, event, "batch", parent, nowNanos - oldestNanos);
    queues.forEach(queue -> builder.addLink(queue.getSpanContext()));
    Span batch = builder.setAttribute(SIZE, (long) event.calls().size()).startSpan();
    for (Span queue : queues) {
      queue.addLink(batch.getSpanContext());
      queue.end(nowNanos, NANOSECONDS);
    }
    Span execution = span(tracer, event, "execute", parent.with(batch), nowNanos).startSpan();
    Scope scope = carried(event).with(execution).makeCurrent();
    return new BatchSpans(calls, nowNanos, batch, execution, scope);
  }

  static long nowEpochNanos() {
    Instant now = Instant.now();
    return Math.addExact(now.getEpochSecond() * 1_000_000_000L, now.getNano());
  }

  /** Those that are traced. */
  private static List<TracedCall> calls(ExecuteEvent event) {
    return event.calls().stream()
        .filter(TracedCall.class::isInstance)
        .map(TracedCall.class::cast)
        .toList();
  }

  private static List<Span> queueSpans(Tracer tracer, ExecuteEvent event, long nowNanos) {
    List<Span> queues = new ArrayList<>();
    for (int i = 0; i < event.calls().size(); i++) {
      if (event.calls().get(i) instanceof TracedCall call) {
        long arrivalNanos = nowNanos - event.queueNanos()[i];
        queues.add(span(tracer, event, "queue", call.context, arrivalNanos).startSpan());
      }
    }
    return queues;
  }

  private static SpanBuilder span(
      Tracer tracer, ExecuteEvent event, String phase, Context parent, long startEpochNanos) {
    return tracer
        .spanBuilder(event.step() + " " + phase)
        .setParent(parent)
        .setStartTimestamp(startEpochNanos, NANOSECONDS)
        .setAttribute(SERVICE, event.service())
        .setAttribute(STEP, event.step());
  }

  /** The first context that is sampled, or else the first. */
  private static Context parent(List<TracedCall> calls) {
    return calls.stream()
        .map(call -> call.context)
        .filter(context -> Span.fromContext(context).getSpanContext().isSampled())
        .findFirst()
        .orElse(calls.getFirst().context);
  }

  /** What all items have in common. */
  private static Context carried(ExecuteEvent event) {
    Context first = context(event.calls().getFirst());
    boolean isCommon = event.calls().stream().allMatch(call -> context(call).equals(first));
    return isCommon ? first : Context.root();
  }

  private static Context context(@Nullable Object call) {
    return call instanceof TracedCall traced ? traced.context : Context.root();
  }

  @Override
  public void onReturn() {
    scope.close();
  }

  @Override
  public void onBatch(BatchEvent event, @Nullable Throwable failure) {
    calls.forEach(TracedCall::waits); // for the next step, or the end
    if (failure != null) {
      execution.recordException(failure);
      execution.setStatus(StatusCode.ERROR);
    }
    if (event.failed() > 0) {
      batch.setStatus(StatusCode.ERROR, event.failed() + " of " + event.size() + " items failed");
    }
    batch.setAttribute(FAILED, (long) event.failed());
    long endEpochNanos = executedEpochNanos + event.handleNanos();
    execution.end(endEpochNanos, NANOSECONDS);
    batch.end(endEpochNanos, NANOSECONDS);
  }
}
