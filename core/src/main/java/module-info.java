/**
 * Puts batching, queues, limits and pipelines between many concurrent callers and a scarce worker.
 * Depends on the JDK alone.
 */
@org.jspecify.annotations.NullMarked
module io.headrace {
  requires static org.jspecify;
  requires jdk.jfr;

  exports io.headrace;
}
