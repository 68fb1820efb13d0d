package io.headrace.process;

import io.headrace.Observer;
import io.headrace.Placement;
import io.headrace.TimeSource;
import io.headrace.WorkerDiedException;
import io.headrace.WorkerStatus;
import io.headrace.shm.CorruptMemoryException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A worker of a pool, which has one process after another, on a thread of its own. */
final class Worker {
  /*
   * The thread of a worker starts its process, receives what that answers, and looks after its
   * death. It completes futures, and so it may be the one that ends the flow and closes the pool:
   * it does for its own process then what it would do afterwards (end).
   */

  private static final Logger LOGGER = System.getLogger(Worker.class.getName());
  private static final long MAX_RESTART_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** A process that is started again may take so many times what its worker took at first. */
  private static final int MAX_RESTART_TIMES = 10;

  /** It may take so long in any case. */
  private static final long MIN_RESTART_LIMIT_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final Pool pool;
  private final Settings settings;
  private final byte[] factory;
  private final int maxSize;
  final int number;
  private final String name;
  final Thread thread;
  final CompletableFuture<Void> started = new CompletableFuture<>();
  private volatile @Nullable WorkerProcess process;
  private final AtomicInteger restarts = new AtomicInteger();

  /** How long a start may take; 0 for the first, for which the flow has its own limit. */
  private long maxStartNanos;

  volatile boolean isGivenUp;

  /** Whether it is one too many: it ends when it has no batch, and is not started again. */
  volatile boolean isRetired;

  private volatile boolean hasEnded;
  private volatile boolean isStarting = true;

  /** One that has not been started. */
  Worker(Pool pool, Placement.PlacedStep step, int number, Settings settings, byte[] factory) {
    this.pool = pool;
    this.settings = settings;
    maxSize = step.maxSize();
    this.factory = factory;
    this.number = number;
    name = step.service() + "-" + step.step() + "-" + number;
    thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
  }

  private void run() {
    try {
      live();
    } finally {
      var _ = started.cancel(false); // if it was told to end before
      hasEnded = true;
      if (isRetired) {
        pool.forget(this);
      }
    }
  }

  private boolean isToEnd() {
    return isRetired || pool.isClosed();
  }

  /** Whether it has a process or is going to have one. */
  boolean isAlive() {
    return !isGivenUp && !isRetired;
  }

  private void live() {
    int failures = 0;
    while (true) {
      var _ = Thread.interrupted(); // of a caller's callback; a close has said so before
      if (isToEnd()) {
        return;
      }
      boolean hasWorked = false;
      @Nullable String death; // null if it has ended as it was told
      try {
        isStarting = true;
        WorkerProcess process = start();
        this.process = process;
        isStarting = false;
        if (pool.isClosed()) {
          close(); // the pool may not have seen the process
        } else if (isRetired) {
          retire();
        }
        death = serve(process);
        hasWorked = process.hasWorked();
      } catch (Throwable failure) {
        if (!started.isDone()) {
          if (!isToEnd()) { // else that is why it has failed
            started.completeExceptionally(failure);
          }
          return;
        }
        death = name + " could not be started again: " + failure;
      }
      if (pool.isClosed() || death == null) {
        return;
      }
      LOGGER.log(Level.ERROR, death);
      failures = hasWorked ? 0 : failures + 1;
      if (failures >= settings.maxFailures) {
        pool.gaveUp(this, death);
        return;
      }
      pause(Math.max(1, failures));
      restarts.incrementAndGet();
    }
  }

  private WorkerProcess start() throws Exception {
    long beganNanos = TimeSource.system().nanoTime();
    WorkerProcess process =
        WorkerProcess.start(
            name, number, settings, settings.window(maxSize), factory, maxStartNanos);
    if (maxStartNanos == 0) {
      maxStartNanos = maxStartNanos(TimeSource.system().nanoTime() - beganNanos);
    }
    return process;
  }

  /** Returns how the process has ended; null if it was told to. */
  private @Nullable String serve(WorkerProcess process) {
    boolean isFirst = started.complete(null);
    report(
        process,
        isFirst ? Observer.WorkerEvent.Kind.STARTED : Observer.WorkerEvent.Kind.RESTARTED,
        null);
    pool.join(this, process);
    process.serve(pool);
    pool.leave(process);
    if (process.isDiscarded()) {
      return null;
    }
    List<Execution> toFail = pool.queueAgain(process);
    var _ = Thread.interrupted(); // of a caller's callback
    Death death = process.death();
    boolean wasTold = pool.isClosed() || (isRetired && process.hasEndedWell());
    if (!wasTold) {
      report(process, Observer.WorkerEvent.Kind.DIED, death);
    }
    WorkerDiedException reason = new WorkerDiedException(death.text());
    toFail.forEach(execution -> execution.completeExceptionally(reason));
    process.discard();
    this.process = null;
    pool.lookAgain(); // there is more room now
    return wasTold ? null : death.text();
  }

  private void report(
      WorkerProcess process, Observer.WorkerEvent.Kind kind, @Nullable Death death) {
    pool.report(name, process.pid(), kind, death);
  }

  private void pause(int failures) {
    var _ = Thread.interrupted(); // of a caller's callback
    long nanos = restartNanos(settings.restartNanos, failures);
    try {
      var _ = pool.awaitClose(nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Lets it end behind the batches that it has. */
  void retire() {
    isRetired = true;
    WorkerProcess process = this.process;
    if (process == null) {
      thread.interrupt(); // a start ends early, and so does the pause before
    } else {
      pool.retire(process);
      tellToEnd(process);
    }
    if (hasEnded) { // it was given up
      pool.forget(this);
    }
  }

  private void tellToEnd(WorkerProcess process) {
    try {
      process.close();
    } catch (CorruptMemoryException nonsense) {
      process.kill(nonsense);
      LOGGER.log(Level.ERROR, name + " is killed, because " + nonsense.getMessage());
    }
  }

  void close() {
    WorkerProcess process = this.process;
    if (process == null) {
      thread.interrupt(); // a start ends early
    } else if (process.isBusy()) {
      killAtShutdown(process);
    } else {
      tellToEnd(process);
      if (process.isBusy()) { // somebody has sent it a batch meanwhile, the last one
        killAtShutdown(process);
      }
    }
  }

  /** Nobody waits for what it does. */
  private static void killAtShutdown(WorkerProcess process) {
    process.kill("the flow is shut down");
  }

  /** On the thread of the worker; returns whether it was interrupted meanwhile. */
  boolean end() {
    WorkerProcess process = this.process;
    boolean isInterrupted = false;
    if (process != null) {
      try {
        process.awaitEnd();
      } catch (InterruptedException e) {
        isInterrupted = true;
      }
      pool.leave(process);
      process.discard();
      this.process = null;
    }
    return isInterrupted;
  }

  void kill(String reason) {
    WorkerProcess process = this.process;
    if (process != null) {
      process.kill(reason);
    }
  }

  WorkerStatus status() {
    WorkerProcess process = this.process;
    if (process != null) {
      return process.status(restarts.get());
    }
    WorkerStatus.State state =
        isGivenUp || pool.isClosed()
            ? WorkerStatus.State.STOPPED
            : isStarting ? WorkerStatus.State.STARTING : WorkerStatus.State.DEAD;
    return new WorkerStatus(name, 0, state, restarts.get(), 0, Duration.ZERO);
  }

  /** How long a process may take to start again, if the first of its worker has taken so long. */
  static long maxStartNanos(long firstNanos) {
    return Math.max(MIN_RESTART_LIMIT_NANOS, MAX_RESTART_TIMES * firstNanos);
  }

  /**
   * How long to wait before a process is started again.
   *
   * @param firstNanos for the first time, above 0
   * @param failures how often in a row its worker has failed, 1 at least
   */
  static long restartNanos(long firstNanos, int failures) {
    long mostNanos = Math.max(firstNanos, MAX_RESTART_NANOS);
    int doublings = Math.min(failures - 1, Long.SIZE - 2);
    return firstNanos > mostNanos >> doublings ? mostNanos : firstNanos << doublings;
  }
}
