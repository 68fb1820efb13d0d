/**
 * Meters of batchers, flows, throttles and coalescers for Micrometer, and so for Prometheus, OTLP
 * and others: {@link io.headrace.micrometer.HeadraceMetrics}. For those who come from aqueduct, its
 * metrics for StatsD: {@link io.headrace.micrometer.AqueductStatsd}.
 */
@org.jspecify.annotations.NullMarked
package io.headrace.micrometer;
