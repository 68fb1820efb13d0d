package io.headrace;

import static java.util.Objects.requireNonNull;

import io.headrace.Flow.State;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The life of a flow: starts its stations, and closes them one after another. */
final class Lifecycle {
  /*
   * Legal transitions of state:
   *   NEW -> STARTING -> RUNNING -> DRAINING -> STOPPED
   *   NEW -> STOPPED          closed before it was started
   *   STARTING -> FAILED      a handler failed to start, the time was over, or the flow was closed
   *   RUNNING -> FAILED       a step has lost all its workers for good
   *
   * To drain, the stations are closed one after another: a station accepts nothing more, and tells
   * when what it had accepted is done. Only then can nothing more come to the next one from it, and
   * that is closed. When the last has drained the workers end and close their handlers.
   */

  /** What the calling thread does for flows within each other, the innermost first. */
  private static final ThreadLocal<@Nullable Inside> INSIDE = new ThreadLocal<>();

  private record Inside(Lifecycle of, @Nullable Inside outer) {}

  private final Flow<?, ?> flow;
  private final String name;
  private final Station[] stations;
  private final AtomicReference<State> state = new AtomicReference<>(State.NEW);

  /** The states that observers have not been told of. Guarded by itself, as is the next. */
  private final Queue<State> untold = new ArrayDeque<>();

  /** Whether a thread tells them; it tells what others add meanwhile. */
  private boolean isTelling;

  private final Startup startup = new Startup();

  /** Complete when the start-up is and the flow is warm. */
  private final CompletableFuture<@Nullable Void> started = new CompletableFuture<>();

  /**
   * Whether handlers may be at work though the flow does not run yet; says who ends the workers.
   */
  private enum WarmUp {
    TO_COME,
    BEGUN,
    /** The start has failed before. */
    OMITTED
  }

  private final AtomicReference<WarmUp> warmUp = new AtomicReference<>(WarmUp.TO_COME);

  /** Brings the items of the warm-up, and handles them at inline steps. */
  private final Runner warmer = new Runner();

  private final AtomicInteger drainedStations = new AtomicInteger();

  /** Complete when the handlers are closed. */
  final Ending ending = new Ending(this::ended);

  /** Written before a closer looks at the state, read by the start after it has changed it. */
  private volatile boolean isClosing;

  /** Whether it has been RUNNING; written before the state is. */
  private volatile boolean hasRun;

  /** Why a flow that ran has FAILED; written before the state is. */
  private volatile @Nullable HeadraceException failure;

  /** As {@link #isClosing}, for a shutdown. */
  private volatile boolean isShuttingDown;

  /** Whether items were failed to end the flow; written before they are. */
  private volatile boolean isCutShort;

  Lifecycle(Flow<?, ?> flow, Station[] stations) {
    this.flow = flow;
    this.name = flow.name();
    this.stations = stations;
  }

  State state() {
    return requireNonNull(state.get());
  }

  /** Starts the stations, and waits until they are ready and the flow is warm. */
  void start(Duration timeout) throws InterruptedException {
    long timeoutNanos = Checks.positiveNanos(timeout, "timeout");
    if (!changeState(State.NEW, State.STARTING)) {
      throw new IllegalStateException(name + " is " + state() + ", a flow starts once");
    }
    inside(() -> flow.observers.starting(flow));
    startStations();
    Executor aside = flow.isWarmedUp() ? Thread::startVirtualThread : Runnable::run;
    var _ = startup.thenComposeAsync(ready -> warmUp(), aside).whenComplete(this::warm);
    TimeSource.Alarm alarm = null;
    try {
      alarm =
          flow.time.schedule(
              timeoutNanos,
              () -> abortStart(name + " has not started within " + timeout + ": " + unready()));
      started.get();
      hasRun = true;
      changeState(State.STARTING, State.RUNNING);
      HeadraceException failure = this.failure;
      if (failure != null) {
        fail(failure);
      }
      // It may come when the start can no longer fail, but before it is over.
      if (isShuttingDown) {
        shutdownNow();
      } else if (isClosing) {
        beginClose();
      }
    } catch (InterruptedException e) {
      failStart();
      throw e;
    } catch (ExecutionException e) {
      failStart();
      throw Failures.unchecked(e.getCause());
    } catch (RuntimeException | Error e) {
      failStart(); // the clock has thrown
      throw e;
    } finally {
      if (alarm != null) {
        alarm.cancel();
      }
    }
  }

  private void startStations() {
    try {
      for (Station station : stations) {
        station.start(startup);
      }
    } catch (Throwable failure) {
      startup.completeExceptionally(
          new StartException(name + " could not start its workers: " + failure, failure));
    }
    startup.allAnnounced();
  }

  private CompletableFuture<Void> warmUp() {
    if (!warmUp.compareAndSet(WarmUp.TO_COME, WarmUp.BEGUN)) {
      return CompletableFuture.completedFuture(null);
    }
    warmer.begin();
    try {
      return flow.warmUp();
    } finally {
      warmer.end();
    }
  }

  private void warm(@Nullable Void done, @Nullable Throwable failure) {
    if (failure == null) {
      for (Station station : stations) {
        station.isWarm();
      }
      started.complete(null);
    } else {
      started.completeExceptionally(Failures.unwrapped(failure));
    }
  }

  private String unready() {
    return warmUp.get() == WarmUp.BEGUN ? "the warm-up has not ended" : startup.unready();
  }

  private void abortStart(String reason) {
    StartException failure = new StartException(reason, null);
    startup.completeExceptionally(failure);
    started.completeExceptionally(failure);
  }

  private void failStart() {
    if (changeState(State.STARTING, State.FAILED)) {
      boolean isAtWork = !warmUp.compareAndSet(WarmUp.TO_COME, WarmUp.OMITTED);
      shutdown(stopped());
      if (!isAtWork) {
        end();
      }
    }
  }

  /**
   * As {@link #shutdown}, for all stations: nothing begins anymore before anything else is done.
   */
  private void shutdown(HeadraceException reason) {
    for (Station station : stations) {
      station.interrupt(reason);
    }
    warmer.interrupt();
    for (Station station : stations) {
      station.shutdown(reason);
    }
  }

  void shutdownNow() {
    isShuttingDown = true;
    beginClose();
    if (state.get() == State.DRAINING) {
      isCutShort = true;
      shutdown(new StoppedException(name + " was shut down"));
    }
  }

  /** A step has lost all its workers for good: all that the flow has fails with the reason. */
  void fail(HeadraceException reason) {
    failure = reason;
    abortStart(name + " failed while it started: " + reason.getMessage()); // if it still does
    if (changeState(State.RUNNING, State.FAILED) || state.get() == State.DRAINING) {
      isCutShort = true;
      shutdown(reason);
    }
  }

  void beginClose() {
    isClosing = true;
    if (changeState(State.NEW, State.STOPPED)) {
      ending.allAnnounced();
    } else if (state.get() == State.STARTING) {
      abortStart(name + " was closed while it started");
    } else if (changeState(State.RUNNING, State.DRAINING) && !isShuttingDown) {
      for (Station station : stations) {
        station.hasten(); // a later one may keep those before it from draining
      }
      stations[0].close(); // to shut it down does that, and sends nothing before
    }
  }

  /**
   * Closes. Returns whether the flow has ended in time and was not cut short; true also if it
   * cannot be waited for on this thread.
   */
  boolean close(long timeoutNanos) {
    if (isInside()) {
      beginClose();
      return true;
    }
    CompletableFuture<Boolean> inTime = ending.thenApply(ended -> true);
    AtomicBoolean isWaiting = new AtomicBoolean();
    TimeSource.Alarm alarm =
        flow.time.schedule(
            timeoutNanos,
            () -> {
              inTime.complete(false);
              if (!isWaiting.get()) {
                flow.time.execute(this::shutdownNow);
              }
            });
    try {
      beginClose(); // may execute batches, of executors that run their tasks on this thread
      isWaiting.set(true);
      return awaitEnding(inTime);
    } finally {
      alarm.cancel();
    }
  }

  private boolean awaitEnding(CompletableFuture<Boolean> inTime) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return inTime.get() && !isCutShort;
        } catch (InterruptedException e) {
          interrupted = true;
          shutdownNow();
        }
      }
    } catch (ExecutionException e) {
      throw new CompletionException(e.getCause());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Whether the calling thread executes something that the end of the flow waits for. */
  boolean isInside() {
    for (Inside inside = INSIDE.get(); inside != null; inside = inside.outer) {
      if (inside.of == this) {
        return true;
      }
    }
    Thread thread = Thread.currentThread();
    return Arrays.stream(stations).anyMatch(station -> station.isExecutedBy(thread));
  }

  /** A station has nothing more to do, and nothing comes to it anymore. */
  void stationDrained(Station station) {
    if (!hasRun && warmUp.get() != WarmUp.BEGUN) {
      return; // the start has failed, and what follows is done there
    }
    if (station.index + 1 < stations.length) {
      stations[station.index + 1].close();
    }
    if (drainedStations.incrementAndGet() == stations.length) {
      end();
    }
  }

  private void end() {
    for (Station station : stations) {
      station.end(ending);
    }
    ending.allAnnounced();
  }

  private void ended() {
    flow.ended();
    changeState(State.DRAINING, State.STOPPED);
  }

  private boolean changeState(State from, State to) {
    synchronized (untold) {
      if (!state.compareAndSet(from, to)) {
        return false;
      }
      untold.add(to);
      if (isTelling) {
        return true;
      }
      isTelling = true;
    }
    inside(this::tellStates);
    return true;
  }

  /** Tells the observers of each state, in order. */
  private void tellStates() {
    State next;
    while ((next = nextUntold()) != null) {
      boolean isEnd = next == State.STOPPED || next == State.FAILED;
      if (isEnd || flow.observers.isObserved()) { // who observes it later asks for its end
        flow.observers.stateChanged(next);
      }
    }
  }

  private @Nullable State nextUntold() {
    synchronized (untold) {
      State next = untold.poll();
      isTelling = next != null;
      return next;
    }
  }

  StoppedException stopped() {
    State now = state.get();
    HeadraceException failure = this.failure;
    String why =
        now == State.NEW
            ? ", it has to be started"
            : failure == null ? "" : ": " + failure.getMessage();
    return new StoppedException(name + " is " + now + why);
  }

  /** Runs what may run continuations, which can close this flow and must not wait for it then. */
  void inside(Runnable task) {
    Inside outer = INSIDE.get();
    if (outer != null && outer.of == this) {
      task.run();
      return;
    }
    INSIDE.set(new Inside(this, outer));
    try {
      task.run();
    } finally {
      INSIDE.set(outer);
    }
  }
}
