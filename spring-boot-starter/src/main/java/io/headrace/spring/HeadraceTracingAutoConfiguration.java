package io.headrace.spring;

import io.headrace.opentelemetry.HeadraceTracing;
import io.opentelemetry.api.OpenTelemetry;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;

/** Spans of all batchers and flows, if there is one bean that takes them, or a primary one. */
@AutoConfiguration(
    after = HeadraceAutoConfiguration.class,
    afterName =
        "org.springframework.boot.opentelemetry.autoconfigure.OpenTelemetrySdkAutoConfiguration")
@ConditionalOnClass({HeadraceTracing.class, OpenTelemetry.class})
@ConditionalOnSingleCandidate(OpenTelemetry.class)
@ConditionalOnBooleanProperty(name = "headrace.tracing", matchIfMissing = true)
final class HeadraceTracingAutoConfiguration {
  /** As an observer among the beans it is told of every batcher and flow. */
  @Bean
  @ConditionalOnMissingBean
  HeadraceTracing headraceTracing(OpenTelemetry openTelemetry) {
    return new HeadraceTracing(openTelemetry);
  }
}
