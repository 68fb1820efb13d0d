package io.headrace;

import static java.lang.invoke.ConstantBootstraps.fieldVarHandle;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A worker that runs as a task of an executor while it has batches. */
final class TaskSlot extends Slot implements Runnable {
  /*
   * Legal transitions of state:
   *   IDLE -> GIVEN         launch: a task is given to the executor
   *   GIVEN -> ACTIVE       the task begins, or the batch is taken back
   *   ACTIVE -> ASSIGNED    launch: the task that runs still goes on with the next batch
   *   ASSIGNED -> ACTIVE    the task takes the next batch
   *   ASSIGNED -> GIVEN     who has taken a batch back gives a task for the next one
   *   ACTIVE -> IDLE        the task ends
   * So one task goes from batch to batch without recursion, whichever thread releases the worker.
   *
   * A batch is taken back by the launch if the executor throws, and by a shutdown. Who takes GIVEN to
   * ACTIVE has the batch: an executor may throw after it has run the task or put it in its queue, and may
   * run what was taken back. A task that is not needed anymore finds that out when it begins, or serves
   * for the next launch.
   */

  /** No task. */
  private static final int IDLE = 0;

  /** A task is on its way. */
  private static final int GIVEN = 1;

  /** A task runs. */
  private static final int ACTIVE = 2;

  /** A task runs, and there is a batch for it to go on with. */
  private static final int ASSIGNED = 3;

  private static final VarHandle STATE =
      fieldVarHandle(MethodHandles.lookup(), "state", VarHandle.class, TaskSlot.class, int.class);

  private final Executor executor;

  @SuppressWarnings("UnusedVariable") // read through STATE
  private volatile int state;

  /** Complete when the handler was started or failed to start. */
  private final CompletableFuture<@Nullable Void> started = new CompletableFuture<>();

  private final Runner runner = new Runner();

  /**
   * A worker.
   *
   * @param isStarted whether its handler is started already
   */
  TaskSlot(QueuedStation station, Swappable handling, Executor executor, boolean isStarted) {
    super(station, handling);
    if (isStarted) {
      claim();
      started.complete(null);
    }
    this.executor = executor;
  }

  /** Starts the handler of a worker that was made before it was needed. */
  void start(Startup startup) {
    runner.begin();
    startup.start(handling, station, this::available);
    started.complete(null); // also if the start has failed
  }

  /** From here on another thread may be the runner. */
  private void available() {
    runner.end();
    started.complete(null);
    join();
  }

  @Override
  void launch() {
    while (!STATE.compareAndSet(this, IDLE, GIVEN)) {
      if (STATE.compareAndSet(this, ACTIVE, ASSIGNED)) {
        return;
      }
    }
    give();
  }

  /** Gives a task to the executor, and another if it rejects that and there is a next batch. */
  private void give() {
    do {
      HeadraceException reason = station.shutdownReason; // a shutdown looks at the state afterwards
      if (reason == null) {
        try {
          executor.execute(this);
          return;
        } catch (Throwable rejection) {
          reason =
              new RejectedException(
                  "the executor of " + station + " rejected a batch: " + rejection, rejection);
        }
      }
      if (!begin()) {
        return; // it has thrown though it runs the task, or has run it
      }
      refuse(reason);
    } while (takeNext(GIVEN));
  }

  /** Returns whether the batch that a task was given for is the calling thread's now. */
  private boolean begin() {
    return STATE.compareAndSet(this, GIVEN, ACTIVE);
  }

  private void refuse(HeadraceException reason) {
    station.flow.inside(() -> batch.refuse(reason));
  }

  @Override
  public void run() {
    if (!begin()) {
      return;
    }
    boolean interrupted = false;
    do {
      runner.begin();
      try {
        batch.executeLate(handling);
      } finally {
        runner.end();
      }
      interrupted |= Thread.interrupted(); // it is not meant for the next batch
    } while (takeNext(ACTIVE));
    if (interrupted) {
      Thread.currentThread().interrupt(); // the thread is the executor's, or a caller's
    }
  }

  /** Goes on with the next batch, if there is one, or is idle. */
  private boolean takeNext(int as) {
    if (STATE.compareAndSet(this, ACTIVE, IDLE)) {
      return false;
    }
    state = as;
    return true;
  }

  @Override
  void interrupt() {
    runner.interrupt();
  }

  /** A task that has not begun may never do so: its executor may have been shut down before. */
  @Override
  void abandon(HeadraceException reason) {
    if (!begin()) {
      batch.abandon(reason);
      return;
    }
    refuse(reason);
    if (takeNext(GIVEN)) {
      give();
    }
  }

  @Override
  void end(Ending ending) {
    var _ = started.thenRun(() -> ending.closeAside(handling, station));
  }

  @Override
  boolean isExecutedBy(Thread thread) {
    return runner.is(thread);
  }
}
