package io.headrace.process;

import org.awaitility.Awaitility;

/** What a test must not leave behind. */
final class Leftovers {
  private Leftovers() {}

  static void awaitNone() {
    Awaitility.await("the ends of all worker processes")
        .until(() -> ProcessHandle.current().children().findAny().isEmpty());
    Awaitility.await("all shared memory to be given back")
        .until(
            () -> {
              System.gc();
              return Memories.ALL.count() == 0;
            });
  }
}
