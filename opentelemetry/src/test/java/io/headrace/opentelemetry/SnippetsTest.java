package io.headrace.opentelemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import io.headrace.Flow;
import io.headrace.Handler;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.testing.junit5.OpenTelemetryExtension;
import io.opentelemetry.sdk.trace.data.SpanData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The examples of the Javadoc and of docs/observing.md, compiled and executed. */
class SnippetsTest {
  @RegisterExtension static final OpenTelemetryExtension OTEL = OpenTelemetryExtension.create();

  private final Handler<String, Integer> model = Handler.each(String::length);
  private final OpenTelemetry openTelemetry = OTEL.getOpenTelemetry();

  @Test
  void tracing() throws Exception {
    // @start region="tracing"
    Flow<String, Integer> flow =
        Flow.<String>builder("texts")
            .step("tokens", model, step -> step.batch(BatchPolicy.greedy(64)))
            .observer(new HeadraceTracing(openTelemetry))
            .build()
            .start();
    // @end
    Span request = openTelemetry.getTracer("test").spanBuilder("request").startSpan();
    try (Scope _ = request.makeCurrent()) {
      flow.call("hello");
    }
    flow.close();
    assertThat(OTEL.getSpans())
        .extracting(SpanData::getName)
        .containsExactlyInAnyOrder("tokens queue", "tokens batch", "tokens execute");
  }
}
