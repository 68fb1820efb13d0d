package io.headrace.benchmarks;

import io.headrace.LearningPolicy;
import io.headrace.QueueState;
import java.util.Random;

/**
 * TensorFlow's adaptive shared batch scheduler (adaptive_shared_batch_scheduler.h) with its
 * defaults: at most 10 batches wait, more are refused. What it adapts is how many batches run at
 * once, beginning with 3 and at most as many as there are workers: every 1000 batches it moves the
 * limit, by an eighth to a 128th, in the direction that has lowered the average latency. A fraction
 * of the limit is a probability. Below the limit nothing waits.
 */
final class TensorFlowPolicy implements LearningPolicy {
  private static final int MAX_ENQUEUED_BATCHES = 10;
  private static final double INITIAL_LIMIT = 3;
  private static final int BATCHES_TO_AVERAGE = 1000;
  private static final double LARGEST_STEP = 1.0 / 8;
  private static final double SMALLEST_STEP = 1.0 / 128;
  private static final long SEED = 1;

  private final int largest;
  private final int workers;
  private final Random random = new Random(SEED);
  private double limit;
  private int running;
  private int batches;
  private double latencySum;
  private double lastAverage;
  private boolean lastDecreased;
  private int direction = 1;
  private double step = LARGEST_STEP;

  TensorFlowPolicy(int largest, int workers) {
    this.largest = largest;
    this.workers = workers;
    limit = Math.min(INITIAL_LIMIT, workers);
  }

  @Override
  public LearningPolicy forQueue() {
    return new TensorFlowPolicy(largest, workers);
  }

  @Override
  public int maxSize() {
    return largest;
  }

  @Override
  public Decision decide(QueueState queue) {
    double free = limit - running;
    if (free <= 0 || (free < 1 && random.nextDouble() > free)) {
      // Asked again when a batch ends, or when a new one begins to form behind a full one.
      return Decision.lookAgain(
          queue.nowNanos() + Long.MAX_VALUE / 4, (queue.waiting() / largest + 1) * largest + 1);
    }
    running++;
    latencySum += queue.nowNanos() - queue.oldestArrivalNanos();
    return Decision.send(Math.min(queue.waiting(), largest));
  }

  @Override
  public void handled(int size, long handleNanos) {
    running--;
    latencySum += handleNanos;
    if (++batches < BATCHES_TO_AVERAGE) {
      return;
    }
    double average = latencySum / batches;
    boolean decreased = average < lastAverage;
    if (decreased) {
      step = Math.clamp(step * (lastDecreased ? 2 : 0.5), SMALLEST_STEP, LARGEST_STEP);
    } else {
      direction = -direction;
    }
    limit = Math.clamp(limit + direction * limit * step, 1.0, (double) workers);
    lastAverage = average;
    lastDecreased = decreased;
    batches = 0;
    latencySum = 0;
  }

  /** The queue is full at so many batches. */
  @Override
  public long expectedNanos(int ahead, long nowNanos) {
    return ahead >= MAX_ENQUEUED_BATCHES * largest ? Long.MAX_VALUE / 4 : 0;
  }
}
