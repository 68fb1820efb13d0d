package io.headrace;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * The options of a step of a {@link Flow}. Each can be set once; a second setting is an {@link
 * IllegalStateException}. Not thread safe.
 *
 * <p>{@snippet class="io.headrace.SnippetsTest" region="stepOptions"}
 */
public final class StepOptions {
  /** The default of {@link #queue}: {@value} items of each priority. */
  public static final int DEFAULT_QUEUE_CAPACITY = 1024;

  @Nullable BatchPolicy policy;
  @Nullable Workers workers;
  int queueCapacity;
  @Nullable OnFull onFull;

  StepOptions() {}

  /**
   * When a batch goes and how large it is. Default: {@link BatchPolicy#DEFAULT}.
   *
   * @param policy the policy
   * @return this
   */
  public StepOptions batch(BatchPolicy policy) {
    checkUnset(this.policy, policy, "batch policy");
    Checks.atLeast(1, policy.maxSize(), "maxSize of the policy");
    this.policy = policy;
    return this;
  }

  /**
   * Where batches are executed, and how many at once. Default: one platform thread.
   *
   * @param workers the workers
   * @return this
   */
  public StepOptions workers(Workers workers) {
    checkUnset(this.workers, workers, "workers");
    this.workers = workers;
    return this;
  }

  /**
   * How many items of each priority may wait for this step, and what happens to those that find no room.
   * Items in a batch do not count. Default: {@value #DEFAULT_QUEUE_CAPACITY}; the first step fails what
   * finds no room, later ones let it wait and so slow the steps before them.
   *
   * @param capacity the most items of each priority, at least 1; {@link Integer#MAX_VALUE} for no limit
   * @param onFull what happens to an item that finds no room
   * @return this
   * @throws IllegalArgumentException if the capacity is below 1
   */
  public StepOptions queue(int capacity, OnFull onFull) {
    checkUnset(this.onFull, onFull, "queue");
    this.queueCapacity = Checks.atLeast(1, capacity, "capacity");
    this.onFull = onFull;
    return this;
  }

  private static void checkUnset(@Nullable Object earlier, Object value, String name) {
    requireNonNull(value, name);
    if (earlier != null) {
      throw new IllegalStateException(
          name + " is set to " + value + ", it was set to " + earlier + " before");
    }
  }
}
