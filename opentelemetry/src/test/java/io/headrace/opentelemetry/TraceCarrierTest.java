package io.headrace.opentelemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Flow;
import io.headrace.Handler;
import io.headrace.process.ContextCarrier;
import io.headrace.process.FlowClient;
import io.headrace.process.FlowServer;
import io.headrace.process.HandlerFactory;
import io.headrace.process.WorkerProcesses;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.baggage.Baggage;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.ContextKey;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.testing.junit5.OpenTelemetryExtension;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Traces go on in other processes. */
class TraceCarrierTest {
  @RegisterExtension static final OpenTelemetryExtension OTEL = OpenTelemetryExtension.create();

  /** Answers with what is current around it. */
  public static final class Current implements Handler<String, String> {
    public Current() {}

    @Override
    public List<String> handle(List<String> items) {
      return items.stream().map(_ -> current()).toList();
    }

    private static String current() {
      Span span = Span.current();
      return text(
          span.getSpanContext().getTraceId(),
          span.getSpanContext().getSpanId(),
          Baggage.current().getEntryValue("tenant"));
    }
  }

  private static String text(String traceId, String spanId, String tenant) {
    return traceId + " " + spanId + " " + tenant;
  }

  private static SpanData span(String name) {
    return OTEL.getSpans().stream()
        .filter(span -> span.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static Context caller() {
    Span request = OTEL.getOpenTelemetry().getTracer("test").spanBuilder("request").startSpan();
    return Context.root().with(request).with(Baggage.builder().put("tenant", "blue").build());
  }

  @Test
  void whatElseIsCurrentStays() throws Exception {
    ContextKey<String> key = ContextKey.named("other");
    try (Scope _ = Context.root().with(key, "stays").makeCurrent();
        ContextCarrier.Scope _ = new TraceCarrier().restore(Map.of("baggage", "tenant=blue"))) {
      assertThat(Context.current().get(key)).isEqualTo("stays");
      assertThat(Baggage.current().getEntryValue("tenant")).isEqualTo("blue");
    }
  }

  @Test
  void aHandlerInAWorkerProcessIsInTheTraceOfItsCaller() throws Exception {
    OpenTelemetry openTelemetry = OTEL.getOpenTelemetry();
    // @start region="workers"
    try (Flow<String, String> flow =
        Flow.<String>builder("texts")
            .<String>stepPerWorker(
                "classify",
                HandlerFactory.of(Current.class),
                step ->
                    step.workers(WorkerProcesses.builder(1).propagate(new TraceCarrier()).build()))
            .observer(new HeadraceTracing(openTelemetry))
            .build()
            .start(Duration.ofSeconds(60))) {
      // @end
      try (Scope _ = caller().makeCurrent()) {
        String current = flow.call("hello");
        SpanData execution = span("classify execute");
        assertThat(execution.getTraceId()).isEqualTo(Span.current().getSpanContext().getTraceId());
        assertThat(current).isEqualTo(text(execution.getTraceId(), execution.getSpanId(), "blue"));
      }
      assertThat(flow.call("hello")).isEqualTo(text("0".repeat(32), "0".repeat(16), null));
    }
  }

  @Test
  void aSharedFlowIsInTheTracesOfItsClients(@TempDir Path folder) throws Exception {
    try (Flow<String, String> flow =
            Flow.<String>builder("texts")
                .<String>step("classify", new Current())
                .observer(new HeadraceTracing(OTEL.getOpenTelemetry()))
                .build()
                .start();
        FlowServer server =
            FlowServer.builder(flow, folder.resolve("s")).propagate(new TraceCarrier()).start();
        FlowClient<String, String> client =
            FlowClient.builder(server.path()).propagate(new TraceCarrier()).build();
        Scope _ = caller().makeCurrent()) {
      String current = client.call("hello");
      SpanData execution = span("classify execute");
      assertThat(execution.getTraceId()).isEqualTo(Span.current().getSpanContext().getTraceId());
      assertThat(current).isEqualTo(text(execution.getTraceId(), execution.getSpanId(), "blue"));
      assertThat(span("classify queue").getParentSpanId())
          .isEqualTo(Span.current().getSpanContext().getSpanId());
    }
  }
}
