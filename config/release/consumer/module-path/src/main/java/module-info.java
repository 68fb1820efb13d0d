/** A program on the module path. */
module shop {
  requires io.headrace;
  requires io.headrace.micrometer;
  requires io.headrace.opentelemetry;
  requires io.headrace.process;
  requires io.headrace.testkit;
  requires io.opentelemetry.api;
  requires micrometer.core;

  exports shop;
}
