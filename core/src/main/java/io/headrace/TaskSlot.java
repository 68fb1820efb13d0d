package io.headrace;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A worker that runs as a task of an executor while it has batches. */
final class TaskSlot extends Slot implements Runnable {
  /*
   * Legal transitions of state:
   *   IDLE -> ACTIVE        launch: a task is given to the executor
   *   ACTIVE -> ASSIGNED    launch: the task that runs still goes on with the next batch
   *   ASSIGNED -> ACTIVE    the task takes the next batch
   *   ACTIVE -> IDLE        the task ends
   * So one task goes from batch to batch without recursion, whichever thread releases the worker.
   */

  /** No task. */
  private static final int IDLE = 0;

  /** A task runs, or is on its way. */
  private static final int ACTIVE = 1;

  /** A task runs, and there is a batch for it to go on with. */
  private static final int ASSIGNED = 2;

  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(TaskSlot.class, "state", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Executor executor;

  @SuppressWarnings("UnusedVariable") // read through STATE
  private volatile int state;

  /** Complete when the handler was started or failed to start. */
  private final CompletableFuture<@Nullable Void> started = new CompletableFuture<>();

  private volatile @Nullable Thread runner;

  /** Whether the runner was interrupted by {@link #interrupt}; guarded by this. */
  private boolean isInterrupted;

  /**
   * A worker.
   *
   * @param isStarted whether its handler is started already
   */
  TaskSlot(QueuedStation station, Swappable handling, Executor executor, boolean isStarted) {
    super(station, handling);
    if (isStarted) {
      started.complete(null);
    }
    this.executor = executor;
  }

  /** Starts the handler of a worker that was made before it was needed. */
  void start(Startup startup) {
    runner = Thread.currentThread();
    startup.start(handling, station, this::available);
    started.complete(null); // also if the start has failed
  }

  /** From here on another thread may be the runner. */
  private void available() {
    finished();
    started.complete(null);
    join();
  }

  @Override
  void launch() {
    while (!STATE.compareAndSet(this, IDLE, ACTIVE)) {
      if (STATE.compareAndSet(this, ACTIVE, ASSIGNED)) {
        return;
      }
    }
    do {
      try {
        executor.execute(this);
        return;
      } catch (Throwable rejection) {
        var reason =
            new RejectedException(
                "the executor of " + station + " rejected a batch: " + rejection, rejection);
        station.flow.inside(() -> batch.refuse(reason));
      }
    } while (takeNext());
  }

  @Override
  public void run() {
    do {
      runner = Thread.currentThread();
      try {
        batch.execute(handling);
      } finally {
        finished();
      }
    } while (takeNext());
  }

  /** The thread is the executor's again: an interrupt that was meant for the batch ends here. */
  private synchronized void finished() {
    runner = null;
    if (isInterrupted) {
      isInterrupted = false;
      Thread.interrupted();
    }
  }

  private boolean takeNext() {
    if (STATE.compareAndSet(this, ACTIVE, IDLE)) {
      return false;
    }
    state = ACTIVE;
    return true;
  }

  @Override
  synchronized void interrupt() {
    Thread thread = runner;
    if (thread != null) {
      thread.interrupt();
      isInterrupted = true;
    }
  }

  @Override
  void end(Ending ending) {
    var _ =
        started.thenRun(
            () -> {
              Ending.close(handling, station);
              ending.ended();
            });
  }

  @Override
  boolean isExecutedBy(Thread thread) {
    return thread.equals(runner);
  }
}
