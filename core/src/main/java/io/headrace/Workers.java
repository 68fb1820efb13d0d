package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Where batches are executed, and how many at once: a placement, not another way to write a
 * handler.
 *
 * <p>Of n workers each executes one batch at a time, so never more than n run at once. Threads made
 * here are daemons: they do not keep a JVM alive.
 */
public final class Workers {
  enum Kind {
    /** Each worker has a platform thread. */
    THREADS,
    /** Each worker has a virtual thread. */
    VIRTUAL_THREADS,
    /** Each worker runs as a task of an executor while it has batches. */
    EXECUTOR,
    /** The thread that submits is the worker. */
    INLINE
  }

  private enum ThreadPerTask implements Executor {
    VIRTUAL;

    @Override
    public void execute(Runnable task) {
      Thread.startVirtualThread(task);
    }

    @Override
    public String toString() {
      return "virtual threads";
    }
  }

  static final int UNLIMITED = Integer.MAX_VALUE;

  /** So many workers of their own threads at most: each thread is made at the start. */
  static final int MAX_THREADS = 1 << 20;

  final Kind kind;
  final int count;
  final @Nullable Executor executor;

  /** Where they are, if not in this JVM. */
  final @Nullable Placement placement;

  private Workers(Kind kind, int count, @Nullable Executor executor) {
    this(kind, count, executor, null);
  }

  private Workers(
      Kind kind, int count, @Nullable Executor executor, @Nullable Placement placement) {
    this.kind = kind;
    this.count = count;
    this.executor = executor;
    this.placement = placement;
  }

  /**
   * Workers that own a platform thread each: for handlers that compute, and for those that need
   * always the same thread.
   *
   * @param count how many, 1 to 1,048,576
   * @return the workers
   * @throws IllegalArgumentException if the count is below or above that
   */
  public static Workers threads(int count) {
    return new Workers(Kind.THREADS, Checks.between(1, MAX_THREADS, count, "count"), null);
  }

  /**
   * Workers that own a virtual thread each: for handlers that wait for input and output.
   *
   * @param count how many, 1 to 1,048,576
   * @return the workers
   * @throws IllegalArgumentException if the count is below or above that
   */
  public static Workers virtualThreads(int count) {
    return new Workers(Kind.VIRTUAL_THREADS, Checks.between(1, MAX_THREADS, count, "count"), null);
  }

  /**
   * A virtual thread for every batch, and as many at once as there are batches.
   *
   * @return the workers
   */
  public static Workers unlimited() {
    return new Workers(Kind.EXECUTOR, UNLIMITED, ThreadPerTask.VIRTUAL);
  }

  /**
   * Workers that run as tasks of an executor, which stays the caller's to close. A task ends when
   * its worker finds nothing more to do.
   *
   * <p>If the executor rejects a task, the items of its batch fail with {@link RejectedException}.
   * The batch of a task that it drops without a word waits until the flow is shut down. If the
   * handler throws {@link InterruptedException} the thread is interrupted when the task ends,
   * except if a shutdown had interrupted it.
   *
   * @param executor where batches run; one that runs tasks on the calling thread is allowed
   * @param count how many batches run at once, at least 1
   * @return the workers
   * @throws IllegalArgumentException if the count is below 1
   */
  public static Workers executor(Executor executor, int count) {
    return new Workers(
        Kind.EXECUTOR, Checks.atLeast(1, count, "count"), requireNonNull(executor, "executor"));
  }

  /**
   * No threads and no queue: the thread that submits executes the batch, made of what it brings
   * together, the items of one {@link Service#submitAll} or the results of one batch of the step
   * before. For a cheap handler this is the fastest by far.
   *
   * <p>The handler is called by several threads at once if several submit, and cannot be made for
   * each worker. If it throws {@link InterruptedException} the thread is interrupted afterwards,
   * for its caller to see. Of batch policies the greedy ones are allowed, whose maximum holds; what
   * needs a queue is refused by the builder.
   *
   * @return the workers
   */
  public static Workers inline() {
    return new Workers(Kind.INLINE, UNLIMITED, null);
  }

  /**
   * Workers that are not in this JVM. Batches are handed to them by the threads that bring items or
   * results.
   *
   * @param placement where they are
   * @return the workers
   */
  public static Workers placed(Placement placement) {
    return new Workers(Kind.EXECUTOR, 1, Runnable::run, requireNonNull(placement, "placement"));
  }

  /** The same, with what executes the batches. */
  Workers of(Placement.BatchExecutor elsewhere) {
    int places = Checks.atLeast(1, elsewhere.places(), "places");
    return new Workers(kind, places, executor, placement);
  }

  @Override
  public String toString() {
    if (placement != null) {
      return placement.toString();
    }
    return switch (kind) {
      case THREADS -> count + " threads";
      case VIRTUAL_THREADS -> count + " virtual threads";
      case EXECUTOR -> (count == UNLIMITED ? "unlimited" : count) + " on " + executor;
      case INLINE -> "inline";
    };
  }
}
