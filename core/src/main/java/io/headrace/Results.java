package io.headrace;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * The results of a run as they become available, in the order in which the tasks end. To be closed:
 * a run that is left early goes on until then, as far as its {@link Run#runAhead run-ahead} lets
 * it.
 *
 * {@snippet class="io.headrace.RunSnippetsTest" region="map"}
 *
 * <p><b>Blocking.</b> {@code hasNext} and {@code next} wait for the next result. If the thread is
 * interrupted meanwhile, the run is stopped, the tasks are waited for, and a {@link
 * CancellationException} is thrown with the thread's interrupt flag set. Later calls give the
 * results that were there, and then throw it again.
 *
 * <p><b>Failures.</b> What a run ends with, the failure of a task or of the source or its timeout,
 * is thrown by {@code hasNext} and {@code next} after the results that came before it, each time
 * they are called: an unchecked one as it is, a checked one as the cause of a {@link
 * CompletionException}, with later failures suppressed.
 *
 * <p><b>Thread safety.</b> For one thread at a time; any thread may close it.
 *
 * @param <O> the type of a result
 */
public final class Results<O extends @Nullable Object> implements Iterator<O>, AutoCloseable {
  private final TaskRun run;
  private final ResultRing ring;
  private final Semaphore window;

  /**
   * How many results are taken before the window is told. So few that tasks never wait for that
   * while the consumer waits for them: the others leave room for one more than run at once.
   */
  private final int windowStep;

  private int untold;
  private @Nullable Object ahead;
  private boolean isExhausted;

  /** Thrown when the thread was interrupted: the run was stopped, and is not complete. */
  private @Nullable CancellationException interruption;

  private volatile boolean isClosed;

  Results(TaskRun run, ResultRing ring, Semaphore window, int windowStep) {
    this.run = run;
    this.ring = ring;
    this.window = window;
    this.windowStep = windowStep;
  }

  /**
   * Waits until there is a result or the run has ended.
   *
   * @return whether there is one more
   * @throws IllegalStateException if this is closed
   * @throws CancellationException if the thread is interrupted
   * @throws CompletionException if a task failed with a checked exception
   */
  @Override
  public boolean hasNext() {
    requireOpen();
    if (ahead != null) {
      return true;
    }
    if (!isExhausted) {
      ahead = take();
    }
    if (ahead != null) {
      return true;
    }
    requireOpen();
    isExhausted = true;
    throwFailure();
    return false;
  }

  /**
   * Waits for the next result and takes it.
   *
   * @return the result
   * @throws NoSuchElementException if there are no more
   * @throws IllegalStateException if this is closed
   * @throws CancellationException if the thread is interrupted
   * @throws CompletionException if a task failed with a checked exception
   */
  @Override
  @SuppressWarnings({"unchecked", "NullAway"}) // only what was added as an O is null
  public O next() {
    if (!hasNext()) {
      throw new NoSuchElementException("all results are taken");
    }
    Object result = ahead;
    ahead = null;
    if (++untold >= windowStep) {
      window.release(untold);
      untold = 0;
    }
    return result instanceof MapSink.Null ? null : (O) result;
  }

  private @Nullable Object take() {
    try {
      return ring.take();
    } catch (InterruptedException e) {
      run.stopAndWait();
      Thread.currentThread().interrupt();
      interruption = new CancellationException("interrupted while it waited for a result");
      interruption.initCause(e);
      throw interruption;
    }
  }

  private void requireOpen() {
    if (isClosed) {
      throw new IllegalStateException("the results are closed");
    }
  }

  private void throwFailure() {
    Throwable thrown = run.thrown();
    if (thrown != null) {
      throw Failures.unchecked(thrown);
    }
    if (interruption != null) {
      throw interruption;
    }
  }

  /**
   * The results that are not taken yet as a sequential stream. Closing it closes this; a stream
   * that stops early, such as with {@code findFirst}, has to be closed for that.
   *
   * @return the stream
   * @throws IllegalStateException if this is closed
   */
  public Stream<O> stream() {
    requireOpen();
    return StreamSupport.stream(
            Spliterators.spliteratorUnknownSize(this, Spliterator.ORDERED), false)
        .onClose(this::close);
  }

  /**
   * Stops the run: tasks that run are interrupted, stages are cancelled, and nothing more starts.
   * Returns when the threads of the run have ended, those excepted whose task has exceeded its
   * time. It returns at once when it is called from a task of the run, from its progress listener,
   * or from what the run calls to cancel, such as a continuation of a stage. Later calls do
   * nothing.
   */
  @Override
  public void close() {
    isClosed = true;
    run.stopAndWait();
    ring.close();
  }
}
