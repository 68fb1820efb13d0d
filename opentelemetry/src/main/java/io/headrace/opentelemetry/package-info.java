/**
 * Batchers and flows in the traces of OpenTelemetry: {@link
 * io.headrace.opentelemetry.HeadraceTracing}.
 */
@org.jspecify.annotations.NullMarked
package io.headrace.opentelemetry;
