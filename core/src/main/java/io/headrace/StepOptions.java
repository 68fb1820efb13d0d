package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The options of a step of a {@link Flow}. Each can be set once; a second setting is an {@link
 * IllegalStateException}. Not thread safe.
 *
 * {@snippet class="io.headrace.SnippetsTest" region="stepOptions"}
 *
 * @param <I> the type of an item of the step
 */
public final class StepOptions<I extends @Nullable Object> {
  /** The default of {@link #queue}: {@value} items of each priority, or more for large batches. */
  public static final int DEFAULT_QUEUE_CAPACITY = 1024;

  /** How many batches of the largest size fit into a queue by default. */
  private static final int BATCHES_IN_QUEUE = 4;

  /** A queue is not made larger than this for the sake of large batches. */
  private static final int LARGEST_DEFAULT_CAPACITY = 1 << 20;

  @Nullable BatchPolicy policy;
  int maxSize = BatchPolicy.DEFAULT.maxSize();
  @Nullable Workers workers;
  int queueCapacity;
  @Nullable OnFull onFull;
  private @Nullable ToIntFunction<? super I> weight;
  private @Nullable Function<? super I, ?> bucket;
  private int maxTries = 1;

  StepOptions() {}

  /**
   * When a batch goes and how large it is. Default: {@link BatchPolicy#DEFAULT}.
   *
   * @param policy the policy
   * @return this
   */
  public StepOptions<I> batch(BatchPolicy policy) {
    Checks.unset(this.policy, policy, "batch policy");
    maxSize = Checks.atLeast(1, policy.maxSize(), "maxSize of the policy");
    this.policy = policy;
    return this;
  }

  /**
   * Where batches are executed, and how many at once. Default: one platform thread. With {@link
   * Workers#inline} the builder of the flow refuses, with {@link IllegalArgumentException}, what
   * needs a queue: {@link #queue}, {@link #weight}, {@link #bucket}, and policies that are not
   * greedy.
   *
   * @param workers the workers
   * @return this
   */
  public StepOptions<I> workers(Workers workers) {
    Checks.unset(this.workers, workers, "workers");
    this.workers = workers;
    return this;
  }

  /**
   * How many items of each priority may wait for this step, and what happens to those that find no
   * room. Items that wait for company, as {@link BatchPolicy#fixed} wants it, count, but where the
   * queue is full they go as soon as there is a worker. Items in a batch do not count; one that was
   * cancelled, or whose timeout is over, keeps its place until the continuations of its future have
   * run. Default: {@value #DEFAULT_QUEUE_CAPACITY}, or four times the largest size of a batch if
   * that is more, but not more than 2^20; the first step fails what finds no room, later ones let
   * it wait and so slow the steps before them.
   *
   * @param capacity the most items of each priority, at least 1; {@link Integer#MAX_VALUE} for no
   *     limit
   * @param onFull what happens to an item that finds no room
   * @return this
   * @throws IllegalArgumentException if the capacity is below 1
   */
  public StepOptions<I> queue(int capacity, OnFull onFull) {
    Checks.unset(
        this.onFull == null ? null : described(queueCapacity, this.onFull),
        described(capacity, requireNonNull(onFull, "queue")),
        "queue");
    this.queueCapacity = Checks.atLeast(1, capacity, "capacity");
    this.onFull = onFull;
    return this;
  }

  /**
   * How much of a batch an item takes: rows, bytes, tokens. The sizes of the batch policy, and what
   * it sees as waiting, are sums of weights then; the queue still counts items. Asked for each item
   * on the thread that brings it; if it throws, or its answer is below 1, the item fails. An item
   * that is heavier than the largest batch fails with {@link RejectedException}. Default: each item
   * weighs 1.
   *
   * @param weight tells the weight of an item, at least 1
   * @return this
   */
  public StepOptions<I> weight(ToIntFunction<? super I> weight) {
    Checks.unset(this.weight, weight, "weight");
    this.weight = weight;
    return this;
  }

  /**
   * What the items of a batch have in common: a shape, a tenant. Only items whose buckets are equal
   * share a batch, and the policy is asked about each bucket by itself; the bucket whose oldest
   * item waits longest is asked first. Asked for each item on the thread that brings it; if it
   * throws, or its answer is null, the item fails. A bucket may be coarser than what it stands for:
   * lengths that are rounded up make fewer buckets and larger batches. The items come to the
   * handler as they are, and to pad them is its business. Default: any items share a batch.
   *
   * @param bucket tells the bucket of an item: something with {@code equals} and {@code hashCode}
   * @return this
   */
  public StepOptions<I> bucket(Function<? super I, ?> bucket) {
    Checks.unset(this.bucket, bucket, "bucket");
    this.bucket = bucket;
    return this;
  }

  /**
   * Executes a batch that fails again in parts, until the item to blame stands alone: that one
   * fails with its own failure, the others have their results. One such item among n costs up to
   * log2 n + 2 more executions, n rounded up to a power of two, and none takes part in more than
   * log2 n + 1. Items that end meanwhile are not executed again. For handlers that may be executed
   * more than once on an item. A failure that the handler tells of single items ({@link Outcomes})
   * fails them at once. Default: a batch that fails fails all its items.
   *
   * @param maxTries how often an item is executed at most, at least 2; then it fails with the
   *     failure of the last batch that it was in
   * @return this
   * @throws IllegalArgumentException if maxTries is below 2; the builder of the flow throws it
   *     where batches have one item
   */
  public StepOptions<I> isolate(int maxTries) {
    Checks.unset(this.maxTries == 1 ? null : this.maxTries, maxTries, "isolate");
    this.maxTries = Checks.atLeast(2, maxTries, "maxTries");
    return this;
  }

  private static String described(int capacity, OnFull onFull) {
    return capacity + " and " + onFull;
  }

  /** How many items of each priority wait at most, if nothing is said. */
  int defaultCapacity() {
    long forBatches = Math.min((long) BATCHES_IN_QUEUE * maxSize, LARGEST_DEFAULT_CAPACITY);
    return (int) Math.max(DEFAULT_QUEUE_CAPACITY, forBatches);
  }

  /** What needs a queue is refused. */
  private void checkInline(String name, boolean sorts) {
    String workers = "workers of " + name + " are inline, ";
    if (sorts) {
      throw new IllegalArgumentException(workers + "weights and buckets need a queue");
    }
    if (onFull != null) {
      throw new IllegalArgumentException(workers + "they have no queue that could be full");
    }
    boolean isGreedy =
        policy == null
            || policy instanceof GreedyPolicy
            || (policy instanceof FixedPolicy fixed && fixed.maxDelayNanos() == 0);
    if (!isGreedy) {
      throw new IllegalArgumentException(
          workers + "items wait for no others; the policy is " + policy + ", it has to be greedy");
    }
  }

  /** The step with these options, and with the defaults of those that are not set. */
  @SuppressWarnings("unchecked") // the items of the step are of this type
  Step toStep(
      String service,
      String name,
      @Nullable Predicate<Object> condition,
      HandlerSource given,
      int defaultCapacity,
      OnFull defaultOnFull) {
    Workers workers = this.workers == null ? Workers.threads(1) : this.workers;
    HandlerSource handlers = given.at(workers, service, name, maxSize);
    if (handlers.elsewhere() != null) {
      workers = workers.of(handlers.elsewhere());
    }
    if (!handlers.shared() && workers.count == Workers.UNLIMITED) {
      throw new IllegalArgumentException(
          "workers of " + name + " are " + workers + ", a handler for each needs a limit");
    }
    boolean sorts = weight != null || bucket != null;
    if (workers.kind == Workers.Kind.INLINE) {
      checkInline(name, sorts);
    }
    if (maxTries > 1 && maxSize == 1) {
      throw new IllegalArgumentException(
          "batches of " + name + " have one item, isolate has no parts to execute again");
    }
    return new Step(
        name,
        condition,
        handlers.swappables(),
        handlers.shared(),
        policy == null ? BatchPolicy.DEFAULT : policy,
        maxSize,
        workers,
        onFull == null ? defaultCapacity : queueCapacity,
        onFull == null ? defaultOnFull : onFull,
        sorts
            ? new Sorting(
                (ToIntFunction<@Nullable Object>) weight,
                (Function<@Nullable Object, Object>) bucket)
            : null,
        maxTries);
  }
}
