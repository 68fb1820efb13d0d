package io.headrace.spring;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.Flow;
import io.headrace.opentelemetry.HeadraceTracing;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** Flows among the beans have spans if there is something that takes them. */
class TracingTest {
  private final InMemorySpanExporter spans = InMemorySpanExporter.create();

  private final OpenTelemetrySdk sdk =
      OpenTelemetrySdk.builder()
          .setTracerProvider(
              SdkTracerProvider.builder()
                  .addSpanProcessor(SimpleSpanProcessor.create(spans))
                  .build())
          .build();

  private final ApplicationContextRunner runner =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  HeadraceAutoConfiguration.class, HeadraceTracingAutoConfiguration.class));

  @Test
  @SuppressWarnings("unchecked")
  void callsAreInTheTracesOfTheirCallers() {
    Span request = sdk.getTracer("test").spanBuilder("request").startSpan();
    runner
        .withBean(OpenTelemetry.class, () -> sdk)
        .withBean(
            "flow",
            Flow.class,
            () -> Flow.<Integer>builder("flow").step("step", items -> items).build())
        .run(
            context -> {
              Flow<Integer, Integer> flow = context.getBean(Flow.class);
              try (Scope _ = request.makeCurrent()) {
                assertThat(flow.call(1)).isEqualTo(1);
              }
              flow.close(); // which ends the last span
              assertThat(spans.getFinishedSpanItems())
                  .extracting(SpanData::getName)
                  .contains("step queue", "step batch", "step execute");
              assertThat(spans.getFinishedSpanItems())
                  .extracting(SpanData::getTraceId)
                  .containsOnly(request.getSpanContext().getTraceId());
            });
  }

  @Test
  void theyAreOffWithoutABeanOrTheLibraryOrIfThatIsSaid() {
    runner.run(context -> assertThat(context).doesNotHaveBean(HeadraceTracing.class));
    ApplicationContextRunner both = runner.withBean(OpenTelemetry.class, () -> sdk);
    both.run(context -> assertThat(context).hasSingleBean(HeadraceTracing.class));
    both.withPropertyValues("headrace.tracing=false")
        .run(context -> assertThat(context).doesNotHaveBean(HeadraceTracing.class));
    runner
        .withClassLoader(new FilteredClassLoader(HeadraceTracing.class, OpenTelemetry.class))
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void ofSeveralBeansThePrimaryOneTakesThem() {
    ApplicationContextRunner two = runner.withBean("one", OpenTelemetry.class, () -> sdk);
    two.withBean("other", OpenTelemetry.class, OpenTelemetry::noop)
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(HeadraceTracing.class));
    two.withBean(
            "other",
            OpenTelemetry.class,
            OpenTelemetry::noop,
            definition -> definition.setPrimary(true))
        .run(context -> assertThat(context).hasSingleBean(HeadraceTracing.class));
  }

  @Test
  void oneOfOnesOwnTakesTheirPlace() {
    HeadraceTracing own = new HeadraceTracing(sdk);
    runner
        .withBean(OpenTelemetry.class, () -> sdk)
        .withBean("own", HeadraceTracing.class, () -> own)
        .run(context -> assertThat(context.getBean(HeadraceTracing.class)).isSameAs(own));
  }
}
