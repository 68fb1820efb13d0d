package io.headrace;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Run} that goes on when tasks fail: its verbs return outcomes, each with the index, the
 * input, and the value or the failure. What ends the run as a whole, a failure of the source or its
 * timeout, is thrown as by {@code Run}.
 *
 * {@snippet class="io.headrace.RunSnippetsTest" region="collect"}
 *
 * <p>{@code runAny} is not among the verbs: it goes on anyway.
 *
 * @param <I> the type of an input
 */
public final class CollectingRun<I extends @Nullable Object> {
  private final Run<I> run;

  CollectingRun(Run<I> run) {
    this.run = run;
  }

  /**
   * Executes the task for each input, and blocks until all have ended.
   *
   * @param task the task; its results are dropped
   * @return the outcomes of those that failed, in the order of the inputs, unmodifiable
   * @throws InterruptedException if the calling thread is interrupted; the run is stopped
   * @throws DeadlineExceededException if the time of the run is over
   */
  public List<TaskOutcome<I, ?>> runOnEach(Task<? super I, ?> task) throws InterruptedException {
    return run.failures(task);
  }

  /**
   * Executes the task for each input, and blocks until all have ended.
   *
   * @param task the task
   * @return the outcomes in the order of the inputs, unmodifiable
   * @param <O> the type of a result
   * @throws InterruptedException if the calling thread is interrupted; the run is stopped
   * @throws DeadlineExceededException if the time of the run is over
   */
  @SuppressWarnings("unchecked") // the outcomes hold the inputs and what the task returned
  public <O extends @Nullable Object> List<TaskOutcome<I, O>> runAll(
      Task<? super I, ? extends O> task) throws InterruptedException {
    return (List<TaskOutcome<I, O>>) run.all(task, true);
  }

  /**
   * Executes the task for each input, and returns at once what gives the outcomes as they become
   * available. To be closed.
   *
   * @param task the task
   * @return the outcomes
   * @param <O> the type of a result
   */
  public <O extends @Nullable Object> Results<TaskOutcome<I, O>> map(
      Task<? super I, ? extends O> task) {
    return run.map(task, true, true);
  }
}
