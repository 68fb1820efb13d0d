package io.headrace;

import java.util.function.BooleanSupplier;

/** Waits without a pause for what another thread does; the timeout of a test ends it. */
final class Spin {
  private Spin() {}

  static void until(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      if (Thread.currentThread().isInterrupted()) {
        throw new AssertionError("interrupted while it waited");
      }
      Thread.onSpinWait();
    }
  }
}
