package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;

/** An item on its way through three steps, and the future of its result in one object. */
final class FlowCall extends CompletableFuture<Integer> {
  private final Integer item;

  /** Written by the step that has the call; queues between the steps publish it. */
  private int steps;

  FlowCall(Integer item) {
    this.item = item;
  }

  FlowCall step() {
    steps++;
    return this;
  }

  void finish() {
    if (steps != 3) {
      throw new IllegalStateException(steps + " steps of 3 were done for item " + item);
    }
    complete(item);
  }
}
