package io.headrace;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Is told what happens in a {@link Batcher} or {@link Flow}: for metrics, dashboards and logs.
 *
 * <p>Its methods run on the threads that do the work, several at once, so they are thread safe and
 * do not block. What one throws is logged once per service; it touches neither the items nor the
 * other observers.
 */
public interface Observer {
  /** How a call ended. */
  enum Outcome {
    /** With a result. */
    COMPLETED,
    /** With an exception of a handler or a condition. */
    FAILED,
    /** With {@link DeadlineExceededException}. */
    TIMED_OUT,
    /** Its caller cancelled or completed the future. */
    CANCELLED,
    /** With {@link QueueFullException}, {@link RejectedException} or {@link StoppedException}. */
    REJECTED
  }

  /**
   * A batcher or flow begins to start. Comes once for each, before any batch.
   *
   * @param service what can be asked from now on, by any thread and also after the end
   */
  default void onStart(Observed service) {}

  /**
   * A call is submitted, by the thread that calls this, which so can take what belongs to it: the
   * current span of a tracer, a request's identifier.
   *
   * @param service the name of the batcher or flow
   * @return what {@link #onExecute} is given for this call; null for nothing
   */
  default @Nullable Object onSubmit(String service) {
    return null;
  }

  /**
   * A batch is about to be handled, by the thread that calls this. Comes only for batches with a
   * call for which {@link #onSubmit} has returned something. A batch that {@link
   * StepOptions#isolate} executes again in parts comes again.
   *
   * @param batch the batch
   * @return is told how it goes on; null if there is nobody
   */
  default @Nullable Execution onExecute(ExecuteEvent batch) {
    return null;
  }

  /**
   * A batch has been handled.
   *
   * @param batch the batch
   */
  default void onBatch(BatchEvent batch) {}

  /**
   * Items of a step are executed again: in parts of a batch that {@link StepOptions#isolate}
   * divides, or after the death of a worker that is not in this JVM.
   *
   * @param service the name of the batcher or flow
   * @param step the name of the step; for a batcher its own name
   * @param items how many items, at least 1
   */
  default void onRetry(String service, String step, int items) {}

  /**
   * An item has left a batcher or flow at a step without a result, and is not among those that the
   * event of a batch tells as failed: while it waited there, when it came, or while it was in a
   * batch, whose result for it is dropped.
   *
   * @param service the name of the batcher or flow
   * @param step the name of the step; for a batcher its own name
   * @param outcome how its call ended: {@link Outcome#TIMED_OUT}, {@link Outcome#CANCELLED}, which
   *     is also for the items of the other branches when one has failed, {@link Outcome#REJECTED},
   *     or {@link Outcome#FAILED} if a function for its weight or bucket has thrown, or the list of
   *     results when it was read
   */
  default void onDrop(String service, String step, Outcome outcome) {}

  /**
   * A call has ended.
   *
   * @param service the name of the batcher or flow
   * @param outcome how it ended
   * @param nanos nanoseconds since its submission
   * @param call what {@link #onSubmit} has returned for it; null for nothing
   */
  default void onCallEnd(String service, Outcome outcome, long nanos, @Nullable Object call) {}

  /**
   * A flow has changed its state. The states are told one after another, in their order: by the
   * thread that changes one, or by one that is still telling another.
   *
   * @param service the name of the batcher or flow
   * @param state the new state
   */
  default void onState(String service, Flow.State state) {}

  /**
   * Something has happened to a worker that is not in this JVM.
   *
   * @param event what happened
   */
  default void onWorker(WorkerEvent event) {}

  /**
   * A batch has come back from a worker that is not in this JVM.
   *
   * @param transfer what its way has taken
   */
  default void onTransfer(TransferEvent transfer) {}

  /** A batcher or flow, as its observers see it. Thread safe; nothing blocks. */
  interface Observed {
    /**
     * The name of the service.
     *
     * @return the name of the batcher or flow
     */
    String name();

    /**
     * The names of the steps in their order; a batcher has one, of its own name.
     *
     * @return the names
     */
    List<String> steps();

    /**
     * Where the service is in its life.
     *
     * @return the state now
     */
    Flow.State state();

    /**
     * How many items wait for a step, those that wait for room not included.
     *
     * @param step the name of the step
     * @return the number of items at this moment
     * @throws IllegalArgumentException if there is no such step
     */
    int queued(String step);

    /**
     * The workers of a step that are not in this JVM, such as processes.
     *
     * @param step the name of the step
     * @return the workers at this moment; none if they are threads
     * @throws IllegalArgumentException if there is no such step
     */
    default List<WorkerStatus> workers(String step) {
      return List.of();
    }
  }

  /** Is told how one execution of a batch goes on. Does not block, as the observer. */
  interface Execution {
    /**
     * The handler has returned, or thrown, on the thread that called {@link #onExecute}, which so
     * can be put back to what it was. An asynchronous handler has not answered yet, maybe.
     */
    default void onReturn() {}

    /**
     * The batch has been handled; comes once, after {@link #onReturn}, on any thread.
     *
     * @param batch as for {@link Observer#onBatch}
     * @param failure why the handler failed as a whole; null if it has not
     */
    default void onBatch(BatchEvent batch, @Nullable Throwable failure) {}
  }

  /**
   * A batch that is about to be handled.
   *
   * @param service the name of the batcher or flow
   * @param step the name of the step; for a batcher its own name
   * @param calls what {@link #onSubmit} has returned for the call of each item; null if nothing, or
   *     if the item belongs to no call
   * @param queueNanos nanoseconds that each item waited for this step, collecting included; in a
   *     part that is executed again, since the last execution of the item; not a copy: observers
   *     only read it
   */
  @SuppressWarnings("ArrayRecordComponent") // a list would box each number
  record ExecuteEvent(
      String service, String step, List<@Nullable Object> calls, long[] queueNanos) {}

  /**
   * A worker that is not in this JVM was started, or has ended.
   *
   * @param service the name of the batcher or flow
   * @param step the name of the step
   * @param worker the name of the worker
   * @param pid the identifier of its process
   * @param kind what happened
   * @param reason why it ended; null if it was started
   * @param detail the same in words, with what it has printed last; empty if it was started
   */
  record WorkerEvent(
      String service,
      String step,
      String worker,
      long pid,
      Kind kind,
      @Nullable Reason reason,
      String detail) {
    /** What happened. */
    public enum Kind {
      /** It is ready for batches, for the first time. */
      STARTED,
      /** It is ready for batches, after it had died. */
      RESTARTED,
      /** It ended though it was not told to. */
      DIED
    }

    /** Why a process ended though it was not told to. */
    public enum Reason {
      /** By itself, with whatever code. */
      EXIT,
      /** By a signal of the system or of somebody, or by a crash of its JVM. */
      SIGNAL,
      /** It was killed, because a batch took longer than allowed. */
      BATCH_TIMEOUT,
      /** It was killed, because it gave no sign of life. */
      HEARTBEAT,
      /** It was killed, because it has written nonsense into shared memory. */
      CORRUPT,
      /** Anything else, which the detail tells. */
      OTHER
    }
  }

  /**
   * The way of a batch to a worker that is not in this JVM, and of its results back.
   *
   * @param service the name of the batcher or flow
   * @param step the name of the step
   * @param worker the name of the worker
   * @param transferNanos nanoseconds from when the batch was given to the worker until its results
   *     were here, less those that the handler took: to write and read items and results, to wake
   *     each other, and to wait for batches that the worker had before
   * @param itemBytes how many bytes each item has, those in shared memory included, whether they
   *     were copied or not; not a copy: observers only read it
   */
  @SuppressWarnings("ArrayRecordComponent") // a list would box each number
  record TransferEvent(
      String service, String step, String worker, long transferNanos, long[] itemBytes) {}

  /**
   * A batch that has been handled, well or not.
   *
   * @param service the name of the batcher or flow
   * @param step the name of the step; for a batcher its own name
   * @param size the number of items
   * @param failed how many of them failed; not those whose calls had ended before, nor those that a
   *     shutdown rejects, of which {@link Observer#onDrop} tells
   * @param handleNanos nanoseconds that the handler took
   * @param queueNanos nanoseconds that each item waited for this step, collecting included; in a
   *     part that is executed again, since the last execution of the item; not a copy: observers
   *     only read it
   * @param queueLength the number of items that were left waiting when the batch was formed
   */
  @SuppressWarnings("ArrayRecordComponent") // a list would box each number
  record BatchEvent(
      String service,
      String step,
      int size,
      int failed,
      long handleNanos,
      long[] queueNanos,
      int queueLength) {
    /**
     * How long the batch was collected: the wait of its oldest item.
     *
     * @return the longest of {@code queueNanos}
     */
    public Duration collecting() {
      long longest = 0;
      for (long nanos : queueNanos) {
        longest = Math.max(longest, nanos);
      }
      return Duration.ofNanos(longest);
    }
  }
}
