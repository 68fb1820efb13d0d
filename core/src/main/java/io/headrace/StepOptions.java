package io.headrace;

import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The options of a step of a {@link Flow}. Each can be set once; a second setting is an {@link
 * IllegalStateException}. Not thread safe.
 *
 * {@snippet class="io.headrace.SnippetsTest" region="stepOptions"}
 */
public final class StepOptions {
  /** The default of {@link #queue}: {@value} items of each priority. */
  public static final int DEFAULT_QUEUE_CAPACITY = 1024;

  @Nullable BatchPolicy policy;
  int maxSize = BatchPolicy.DEFAULT.maxSize();
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
    Checks.unset(this.policy, policy, "batch policy");
    maxSize = Checks.atLeast(1, policy.maxSize(), "maxSize of the policy");
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
    Checks.unset(this.workers, workers, "workers");
    this.workers = workers;
    return this;
  }

  /**
   * How many items of each priority may wait for this step, and what happens to those that find no
   * room. Items in a batch do not count. Default: {@value #DEFAULT_QUEUE_CAPACITY}; the first step
   * fails what finds no room, later ones let it wait and so slow the steps before them.
   *
   * @param capacity the most items of each priority, at least 1; {@link Integer#MAX_VALUE} for no
   *     limit
   * @param onFull what happens to an item that finds no room
   * @return this
   * @throws IllegalArgumentException if the capacity is below 1
   */
  public StepOptions queue(int capacity, OnFull onFull) {
    Checks.unset(this.onFull, onFull, "queue");
    this.queueCapacity = Checks.atLeast(1, capacity, "capacity");
    this.onFull = onFull;
    return this;
  }

  /** The step with these options, and with the defaults of those that are not set. */
  Step toStep(
      String name,
      @Nullable Predicate<Object> condition,
      Supplier<Handling> handlers,
      boolean shared,
      int defaultCapacity,
      OnFull defaultOnFull) {
    Workers workers = this.workers == null ? Workers.threads(1) : this.workers;
    if (!shared && workers.count == Workers.UNLIMITED && workers.kind != Workers.Kind.INLINE) {
      throw new IllegalArgumentException(
          "workers of " + name + " are " + workers + ", a handler for each needs a limit");
    }
    return new Step(
        name,
        condition,
        handlers,
        shared,
        policy == null ? BatchPolicy.DEFAULT : policy,
        maxSize,
        workers,
        onFull == null ? defaultCapacity : queueCapacity,
        onFull == null ? defaultOnFull : onFull);
  }
}
