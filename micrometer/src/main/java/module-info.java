/** Shows what happens in batchers, flows, throttles and coalescers to monitoring systems. */
@org.jspecify.annotations.NullMarked
module io.headrace.micrometer {
  requires static org.jspecify;
  requires transitive io.headrace;
  requires micrometer.core;

  exports io.headrace.micrometer;
}
