/** Runs the handlers of steps in processes of their own. */
@org.jspecify.annotations.NullMarked
module io.headrace.process {
  requires static org.jspecify;
  requires java.logging;
  requires jdk.net;
  requires transitive io.headrace;
  requires io.headrace.shm;

  exports io.headrace.process;
}
