package io.headrace;

/**
 * A policy that learns from the batches it sends how long a batch takes, and that knows so what
 * cannot be done in time.
 *
 * <p>What it learned belongs to one queue: each step asks it for a policy of its own. The engine
 * calls {@link #decide}, {@link #handled} and {@link #dropBeforeNanos} never at the same time, and
 * each sees what the one before has written; {@link #expectedNanos} is called by any thread at any
 * time.
 */
public interface LearningPolicy extends BatchPolicy {
  /**
   * A policy for one queue, which has learned nothing yet. Called when a step is built.
   *
   * @return a policy that no other queue uses
   */
  LearningPolicy forQueue();

  /**
   * A batch has been handled.
   *
   * @param size how large it was, as {@link QueueState#waiting} counts
   * @param handleNanos nanoseconds that the handler took
   */
  void handled(int size, long handleNanos);

  /**
   * Which items are not worth a place in a batch anymore: those whose deadlines are before this
   * time fail with {@link DeadlineExceededException} when their turn comes.
   *
   * @param queue what waits, and the time
   * @return a time on the clock of {@link QueueState#nowNanos}, that time or later
   */
  default long dropBeforeNanos(QueueState queue) {
    return queue.nowNanos();
  }

  /**
   * How long an item is going to take that arrives now, from its arrival to its result. An item
   * whose deadline is before that is refused on arrival, with {@link RejectedException}. Called by
   * any thread, also while the policy decides.
   *
   * @param ahead how much waits before it, as {@link QueueState#waiting} counts
   * @param nowNanos the time now, on the clock of {@link QueueState#nowNanos}
   * @return nanoseconds, or 0 if it is not known
   */
  default long expectedNanos(int ahead, long nowNanos) {
    return 0;
  }
}
