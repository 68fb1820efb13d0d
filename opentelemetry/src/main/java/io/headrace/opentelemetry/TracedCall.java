package io.headrace.opentelemetry;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import io.headrace.Observer.Outcome;
import io.headrace.TimeSource;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.util.Locale;

/** A call in the context of its caller, on its way. Thread safe. */
final class TracedCall {
  final Context context;

  /** Since when it only waits for steps, by the clock of durations. Guarded by this. */
  private long waitingSinceNanos = TimeSource.system().nanoTime();

  /** By how many branches of a flow it is executed. Guarded by this. */
  private int executions;

  TracedCall(Context context) {
    this.context = context;
  }

  synchronized void executed() {
    executions++;
  }

  synchronized void waits() {
    if (--executions == 0) {
      waitingSinceNanos = TimeSource.system().nanoTime();
    }
  }

  /** How long it has waited now; negative while it is executed. */
  private synchronized long waitedNanos() {
    return executions == 0 ? TimeSource.system().nanoTime() - waitingSinceNanos : -1;
  }

  /**
   * Nobody executes it anymore: if it was waiting, nothing else shows for what. The start of the
   * span is told by its end: two readings of a clock that is set meanwhile might be in the wrong
   * order, and so might two clocks, such as that of a span which is not told its end.
   */
  void left(Tracer tracer, String service, Outcome outcome) {
    long waitedNanos = waitedNanos();
    if (waitedNanos < 0 || outcome == Outcome.COMPLETED || outcome == Outcome.FAILED) {
      return;
    }
    long nowNanos = BatchSpans.nowEpochNanos();
    String reason = outcome.name().toLowerCase(Locale.ROOT);
    SpanBuilder span =
        tracer
            .spanBuilder(service + " queue")
            .setParent(context)
            .setStartTimestamp(nowNanos - waitedNanos, NANOSECONDS)
            .setAttribute(BatchSpans.SERVICE, service)
            .setAttribute(BatchSpans.OUTCOME, reason);
    span.startSpan()
        .setStatus(StatusCode.ERROR, reason + " while it waited")
        .end(nowNanos, NANOSECONDS);
  }
}
