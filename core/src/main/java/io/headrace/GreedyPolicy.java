package io.headrace;

/** Sends what is there. */
record GreedyPolicy(int maxSize) implements BatchPolicy {
  GreedyPolicy {
    Checks.atLeast(1, maxSize, "maxSize");
  }

  @Override
  public Decision decide(QueueState queue) {
    return Decision.send(Math.min(queue.waiting(), maxSize));
  }

  @Override
  public boolean usesArrivalTimes() {
    return false;
  }
}
