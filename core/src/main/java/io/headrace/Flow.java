package io.headrace;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A pipeline: leads each item through its steps, each with its own queue, batching and workers.
 *
 * {@snippet class="io.headrace.SnippetsTest" region="flow"}
 *
 * <p>A step takes items in the order of their arrival, higher priorities first. Items that are in
 * different batches can overtake one another where a step has several workers. An item whose caller
 * has cancelled it, or whose timeout is over, leaves the queue it waits in and takes no place in a
 * batch. A handler that throws fails the items of its batch; the flow goes on.
 *
 * <p><b>Life cycle.</b> {@link #start} once, {@link #close} at the end. An item that is submitted
 * at another time fails with {@link StoppedException}.
 *
 * <p><b>Thread safety.</b> Any thread may call any method. A handler, or the continuation of a
 * future, must not block on a call to the flow that executes it: it may hold the worker that this
 * call needs.
 *
 * @param <I> the type of an item
 * @param <O> the type of a result
 */
public final class Flow<I, O extends @Nullable Object>
    implements Service<I, O>, Observer.Observed, AutoCloseable {
  /** The life cycle of a flow. */
  public enum State {
    /** Not started yet. */
    NEW,
    /** The handlers of the steps are being started. */
    STARTING,
    /** Items are accepted. */
    RUNNING,
    /** No more items are accepted; those that were are worked off, or were failed by a shutdown. */
    DRAINING,
    /** Every item has its outcome, the handlers are closed, the threads have ended. */
    STOPPED,
    /** A handler could not be started. */
    FAILED
  }

  /*
   * Legal transitions of state:
   *   NEW -> STARTING -> RUNNING -> DRAINING -> STOPPED
   *   NEW -> STOPPED          closed before it was started
   *   STARTING -> FAILED      a handler failed to start, the time was over, or the flow was closed
   *
   * To drain, the stations are closed one after another: a station accepts nothing more, and tells when
   * what it had accepted is done. Only then can nothing more come to the next one from it, and that is
   * closed. When the last has drained the workers end and close their handlers.
   */

  private final String name;
  private final int priorities;
  private final Station[] stations;
  private final Deadlines deadlines;
  private final AtomicReference<State> state = new AtomicReference<>(State.NEW);
  private final Startup startup = new Startup();
  private final Ending ending = new Ending(() -> changeState(State.DRAINING, State.STOPPED));
  private final AtomicInteger drainedStations = new AtomicInteger();

  /** Threads of others that complete futures of this flow, and have more to do for it then. */
  private final Set<Thread> insiders = ConcurrentHashMap.newKeySet();

  /** Written before a closer looks at the state, read by the start after it has changed it. */
  private volatile boolean isClosing;

  /** As {@link #isClosing}, for a shutdown. */
  private volatile boolean isShuttingDown;

  final TimeSource time;
  final Observers observers;

  Flow(String name, List<Step> steps, int priorities, TimeSource time, List<Observer> observers) {
    this.name = name;
    this.priorities = priorities;
    this.time = time;
    this.observers = new Observers(name, observers);
    deadlines = new Deadlines(name, time);
    stations = new Station[steps.size()];
    for (int i = 0; i < stations.length; i++) {
      Step step = steps.get(i);
      boolean isLast = i == stations.length - 1;
      stations[i] =
          step.workers().kind == Workers.Kind.INLINE
              ? new InlineStation(this, step, i, isLast)
              : new QueuedStation(this, step, i, isLast);
    }
  }

  /**
   * A builder of a flow.
   *
   * @param name what the flow is called in threads, events and messages
   * @return a builder to which steps are added
   * @param <I> the type of an item
   * @throws IllegalArgumentException if the name is blank
   */
  public static <I> FlowBuilder<I, I> builder(String name) {
    return new FlowBuilder<>(Checks.name(name));
  }

  /**
   * The name of the flow.
   *
   * @return the name given to the builder
   */
  @Override
  public String name() {
    return name;
  }

  /**
   * The names of the steps.
   *
   * @return the names, in the order of the steps
   */
  @Override
  public List<String> steps() {
    return Arrays.stream(stations).map(station -> station.step.name()).toList();
  }

  /**
   * Where the flow is in its life.
   *
   * @return the state now
   */
  @Override
  public State state() {
    return state.get();
  }

  /**
   * How many items wait for a step, those that wait for room not included.
   *
   * @param step the name of the step
   * @return the number of items at this moment
   * @throws IllegalArgumentException if there is no such step
   */
  @Override
  public int queued(String step) {
    for (Station station : stations) {
      if (station.step.name().equals(step)) {
        return station.queued();
      }
    }
    throw new IllegalArgumentException("step is " + step + ", " + name + " has " + steps());
  }

  /**
   * Starts the handlers of all steps side by side, and blocks until each is ready, however long it
   * takes.
   *
   * @return this
   * @throws StartException if a handler failed, with its failure as the cause; the flow is FAILED,
   *     and the handlers that were started are closed
   * @throws IllegalStateException if the flow was started before
   * @throws InterruptedException if the calling thread is interrupted; the flow is FAILED
   */
  public Flow<I, O> start() throws InterruptedException {
    return start(Duration.ofNanos(Long.MAX_VALUE));
  }

  /**
   * Starts the handlers of all steps side by side, and blocks until each is ready.
   *
   * @param timeout how long it may take, above zero
   * @return this
   * @throws StartException if a handler failed, with its failure as the cause, or the time was
   *     over; the flow is FAILED, and the handlers that were started are closed
   * @throws IllegalArgumentException if the timeout is zero or negative
   * @throws IllegalStateException if the flow was started before
   * @throws InterruptedException if the calling thread is interrupted; the flow is FAILED
   */
  public Flow<I, O> start(Duration timeout) throws InterruptedException {
    long timeoutNanos = Checks.positiveNanos(timeout, "timeout");
    if (!changeState(State.NEW, State.STARTING)) {
      throw new IllegalStateException(name + " is " + state() + ", a flow starts once");
    }
    inside(() -> observers.starting(this));
    startStations();
    TimeSource.Alarm alarm =
        time.schedule(
            timeoutNanos,
            () ->
                startup.completeExceptionally(
                    new StartException(
                        name
                            + " has not started within "
                            + timeout
                            + ": "
                            + startup.missing()
                            + (startup.missing() == 1
                                ? " worker was not ready"
                                : " workers were not ready"),
                        null)));
    try {
      startup.get();
      if (!changeState(State.STARTING, State.RUNNING)) {
        throw new StartException(name + " was closed while it started", null);
      }
      // It may come when the start can no longer fail, but before it is over.
      if (isShuttingDown) {
        shutdownNow();
      } else if (isClosing) {
        beginClose();
      }
      return this;
    } catch (InterruptedException e) {
      failStart();
      throw e;
    } catch (ExecutionException e) {
      failStart();
      throw Failures.unchecked(e.getCause());
    } finally {
      alarm.cancel();
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

  private void failStart() {
    if (changeState(State.STARTING, State.FAILED)) {
      StoppedException reason = stopped();
      for (Station station : stations) {
        station.shutdown(reason);
      }
      end();
    }
  }

  @Override
  public CompletableFuture<O> submit(I item, CallOptions options) {
    return future(enter(item, options));
  }

  @Override
  public List<CompletableFuture<O>> submitAll(Collection<? extends I> items, CallOptions options) {
    List<CompletableFuture<O>> futures = new ArrayList<>(items.size());
    Route route = new Route(this);
    for (I item : items) {
      Ticket ticket = newTicket(item, options);
      futures.add(future(ticket));
      if (state.get() == State.RUNNING) {
        route.add(ticket, 0);
      } else {
        ticket.reject(stopped());
      }
    }
    route.send(null);
    for (CompletableFuture<O> future : futures) {
      watchDeadline((Ticket) (CompletableFuture<?>) future);
    }
    return futures;
  }

  @Override
  @SuppressWarnings({"unchecked", "NullAway"}) // the steps make an O of an I
  public O call(I item, CallOptions options) throws InterruptedException {
    return (O) enter(item, options).await();
  }

  private Ticket enter(I item, CallOptions options) {
    Ticket ticket = newTicket(item, options);
    if (state.get() != State.RUNNING) {
      ticket.reject(stopped());
      return ticket;
    }
    try {
      Station station = stationFor(ticket, 0);
      if (station == null) {
        ticket.succeed(item);
      } else {
        station.accept(ticket, ticket, 1, null);
      }
    } catch (Throwable failure) {
      ticket.fail(failure, Observer.Outcome.FAILED);
    }
    watchDeadline(ticket);
    return ticket;
  }

  private Ticket newTicket(I item, CallOptions options) {
    requireNonNull(item, "item");
    if (requireNonNull(options, "options").priority >= priorities) {
      throw new IllegalArgumentException(
          "priority is "
              + options.priority
              + ", "
              + name
              + " has "
              + (priorities == 1 ? "only 0" : "0 to " + (priorities - 1)));
    }
    return new Ticket(item, options, observers, time);
  }

  private void watchDeadline(Ticket ticket) {
    Terms terms = ticket.terms;
    if (terms != null && terms.hasDeadline && !ticket.isDone()) {
      deadlines.add(terms);
    }
  }

  @SuppressWarnings("unchecked") // the steps make an O of an I
  private static <O extends @Nullable Object> CompletableFuture<O> future(Ticket ticket) {
    return (CompletableFuture<O>) (CompletableFuture<?>) ticket;
  }

  /**
   * Stops accepting items, and blocks until those that were accepted have their outcome and the
   * handlers are closed. Batches that are being collected go at once. A second call waits for the
   * same.
   *
   * <p>Called from a handler, or from a continuation that a worker or the flow itself runs, it does
   * not wait.
   *
   * <p>If the calling thread is interrupted it goes on as {@link #shutdownNow}, and the thread is
   * interrupted when it returns.
   */
  @Override
  public void close() {
    beginClose();
    awaitEnding(Long.MAX_VALUE / 4);
  }

  /**
   * Closes as {@link #close()} does, but goes on as {@link #shutdownNow} when the time is over.
   *
   * @param timeout how long accepted items may take, above zero
   * @return whether every accepted item was worked off
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public boolean close(Duration timeout) {
    long timeoutNanos = Checks.positiveNanos(timeout, "timeout");
    beginClose();
    if (awaitEnding(timeoutNanos)) {
      return true;
    }
    shutdownNow();
    return false;
  }

  /**
   * Stops at once: what waits and what runs fails with {@link StoppedException}, and handlers that
   * run are interrupted, except inline ones, whose threads are the callers'. The stage of an
   * asynchronous handler is cancelled. Does not block; the handlers are closed when they have
   * returned.
   */
  public void shutdownNow() {
    isShuttingDown = true;
    beginClose();
    if (state.get() == State.DRAINING) {
      StoppedException reason = new StoppedException(name + " was shut down");
      for (Station station : stations) {
        station.shutdown(reason);
      }
    }
  }

  private void beginClose() {
    isClosing = true;
    if (changeState(State.NEW, State.STOPPED)) {
      ending.allAnnounced();
    } else if (state.get() == State.STARTING) {
      startup.completeExceptionally(
          new StartException(name + " was closed while it started", null));
    } else if (changeState(State.RUNNING, State.DRAINING) && !isShuttingDown) {
      stations[0].close(); // to shut it down does that, and sends nothing before
    }
  }

  /** Returns whether the flow has ended in time; also if it cannot be waited for on this thread. */
  private boolean awaitEnding(long timeoutNanos) {
    Thread thread = Thread.currentThread();
    if (insiders.contains(thread)
        || Arrays.stream(stations).anyMatch(station -> station.isExecutedBy(thread))) {
      return true;
    }
    CompletableFuture<Boolean> inTime = ending.thenApply(ended -> true);
    TimeSource.Alarm alarm = time.schedule(timeoutNanos, () -> inTime.complete(false));
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return inTime.get();
        } catch (InterruptedException e) {
          interrupted = true;
          shutdownNow();
        }
      }
    } catch (ExecutionException e) {
      throw new CompletionException(e.getCause());
    } finally {
      alarm.cancel();
      if (interrupted) {
        thread.interrupt();
      }
    }
  }

  /** A station has nothing more to do, and nothing comes to it anymore. */
  void stationDrained(Station station) {
    if (state.get() != State.DRAINING) {
      return; // the start has failed, and what follows is done there
    }
    if (!station.isLast) {
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

  private boolean changeState(State from, State to) {
    boolean changed = state.compareAndSet(from, to);
    if (changed && observers.isObserved()) {
      inside(() -> observers.stateChanged(to));
    }
    return changed;
  }

  StoppedException stopped() {
    State now = state.get();
    return new StoppedException(
        name + " is " + now + (now == State.NEW ? ", it has to be started" : ""));
  }

  // For the stations.

  /** Runs what may run continuations, which can close this flow and must not wait for it then. */
  void inside(Runnable task) {
    Thread thread = Thread.currentThread();
    if (!insiders.add(thread)) {
      task.run();
      return;
    }
    try {
      task.run();
    } finally {
      insiders.remove(thread);
    }
  }

  int priorities() {
    return priorities;
  }

  int stationCount() {
    return stations.length;
  }

  Station station(int index) {
    return stations[index];
  }

  /** The first station from an index on that applies to the ticket, or null if none does. */
  @Nullable Station stationFor(Ticket ticket, int from) {
    for (int i = from; i < stations.length; i++) {
      Station station = stations[i];
      if (station.condition == null || station.condition.test(ticket.value)) {
        return station;
      }
    }
    return null;
  }
}
