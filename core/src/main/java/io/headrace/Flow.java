package io.headrace;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
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
    /** A handler could not be started, or a step has lost all its workers for good. */
    FAILED
  }

  private final String name;
  private final int priorities;

  /** Of calls that name none; 0 if they have none. */
  private final long timeoutNanos;

  private final Node[] nodes;
  private final Station[] stations;

  /** Whether stations ask how long items have been in the flow. */
  private final boolean isTimed;

  /** Whether some station sorts its tickets. */
  private final boolean sorts;

  private final Lifecycle lifecycle;
  private final Deadlines deadlines;
  private final List<? extends I> warmUpItems;

  final TimeSource time;
  final Observers observers;
  final Tally tally;
  private final @Nullable Admission admission;

  /** Within what time items are answered or refused; 0 if that does not matter. */
  private final long objectiveNanos;

  Flow(FlowPlan<I> plan) {
    name = plan.name();
    priorities = plan.priorities();
    timeoutNanos = plan.timeoutNanos();
    time = plan.time();
    observers = new Observers(name, plan.observers());
    warmUpItems = plan.warmUpItems();
    deadlines = new Deadlines(name, time, this::inside);
    objectiveNanos = plan.objectiveNanos();
    admission = objectiveNanos == 0 ? null : new Admission(this, objectiveNanos);
    tally = new Tally(admission);
    List<Station> stations = new ArrayList<>();
    nodes = new Node[plan.elements().size()];
    for (int i = 0; i < nodes.length; i++) {
      switch (plan.elements().get(i)) {
        case Step step -> {
          Station station = station(step, stations.size(), plan, i);
          nodes[i] = station;
          stations.add(station);
        }
        case Node node -> nodes[i] = node;
      }
    }
    this.stations = stations.toArray(Station[]::new);
    isTimed = stations.stream().anyMatch(Station::refusesByTime);
    sorts = stations.stream().anyMatch(station -> station.step.sorting() != null);
    lifecycle = new Lifecycle(this, this.stations);
  }

  private Station station(Step step, int index, FlowPlan<I> plan, int element) {
    int next = plan.follower(element);
    boolean isLast = next == nodes.length;
    if (step.workers().kind == Workers.Kind.INLINE) {
      return new InlineStation(this, step, index, next, isLast);
    }
    boolean keepsWaiting = step.workers().count != Workers.UNLIMITED;
    boolean isOnEveryWay = admission == null || plan.isOnEveryWay(element);
    QueuedStation station =
        new QueuedStation(
            this, step, index, next, isLast, keepsWaiting && !isOnEveryWay ? objectiveNanos : 0);
    if (admission != null && keepsWaiting && isOnEveryWay) {
      admission.watch(station);
    }
    return station;
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
    return lifecycle.state();
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
    return station(step).queued();
  }

  /**
   * The workers of a step that are not in this JVM, such as processes.
   *
   * @param step the name of the step
   * @return the workers at this moment; none if they are threads
   * @throws IllegalArgumentException if there is no such step
   */
  @Override
  public List<WorkerStatus> workers(String step) {
    return station(step).placedWorkers();
  }

  private Station station(String step) {
    requireNonNull(step, "step");
    for (Station station : stations) {
      if (station.step.name().equals(step)) {
        return station;
      }
    }
    throw new IllegalArgumentException("step is " + step + ", " + name + " has " + steps());
  }

  /**
   * What has happened in the flow so far, and what is in it now.
   *
   * @return the numbers at this moment
   */
  public Statistics statistics() {
    return Statistics.of(this);
  }

  /**
   * Adds an observer to those of the builder. If the flow has started it is told of the start at
   * once, and then of the batches that are formed, and the calls that are submitted, from now on;
   * the wait of an item that came before may count as zero. If the flow has ended it is told of
   * that, too.
   *
   * @param observer the observer; nothing is done if it is one of them already
   */
  public void observe(Observer observer) {
    observers.add(requireNonNull(observer, "observer"), this);
  }

  /**
   * Makes each step send what waits now in batches as soon as it has a worker for them, whatever
   * its policy says. Does not block.
   */
  public void flush() {
    StackRoom.require();
    for (Station station : stations) {
      station.flush();
    }
  }

  /**
   * Replaces the handler of a step while the flow runs. The new handler is started on the calling
   * thread; then new batches go to it, and the old one is closed: on the calling thread if it
   * handles no batch, otherwise on a thread of its own when its last batch has been handled. No
   * item is lost, and no batch waits for the close. The flow has not ended before.
   *
   * @param step the name of the step, whose handler serves all its workers
   * @param handler takes and makes items of the same types
   * @throws StartException if {@link Handler#onStart} failed, with its failure as the cause; the
   *     old handler stays
   * @throws StoppedException if the flow does not run
   * @throws IllegalStateException if it is called by a worker that a resize of this step starts
   * @throws IllegalArgumentException if there is no such step, each of its workers has a handler of
   *     its own, or it has this handler already
   */
  public void swap(String step, Handler<?, ?> handler) {
    running(step).swap(HandlerSource.of(handler));
  }

  /**
   * Replaces the handler of an asynchronous step while the flow runs, as {@link #swap(String,
   * Handler)} does.
   *
   * @param step the name of the step
   * @param handler takes and makes items of the same types
   * @throws StoppedException if the flow does not run
   * @throws IllegalStateException if it is called by a worker that a resize of this step starts
   * @throws IllegalArgumentException if there is no such step, each of its workers has a handler of
   *     its own, or it has this handler already
   */
  public void swapAsync(String step, AsyncHandler<?, ?> handler) {
    running(step).swap(HandlerSource.ofAsync(handler));
  }

  /**
   * Replaces the handlers of the workers of a step while the flow runs. The new handlers are
   * started on the calling thread, one for each worker; then new batches go to them, and each old
   * one is closed as by {@link #swap(String, Handler)}.
   *
   * @param step the name of the step, whose workers have a handler each
   * @param factory makes the handlers, of which each takes and makes items of the same types
   * @throws StartException if a handler failed to start, with its failure as the cause; the old
   *     handlers stay
   * @throws StoppedException if the flow does not run
   * @throws IllegalStateException if it is called by a worker that a resize of this step starts
   * @throws IllegalArgumentException if there is no such step, or one handler serves all its
   *     workers
   */
  public void swapPerWorker(String step, Supplier<? extends Handler<?, ?>> factory) {
    running(step).swap(HandlerSource.perWorker(factory));
  }

  /**
   * Changes the number of workers of a step while the flow runs, and blocks until the new ones have
   * started, however long that takes. Workers that are too many end when they have no batch, which
   * is not waited for. Of worker processes it is the number of processes.
   *
   * <p>Handlers that are still starting are interrupted when this fails, and when the flow has
   * drained because it closes. {@link #close} waits for one that goes on all the same.
   *
   * @param step the name of the step, whose workers are limited in number and not inline
   * @param workers how many there are to be, at least 1
   * @throws StartException if the handler of a new worker failed to start, with its failure as the
   *     cause; the number is as before
   * @throws StoppedException if the flow does not run, or closes or fails before the new workers
   *     are ready
   * @throws IllegalStateException if it is called by a worker that a resize of this step starts
   * @throws IllegalArgumentException if there is no such step, the number is below 1 or larger than
   *     such workers can have, or the workers are inline, unlimited, or {@linkplain Placement
   *     placed} where their number is fixed
   * @throws InterruptedException if the calling thread is interrupted; the number is as before
   */
  public void resize(String step, int workers) throws InterruptedException {
    Checks.atLeast(1, workers, "workers");
    running(step).resize(workers);
  }

  /** The station of a step of a flow that has to run. */
  private Station running(String step) {
    StackRoom.require();
    Station station = station(step);
    if (state() != State.RUNNING) {
      throw stopped();
    }
    return station;
  }

  /**
   * Starts the handlers of all steps side by side, and blocks until each is ready, however long it
   * takes.
   *
   * @return this
   * @throws StartException if a handler failed, with its failure as the cause; the flow is FAILED,
   *     and the handlers that were started are closed, which {@link #close} waits for
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
   *     over; the flow is FAILED, handlers that are still starting are interrupted, and all that
   *     were started are closed, which {@link #close} waits for
   * @throws IllegalArgumentException if the timeout is zero or negative
   * @throws IllegalStateException if the flow was started before
   * @throws InterruptedException if the calling thread is interrupted; the flow is FAILED
   */
  public Flow<I, O> start(Duration timeout) throws InterruptedException {
    lifecycle.start(timeout);
    return this;
  }

  /**
   * Whether there are items that warm it up, which inline handlers handle where they are brought.
   */
  boolean isWarmedUp() {
    return !warmUpItems.isEmpty();
  }

  /** Leads the items for it through the flow. Complete when they are, or when one has failed. */
  CompletableFuture<Void> warmUp() {
    List<Ticket> tickets = new ArrayList<>();
    Route route = new Route(this);
    for (I item : warmUpItems) {
      Ticket ticket = ticket(item, 0, new WarmUpTerms(this));
      tickets.add(ticket);
      route.add(ticket, 0);
    }
    route.send(null);
    return CompletableFuture.allOf(tickets.toArray(Ticket[]::new))
        .handle(
            (done, failure) -> {
              if (failure != null) {
                throw new StartException(
                    name + " failed to warm up: " + Failures.unwrapped(failure),
                    Failures.unwrapped(failure));
              }
              return null;
            });
  }

  @Override
  public CompletableFuture<O> submit(I item, CallOptions options) {
    return future(enter(item, options));
  }

  @Override
  public List<CompletableFuture<O>> submitAll(Collection<? extends I> items, CallOptions options) {
    StackRoom.require();
    @SuppressWarnings("unchecked") // nothing is written to it
    I[] all = (I[]) requireNonNull(items, "items").toArray();
    for (I item : all) {
      requireNonNull(item, "item"); // before an observer is told of one: none is sent then
    }
    List<CompletableFuture<O>> futures = new ArrayList<>(all.length);
    for (I item : all) {
      futures.add(future(newTicket(item, options)));
    }
    Route route = new Route(this);
    for (CompletableFuture<O> future : futures) {
      Ticket ticket = (Ticket) (CompletableFuture<?>) future;
      if (state() != State.RUNNING) {
        tally.reject(ticket, stopped(), null);
      } else if (!isRefused(ticket)) {
        route.add(ticket, 0);
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
    StackRoom.require();
    Ticket ticket = newTicket(item, options);
    if (state() != State.RUNNING) {
      tally.reject(ticket, stopped(), null);
      return ticket;
    }
    if (isRefused(ticket)) {
      return ticket;
    }
    try {
      if (nodes[0] instanceof Station first && first.condition == null) {
        first.accept(ticket, ticket, 1, null);
      } else {
        Route route = new Route(this);
        route.add(ticket, 0);
        route.send(null);
      }
    } catch (Throwable failure) {
      tally.fail(ticket, failure, Observer.Outcome.FAILED, null);
    }
    watchDeadline(ticket);
    return ticket;
  }

  /** An item that fails before it is sent: counted, and observers are told. */
  CompletableFuture<O> fail(I item, CallOptions options, Throwable failure) {
    Ticket ticket = newTicket(item, options);
    if (state() == State.RUNNING) {
      tally.fail(ticket, failure, Observer.Outcome.FAILED, null);
    } else {
      tally.reject(ticket, stopped(), null);
    }
    return future(ticket);
  }

  private boolean isRefused(Ticket ticket) {
    RejectedException refusal = admission == null ? null : admission.refusal(ticket);
    if (refusal == null) {
      return false;
    }
    tally.reject(ticket, refusal, null);
    return true;
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
    CallOptions all = options.orTimeout(timeoutNanos);
    Ticket ticket =
        sorts
            ? new SortedTicket(item, all, observers, time, isTimed)
            : new Ticket(item, all, observers, time, isTimed);
    ticket.waitNowhere(tally.calls);
    return ticket;
  }

  /** A ticket that no caller has brought. */
  Ticket ticket(@Nullable Object value, int priority, Terms terms) {
    return sorts ? new SortedTicket(value, priority, terms) : new Ticket(value, priority, terms);
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
   * handlers are closed. Batches that are being collected go at once, and what comes to later steps
   * goes without delay. A second call waits for the same.
   *
   * <p>Called from a handler, or from a continuation that a worker or the flow itself runs, it does
   * not wait. An executor that runs tasks on the calling thread handles batches in this call, and
   * in {@link #close(Duration)} they are interrupted when the time is over.
   *
   * <p>If the calling thread is interrupted it goes on as {@link #shutdownNow}, and the thread is
   * interrupted when it returns.
   */
  @Override
  public void close() {
    StackRoom.require();
    lifecycle.close(Checks.LONGEST_NANOS);
  }

  /**
   * Closes as {@link #close()} does, but goes on as {@link #shutdownNow} when the time is over.
   * Where that does not wait, called from a handler or a continuation, this returns true, and the
   * time has no effect.
   *
   * @param timeout how long accepted items may take, above zero
   * @return whether every accepted item was worked off; false if the flow was shut down meanwhile,
   *     by anybody or by an interrupt of the calling thread, or a step has failed
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public boolean close(Duration timeout) {
    long timeoutNanos = Checks.positiveNanos(timeout, "timeout");
    StackRoom.require();
    if (lifecycle.close(timeoutNanos)) {
      return true;
    }
    shutdownNow();
    return false;
  }

  /**
   * Stops at once: what waits and what runs fails with {@link StoppedException}, and handlers that
   * run are interrupted, except inline ones, whose threads are the callers'. The stage of an
   * asynchronous handler is cancelled, and a batch whose executor has not begun it is taken back.
   * At all steps handlers are interrupted, and batches kept from beginning, before the first item
   * fails. Does not block; the handlers are closed when they have returned, on the threads of their
   * workers or on others, and are not interrupted while they close. The calling thread fails the
   * items one after the other and runs the continuations of their callers; a {@link #close} of
   * another thread does not wait for these.
   */
  public void shutdownNow() {
    StackRoom.require();
    lifecycle.shutdownNow();
  }

  /** Stops accepting items. */
  void beginClose() {
    lifecycle.beginClose();
  }

  /** Whether the calling thread would wait for itself if it waited for the end of the flow. */
  boolean isInside() {
    return lifecycle.isInside();
  }

  // For the stations.

  /** Runs what may run continuations, which can close this flow and must not wait for it then. */
  void inside(Runnable task) {
    lifecycle.inside(task);
  }

  /** A step cannot be executed anymore. */
  void fail(HeadraceException reason) {
    lifecycle.fail(reason);
  }

  /** A station has nothing more to do, and nothing comes to it anymore. */
  void stationDrained(Station station) {
    lifecycle.stationDrained(station);
  }

  /** Nothing runs anymore, and no call is left. */
  void ended() {
    deadlines.close();
  }

  /** Why items are not accepted. */
  StoppedException stopped() {
    return lifecycle.stopped();
  }

  /** Workers that end tell it. */
  Ending ending() {
    return lifecycle.ending;
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

  int nodeCount() {
    return nodes.length;
  }

  Node node(int index) {
    return nodes[index];
  }

  @Override
  public String toString() {
    return "Flow[name=" + name + ", state=" + state() + ", steps=" + steps() + "]";
  }
}
