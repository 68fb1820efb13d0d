/** Batchers, flows, throttles and coalescers as beans of Spring Boot. */
@org.jspecify.annotations.NullMarked
module io.headrace.spring {
  requires static org.jspecify;
  requires transitive io.headrace;
  requires spring.aop;
  requires spring.beans;
  requires spring.boot;
  requires spring.boot.autoconfigure;
  requires spring.context;
  requires spring.core;
  requires spring.expression;
  requires static com.fasterxml.jackson.annotation;
  requires static io.headrace.micrometer;
  requires static io.headrace.opentelemetry;
  requires static io.opentelemetry.api;
  requires static micrometer.core;
  requires static org.reactivestreams;
  requires static reactor.core;
  requires static spring.boot.actuator;
  requires static spring.boot.actuator.autoconfigure;
  requires static spring.boot.health;

  exports io.headrace.spring;

  // Spring makes beans of its classes and binds properties to its records.
  opens io.headrace.spring;
}
