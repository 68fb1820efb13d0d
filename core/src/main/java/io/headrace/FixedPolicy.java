package io.headrace;

import java.time.Duration;

/** Sends a full batch, or what is there when the oldest item has waited for the delay. */
record FixedPolicy(int maxSize, long maxDelayNanos) implements BatchPolicy {
  FixedPolicy {
    Checks.atLeast(1, maxSize, "maxSize");
    if (maxSize == 1 && maxDelayNanos > 0) {
      throw new IllegalArgumentException(
          "maxDelay is "
              + Duration.ofNanos(maxDelayNanos)
              + ", it has to be zero for batches of one item, which are full at once");
    }
  }

  @Override
  public String toString() {
    return "FixedPolicy[maxSize=" + maxSize + ", maxDelay=" + Duration.ofNanos(maxDelayNanos) + "]";
  }

  @Override
  public Decision decide(QueueState queue) {
    if (queue.waiting() >= maxSize) {
      return Decision.send(maxSize);
    }
    long sendAt = queue.oldestArrivalNanos() + maxDelayNanos;
    return queue.nowNanos() - sendAt >= 0
        ? Decision.send(queue.waiting())
        : Decision.lookAgain(sendAt, maxSize);
  }
}
