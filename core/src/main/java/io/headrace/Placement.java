package io.headrace;

import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * Where the workers of a step are, if not on threads of this JVM: in processes of their own, on
 * other machines. For those who write one; {@link Workers#placed} makes workers of it.
 *
 * <p>All that a step does with items happens in this JVM: routing, queues, batches, deadlines,
 * priorities, results. What is placed elsewhere only executes batches.
 */
public interface Placement {
  /**
   * Prepares the execution of a step's batches. Called when the step is described to the builder;
   * nothing starts yet.
   *
   * @param step what is to be executed
   * @return what executes it
   * @throws IllegalArgumentException if the handler cannot be executed there; the message says why,
   *     and what helps
   */
  BatchExecutor place(PlacedStep step);

  /**
   * What is to be executed elsewhere.
   *
   * @param service the name of the batcher or flow
   * @param step the name of the step
   * @param handler the {@link Handler}, {@link AsyncHandler}, or the {@link
   *     java.util.function.Supplier} of handlers that was given to the builder
   * @param maxSize the largest batch
   */
  record PlacedStep(String service, String step, Object handler, int maxSize) {}

  /**
   * Executes the batches of a step. Never asked to execute more at once than it has {@link
   * #places}, except for a moment after a resize to fewer.
   */
  interface BatchExecutor {
    /**
     * How many batches it takes at once. Asked before it is started, and after it was {@linkplain
     * #resize resized}. One that replaces another when a handler is swapped has at least as many.
     *
     * @return the number of places, at least 1
     */
    int places();

    /**
     * How many batches it wants at this moment: what it does not want stays in the queue, where
     * priorities and deadlines count. Asked often, by the thread that makes batches; does not
     * block. That it wants more is noticed when a batch ends, an item comes, or {@link
     * Host#wantsMore} says so.
     *
     * @return the number, which counts as {@link #places} if it is above that, and as 1 if it is
     *     below; by default as many as there are places
     */
    default int wantedBatches() {
      return places();
    }

    /**
     * Makes it ready. Blocks until it is, or fails; an interrupt ends it early.
     *
     * @param host is told what happens to the workers
     * @throws Exception if it cannot be made ready; the start of the flow fails with this as the
     *     cause. {@link #close} is called then, too
     */
    void start(Host host) throws Exception;

    /**
     * How many workers it can be {@linkplain #resize resized} to.
     *
     * @return the most; 0, which is the default, if their number is fixed
     */
    default int maxWorkers() {
      return 0;
    }

    /**
     * Changes how many workers there are, and with that the {@link #places}. Blocks until those
     * that are added are ready; those that are too many end when they have no batch, for which it
     * does not wait. Before the start it says how many are started. Not called by two threads at
     * once.
     *
     * @param workers how many, from 1 to {@link #maxWorkers}
     * @throws InterruptedException if the calling thread is interrupted; the number is as before
     * @throws Exception if one that is added cannot be made ready, or it is closed meanwhile; the
     *     number is as before
     */
    default void resize(int workers) throws Exception {
      throw new UnsupportedOperationException("the number of workers is fixed");
    }

    /**
     * Executes a batch. Called by whichever thread has something to do with the step, several at
     * once; does not block.
     *
     * @param items at least one; not modifiable
     * @return a stage of a result for each item, in the same order; {@link Outcomes} if some
     *     failed. If it is cancelled, nobody waits for the batch anymore
     * @throws Exception to fail every item of the batch
     */
    CompletionStage<? extends List<?>> execute(List<?> items) throws Exception;

    /**
     * Ends the workers, after the last batch.
     *
     * @throws Exception if something goes wrong; it is logged
     */
    void close() throws Exception;

    /**
     * The workers at this moment. Any thread.
     *
     * @return one for each
     */
    List<WorkerStatus> workers();
  }

  /** The flow, as what executes its batches sees it. Thread safe; nothing blocks. */
  interface Host {
    /**
     * No batch of the step can be executed anymore: the flow becomes {@link Flow.State#FAILED}, and
     * what waits and runs in it fails.
     *
     * @param reason what callers are told
     */
    void fail(HeadraceException reason);

    /**
     * Something has happened to a worker; observers are told.
     *
     * @param event what happened
     */
    void report(Observer.WorkerEvent event);

    /**
     * More batches are {@linkplain BatchExecutor#wantedBatches wanted} than when the step asked
     * last, though none has ended: it asks again. May execute batches and complete calls on this
     * thread.
     */
    void wantsMore();

    /**
     * Items of batches of the step are executed again; statistics and observers are told.
     *
     * @param items how many, at least 1
     */
    void retried(int items);

    /**
     * Whether anybody wants to know of transfers.
     *
     * @return false if {@link #report(Observer.TransferEvent)} would tell nobody
     */
    boolean isObserved();

    /**
     * A batch has come back from a worker; observers are told.
     *
     * @param event what its way has taken
     */
    void report(Observer.TransferEvent event);
  }
}
