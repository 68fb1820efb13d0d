package io.headrace;

/**
 * What a {@link BatchPolicy} sees of a queue at one moment. Cancelled and expired items are not
 * part of it. Valid only during the call that it is passed to.
 */
public interface QueueState {
  /**
   * The number of items that wait, of all priorities; at least 1.
   *
   * @return the number of items
   */
  int waiting();

  /**
   * When the item arrived that has waited longest, on the clock of {@link #nowNanos}. Means nothing
   * to a policy that does not {@linkplain BatchPolicy#usesArrivalTimes use} it.
   *
   * @return nanoseconds
   */
  long oldestArrivalNanos();

  /**
   * Looks at the deadlines of the first items, in the order in which a batch takes them. A deadline
   * is the end of a call's timeout. It takes a step for each of those items.
   *
   * @param into where the deadlines are put, as many as there is room for, on the clock of {@link
   *     #nowNanos}; for an item without one {@link #nowNanos} and {@code Long.MAX_VALUE / 4}
   * @return how many there are
   */
  int deadlines(long[] into);

  /**
   * How many items have come to the queue so far: the difference of two readings is what came in
   * between. Items that were refused are not counted.
   *
   * @return the number of items
   */
  long arrivals();

  /**
   * What an item counts on average in {@link #waiting}: the mean of all that wait for a batch,
   * whatever their buckets.
   *
   * @return the average weight of an item; 1 if items have no weights
   */
  double meanWeight();

  /**
   * The number of workers, with a batch or without, at least 1; {@link Integer#MAX_VALUE} if their
   * number is not limited.
   *
   * @return the number of workers
   */
  int workers();

  /**
   * The number of workers without a batch, at least 1; {@link Integer#MAX_VALUE} if their number is
   * not limited.
   *
   * @return the number of workers
   */
  int idleWorkers();

  /**
   * The time now, in nanoseconds of a clock with an arbitrary origin: only differences mean
   * something.
   *
   * @return nanoseconds
   */
  long nowNanos();
}
