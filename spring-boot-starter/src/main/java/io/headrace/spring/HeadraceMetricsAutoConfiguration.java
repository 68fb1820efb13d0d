package io.headrace.spring;

import io.headrace.Coalescer;
import io.headrace.Throttle;
import io.headrace.micrometer.HeadraceMetrics;
import io.headrace.spring.HeadraceLifecycle.PartListener;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

/** Meters of all parts, if there is a registry for them. */
@AutoConfiguration(
    after = HeadraceAutoConfiguration.class,
    afterName =
        "org.springframework.boot.micrometer.metrics.autoconfigure."
            + "CompositeMeterRegistryAutoConfiguration")
@ConditionalOnClass({HeadraceMetrics.class, MeterRegistry.class})
@ConditionalOnBean(MeterRegistry.class)
final class HeadraceMetricsAutoConfiguration {
  /** As an observer among the beans it is told of every batcher and flow. */
  @Bean
  @ConditionalOnMissingBean
  HeadraceMetrics headraceMetrics(MeterRegistry registry) {
    return new HeadraceMetrics(registry);
  }

  @Bean
  PartListener headraceMetricsBinder(HeadraceMetrics metrics, HeadraceBuilders builders) {
    return part -> {
      if (part.object() instanceof Throttle throttle) {
        metrics.bind(part.name(), throttle);
      } else if (part.object() instanceof Coalescer<?, ?> coalescer) {
        CoalescerWatch watch = builders.watch(coalescer.name());
        if (watch != null) {
          metrics.bind(coalescer.name(), coalescer, watch.statistics());
        }
      }
    };
  }
}
