/**
 * Headrace in Spring Boot: beans that are started and drained with the context, options as
 * properties, annotations for methods, health, meters and an endpoint of the actuator.
 */
@org.jspecify.annotations.NullMarked
package io.headrace.spring;
