package io.headrace.spring;

import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.CompositeHealthContributor;
import org.springframework.context.annotation.Bean;

/** The health of each batcher and flow, if health is asked for. */
@AutoConfiguration(after = HeadraceAutoConfiguration.class)
@ConditionalOnClass({CompositeHealthContributor.class, ConditionalOnEnabledHealthIndicator.class})
final class HeadraceHealthAutoConfiguration {
  @Bean
  @ConditionalOnEnabledHealthIndicator("headrace")
  CompositeHealthContributor headraceHealthContributor(HeadraceLifecycle lifecycle) {
    return new FlowHealth(lifecycle);
  }
}
