package io.headrace;

import java.util.function.Function;

/** A policy that is one function of the queue. */
record Deciding(int maxSize, Function<QueueState, Decision> decision) implements BatchPolicy {
  @Override
  public Decision decide(QueueState queue) {
    return decision.apply(queue);
  }

  @Override
  public String toString() {
    return "a policy";
  }
}
