package io.headrace;

import java.time.Duration;

/**
 * Decides when a batch goes and how large it is. A pure decision: it sees a {@link QueueState} and
 * keeps none of its own, so that it can be tested and simulated without threads.
 *
 * <p>It is asked whenever a worker is idle and at least one item waits: after an arrival, after a
 * batch, and when the time comes that its last decision named. If it would wait for more items
 * though the queue has no room for them, the batch goes at once. It must not block; if it throws,
 * the batch goes at once with what there is, and the failure is logged once.
 */
public interface BatchPolicy {
  /** What a step uses if nothing else is said: {@code greedy(32)}. */
  BatchPolicy DEFAULT = greedy(32);

  /**
   * The limit that no batch exceeds. Read when a step is built.
   *
   * @return the largest number of items in a batch, at least 1
   */
  int maxSize();

  /**
   * Decides what an idle worker does.
   *
   * @param queue what waits, and the time
   * @return to send a batch now, or when to look again
   */
  Decision decide(QueueState queue);

  /**
   * Whether {@link QueueState#oldestArrivalNanos} is used. A policy that does without saves each
   * item a reading of the clock.
   *
   * @return true unless overridden
   */
  default boolean usesArrivalTimes() {
    return true;
  }

  /**
   * Work-conserving: while a worker is idle nothing waits; while all are busy the queue grows, and
   * the next batch takes what is there. No delay at low load, full batches at high load.
   *
   * @param maxSize the largest number of items in a batch, at least 1; {@link Integer#MAX_VALUE}
   *     for no limit
   * @return the policy
   * @throws IllegalArgumentException if {@code maxSize} is below 1
   */
  static BatchPolicy greedy(int maxSize) {
    return new GreedyPolicy(maxSize);
  }

  /**
   * Waits for a full batch, but not longer than a delay that counts from the arrival of the batch's
   * first item. Time that the item spent waiting for a worker counts, too. A queue that is full
   * goes at once, too: with a {@linkplain StepOptions#queue bound} below {@code maxSize} that is
   * the size of batches.
   *
   * @param maxSize the largest number of items in a batch, at least 1; {@link Integer#MAX_VALUE}
   *     for no limit
   * @param maxDelay how long the first item waits for others at most; zero makes it greedy
   * @return the policy
   * @throws IllegalArgumentException if {@code maxSize} is below 1, {@code maxDelay} is negative,
   *     or it is above zero for a {@code maxSize} of 1, which waits for no others
   */
  static BatchPolicy fixed(int maxSize, Duration maxDelay) {
    return new FixedPolicy(maxSize, Checks.nanosNotNegative(maxDelay, "maxDelay"));
  }

  /**
   * {@link #adaptive(int, Duration)} with batches of at most 1024 items.
   *
   * @param latencyObjective how long an item may take from its arrival to its result, above zero
   * @return the policy
   * @throws IllegalArgumentException if the objective is zero or negative
   */
  static BatchPolicy adaptive(Duration latencyObjective) {
    return adaptive(AdaptivePolicy.DEFAULT_MAX_SIZE, latencyObjective);
  }

  /**
   * Learns from the batches how long a batch of n takes, and answers as many items as it can within
   * an objective. It never waits for more items: an idle worker takes what is there, up to the size
   * beyond which an item gains nothing from company. If some items would be late so, it goes
   * through what other sizes would do for those that wait and those that are likely to come, and
   * takes the size that most are in time with.
   *
   * <p>Items that have a deadline, the timeout of their call, and cannot make it are refused when
   * they arrive, with {@link RejectedException}, or dropped before they are late, with {@link
   * DeadlineExceededException}. Items without one are always handled; the objective then only says
   * how large batches become.
   *
   * <p>It begins with a batch of one item, and takes some batches to learn. Nothing is refused or
   * dropped until then.
   *
   * @param maxSize the largest number of items in a batch, at least 1
   * @param latencyObjective how long an item may take from its arrival to its result, above zero
   * @return the policy
   * @throws IllegalArgumentException if {@code maxSize} is below 1, or the objective is zero or
   *     negative
   */
  static BatchPolicy adaptive(int maxSize, Duration latencyObjective) {
    return new AdaptivePolicy(maxSize, Checks.positiveNanos(latencyObjective, "latencyObjective"));
  }

  /**
   * What an idle worker does.
   *
   * @param size how many items to send now, or 0 to look again later; what exceeds the number of
   *     waiting items or the maximum of the policy is cut to it
   * @param lookAgainNanos when to look again, on the clock of {@link QueueState#nowNanos}, if size
   *     is 0; a policy that names the next moment again and again, and sends nothing, is asked each
   *     100 microseconds
   * @param orWaiting how many waiting items make it look again before that time, if size is 0
   */
  record Decision(int size, long lookAgainNanos, int orWaiting) {
    /**
     * A decision.
     *
     * @throws IllegalArgumentException if the size is negative
     */
    public Decision {
      Checks.atLeast(0, size, "size");
    }

    /**
     * Sends a batch now.
     *
     * @param size the number of items, at least 1
     * @return the decision
     */
    public static Decision send(int size) {
      return new Decision(Checks.atLeast(1, size, "size"), 0, 0);
    }

    /**
     * Waits for more items.
     *
     * @param atNanos when to look again at the latest, on the clock of {@link QueueState#nowNanos}
     * @param orWaiting how many waiting items make it look again before
     * @return the decision
     */
    public static Decision lookAgain(long atNanos, int orWaiting) {
      return new Decision(0, atNanos, orWaiting);
    }
  }
}
