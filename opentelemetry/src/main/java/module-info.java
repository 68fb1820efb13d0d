/** Shows calls, and the batches that they are part of, in the traces of OpenTelemetry. */
@org.jspecify.annotations.NullMarked
module io.headrace.opentelemetry {
  requires static org.jspecify;
  requires transitive io.headrace;
  requires static io.headrace.process; // for who has worker processes
  requires io.opentelemetry.api;
  requires io.opentelemetry.context;

  exports io.headrace.opentelemetry;
}
