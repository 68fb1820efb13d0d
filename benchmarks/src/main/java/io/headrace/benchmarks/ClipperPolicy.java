package io.headrace.benchmarks;

import io.headrace.LearningPolicy;
import io.headrace.QueueState;
import java.time.Duration;

/**
 * Clipper's adaptive batching: Crankshaw et al., Clipper, NSDI 2017, section 4.3. The maximum size
 * of a batch grows by a fixed amount as long as batches keep within the latency objective, and
 * shrinks by a tenth when one does not; a worker that is idle takes what is there up to the maximum
 * (the delay for batches that are not full is off unless asked for). The paper names no amount: it
 * is 1 here.
 */
final class ClipperPolicy implements LearningPolicy {
  private static final double BACK_OFF = 0.9;

  private final int largest;
  private final long objectiveNanos;
  private int limit = 1;

  ClipperPolicy(int largest, Duration objective) {
    this.largest = largest;
    objectiveNanos = objective.toNanos();
  }

  @Override
  public LearningPolicy forQueue() {
    return new ClipperPolicy(largest, Duration.ofNanos(objectiveNanos));
  }

  @Override
  public int maxSize() {
    return largest;
  }

  @Override
  public Decision decide(QueueState queue) {
    return Decision.send(Math.min(queue.waiting(), limit));
  }

  @Override
  public void handled(int size, long handleNanos) {
    if (handleNanos > objectiveNanos) {
      limit = Math.max(1, (int) (limit * BACK_OFF));
    } else if (size >= limit) {
      limit = Math.min(limit + 1, largest);
    }
  }
}
