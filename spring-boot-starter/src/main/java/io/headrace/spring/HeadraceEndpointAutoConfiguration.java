package io.headrace.spring;

import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.context.annotation.Bean;

/** The endpoint of the actuator, if that is there. */
@AutoConfiguration(after = HeadraceAutoConfiguration.class)
@ConditionalOnClass({Endpoint.class, ConditionalOnAvailableEndpoint.class})
final class HeadraceEndpointAutoConfiguration {
  @Bean
  @ConditionalOnAvailableEndpoint(HeadraceEndpoint.class)
  HeadraceEndpoint headraceEndpoint(
      HeadraceLifecycle lifecycle, HeadraceBuilders builders, PropertyRefresh refresh) {
    return new HeadraceEndpoint(new Snapshots(lifecycle, builders), refresh);
  }
}
