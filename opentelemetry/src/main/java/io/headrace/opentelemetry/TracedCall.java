package io.headrace.opentelemetry;

import io.headrace.Observer.Outcome;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A call in the context of its caller, on its way. Thread safe. */
final class TracedCall {
  final Context context;

  /** Since when it only waits for steps; null while it is executed. Guarded by this. */
  private @Nullable Instant waitingSince = Instant.now();

  /** By how many branches of a flow it is executed. Guarded by this. */
  private int executions;

  TracedCall(Context context) {
    this.context = context;
  }

  synchronized void executed() {
    executions++;
    waitingSince = null;
  }

  synchronized void waits() {
    if (--executions == 0) {
      waitingSince = Instant.now();
    }
  }

  private synchronized @Nullable Instant waitingSince() {
    return waitingSince;
  }

  /** Nobody executes it anymore: if it was waiting, nothing else shows for what. */
  void left(Tracer tracer, String service, Outcome outcome) {
    Instant since = waitingSince();
    if (since == null || outcome == Outcome.COMPLETED || outcome == Outcome.FAILED) {
      return;
    }
    String reason = outcome.name().toLowerCase(Locale.ROOT);
    SpanBuilder span =
        tracer
            .spanBuilder(service + " queue")
            .setParent(context)
            .setStartTimestamp(since)
            .setAttribute(BatchSpans.SERVICE, service)
            .setAttribute(BatchSpans.OUTCOME, reason);
    span.startSpan().setStatus(StatusCode.ERROR, reason + " while it waited").end();
  }
}
