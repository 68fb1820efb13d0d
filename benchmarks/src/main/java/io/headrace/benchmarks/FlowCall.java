package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;

/** An item on its way through the steps, and the future of its result in one object. */
final class FlowCall extends CompletableFuture<Integer> {
  private final Integer item;
  private final int expectedSteps;

  /** Written by the step that has the call; queues between the steps publish it. */
  private int steps;

  FlowCall(Integer item, int expectedSteps) {
    this.item = item;
    this.expectedSteps = expectedSteps;
  }

  FlowCall step() {
    steps++;
    return this;
  }

  void finish() {
    check(item, steps, expectedSteps);
    complete(item);
  }

  /** Throws if an item has left out steps, so that nothing is measured that does too little. */
  static void check(Integer item, int steps, int expectedSteps) {
    if (steps != expectedSteps) {
      throw new IllegalStateException(
          steps + " steps of " + expectedSteps + " were done for item " + item);
    }
  }
}
