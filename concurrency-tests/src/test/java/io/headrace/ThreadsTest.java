package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.junit.jupiter.api.Test;

/** What the scenarios share is explored: a race is found. */
class ThreadsTest {
  private static final class Count {
    private int value;

    void increment() {
      value++;
    }
  }

  /** The parts of what is named are shared as well. */
  private static final class Whole {
    private final Count part = new Count();
  }

  @Test
  void aLostUpdateIsFound() {
    assertThrows(
        LincheckAssertionError.class,
        () ->
            Depth.explore(
                () -> {
                  Whole whole = new Whole();
                  Threads.run(List.of(whole), whole.part::increment, whole.part::increment);
                  assertEquals(2, whole.part.value);
                }));
  }
}
