/** Virtual time and hand-stepped workers: for tests of Headrace and of what is built with it. */
@org.jspecify.annotations.NullMarked
module io.headrace.testkit {
  requires transitive io.headrace;
  requires static org.jspecify;

  exports io.headrace.testkit;
}
