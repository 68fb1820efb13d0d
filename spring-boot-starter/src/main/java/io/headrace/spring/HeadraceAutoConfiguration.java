package io.headrace.spring;

import io.headrace.Flow;
import io.headrace.Observer;
import io.headrace.spring.HeadraceLifecycle.PartListener;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.thread.Threading;
import org.springframework.context.ApplicationEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;

/** The life cycle of parts, and the properties of their builders. */
@AutoConfiguration
@ConditionalOnClass(Flow.class)
@EnableConfigurationProperties(HeadraceProperties.class)
final class HeadraceAutoConfiguration {
  private static final String REFRESHED =
      "org.springframework.cloud.context.environment.EnvironmentChangeEvent";

  @Bean
  HeadraceBuilders headraceBuilders(
      HeadraceProperties properties,
      ObjectProvider<HeadraceCustomizer> customizers,
      Environment environment) {
    return new HeadraceBuilders(properties, customizers, Threading.VIRTUAL.isActive(environment));
  }

  @Bean
  HeadraceLifecycle headraceLifecycle(
      ConfigurableApplicationContext context,
      HeadraceProperties properties,
      HeadraceBuilders builders,
      ObjectProvider<Observer> observers,
      ObjectProvider<PartListener> listeners) {
    return new HeadraceLifecycle(context, properties, observers, listeners, builders);
  }

  /** Static, for it has to be there before all other beans. */
  @Bean
  static PartBeans headracePartBeans(
      ConfigurableBeanFactory beans, ObjectProvider<HeadraceLifecycle> lifecycle) {
    return new PartBeans(beans, lifecycle);
  }

  @Bean
  MethodReader headraceMethodReader(
      BeanFactory beans, HeadraceBuilders builders, HeadraceLifecycle lifecycle) {
    return new MethodReader(beans, builders, lifecycle);
  }

  @Bean
  static AnnotatedBeans headraceAnnotatedBeans(
      ConfigurableBeanFactory beans, ObjectProvider<MethodReader> reader) {
    return new AnnotatedBeans(beans, reader);
  }

  @Bean
  PropertyRefresh headracePropertyRefresh(
      Environment environment, HeadraceProperties properties, HeadraceLifecycle lifecycle) {
    return new PropertyRefresh(environment, properties, lifecycle);
  }

  /**
   * Spring Cloud tells so that properties have changed, for instance after a POST to /refresh.
   * Known by its name alone: its jar has no name for the module path.
   */
  @Bean
  @ConditionalOnClass(name = REFRESHED)
  ApplicationListener<ApplicationEvent> headraceRefreshListener(PropertyRefresh refresh) {
    return event -> {
      if (event.getClass().getName().equals(REFRESHED)) {
        refresh.refresh();
      }
    };
  }
}
