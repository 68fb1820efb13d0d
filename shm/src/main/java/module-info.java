/**
 * Memory that the processes of one host share, and ways to hand it over. Depends on the JDK alone.
 */
@org.jspecify.annotations.NullMarked
module io.headrace.shm {
  requires static org.jspecify;

  exports io.headrace.shm;
}
