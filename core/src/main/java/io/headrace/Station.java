package io.headrace;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Where the tickets of one step wait and are handled. */
abstract sealed class Station implements Node, Placement.Host permits QueuedStation, InlineStation {
  /** The time of arrival of a ticket of which nobody wanted to know it. */
  static final long UNKNOWN = Long.MIN_VALUE;

  final Flow<?, ?> flow;
  final Step step;
  final @Nullable Predicate<Object> condition;

  /** The position among the stations of the flow. */
  final int index;

  /** The index of the node where tickets go on. */
  final int next;

  final boolean isLast;

  /** Why the station was shut down, if it was; written before a handler is interrupted. */
  volatile @Nullable HeadraceException shutdownReason;

  private final AtomicBoolean isInterrupted = new AtomicBoolean();

  /** The policy's maximum, read once: the policy is code of users and could throw. */
  final int maxSize;

  /** The lock of those who change handlers and workers. */
  private final Object changes = new Object();

  /**
   * How many workers there are to be since their number was changed, else 0; guarded by changes.
   */
  private int resizedTo;

  private final LongAdder batches = new LongAdder();
  private final LongAdder itemsBegun = new LongAdder();
  private final LongAdder itemsEnded = new LongAdder();
  private final LongAdder itemsRetried = new LongAdder();

  /** The items that had no result here, by the way their calls ended. */
  private final EndedCalls lost = new EndedCalls();

  /** How many batches and items there were before the flow was warm; written before it runs. */
  private volatile long batchesBefore;

  private volatile long itemsBefore;

  Station(Flow<?, ?> flow, Step step, int index, int next, boolean isLast) {
    this.flow = flow;
    this.step = step;
    condition = step.condition();
    this.index = index;
    this.next = next;
    this.isLast = isLast;
    maxSize = step.maxSize();
  }

  /**
   * Takes a chain of n tickets. Those that it cannot take complete with the reason.
   *
   * @param worker whose batch they come from, if any; busy until all have found room
   */
  abstract void accept(Ticket first, Ticket last, int n, @Nullable Slot worker);

  /** A ticket that waits here is not needed anymore. Any thread. */
  abstract void withdraw(Ticket ticket);

  /** Prepares the handlers; tells the start-up when each is ready or has failed. */
  abstract void start(Startup startup);

  /**
   * Accepts no more. When what was accepted is done the flow is told through {@link
   * Flow#stationDrained}.
   */
  abstract void close();

  /** Lets no more batches begin, and interrupts the handlers that run, once. Runs nothing else. */
  final void interrupt(HeadraceException reason) {
    if (isInterrupted.compareAndSet(false, true)) {
      shutdownReason = reason;
      interruptHandlers();
    }
  }

  /** Interrupts those of its handlers that start or run on threads of the flow. */
  abstract void interruptHandlers();

  /**
   * Accepts no more, fails what waits and what runs. The flow is told when the handlers have
   * returned.
   */
  abstract void shutdown(HeadraceException reason);

  /** The flow closes: what comes from now on goes without delay. */
  void hasten() {}

  /** Ends the workers, after the last batch. They close their handlers and tell the ending. */
  abstract void end(Ending ending);

  /** Whether the workers have been told to end. */
  boolean hasEnded() {
    return false;
  }

  /** How many items wait here. */
  abstract int queued();

  /** Whether a thread executes a handler of this station. */
  abstract boolean isExecutedBy(Thread thread);

  /** Whether a thread starts a worker that a change of their number adds. */
  boolean isStartedBy(Thread thread) {
    return false;
  }

  /** Whether a ticket does not pass by. */
  final boolean appliesTo(Ticket ticket) {
    return condition == null || condition.test(ticket.value);
  }

  /** A ticket that is over leaves; its caller is told if nobody has done so yet. */
  final void drop(Ticket ticket) {
    Terms terms = ticket.terms;
    if (ticket.isDone() || terms == null) {
      flow.tally.left(ticket, this);
    } else {
      flow.tally.fail(ticket, terms.expiry(flow.name()), Observer.Outcome.TIMED_OUT, this);
    }
  }

  /** Whether the station wants to know how long batches take. */
  boolean isTimed() {
    return false;
  }

  /** A batch has begun. */
  final void begun(int items) {
    batches.increment();
    itemsBegun.add(items);
  }

  /** A batch has ended. */
  final void ended(int items) {
    itemsEnded.add(items);
  }

  /** Some items are about to be executed again, by this station or by what executes its batches. */
  @Override
  public final void retried(int items) {
    itemsRetried.add(items);
    flow.observers.retried(step.name(), items);
  }

  /** An item fails, and no event of a batch tells observers so; not in a drain. */
  final void failAlone(Ticket ticket, Throwable failure) {
    if (flow.tally.fail(ticket, failure, Observer.Outcome.FAILED, this)) {
      flow.observers.dropped(step.name(), Observer.Outcome.FAILED);
    }
  }

  /**
   * An item leaves the flow here without a result; not in a drain, for observers are told: of what
   * has failed by the event of its batch, or by {@link #failAlone}.
   */
  final void lost(Observer.Outcome outcome) {
    countLost(outcome);
    if (outcome != Observer.Outcome.FAILED) {
      flow.observers.dropped(step.name(), outcome);
    }
  }

  final void countLost(Observer.Outcome outcome) {
    lost.add(outcome, 1);
  }

  /** What has begun so far was the warm-up, and is not counted. */
  final void isWarm() {
    itemsRetried.reset();
    batchesBefore = batches.sum();
    itemsBefore = itemsBegun.sum();
  }

  final Statistics.Step statistics() {
    long ended = itemsEnded.sum(); // before those that have begun, which are more
    long begun = itemsBegun.sum();
    return new Statistics.Step(
        step.name(),
        workers(),
        queued(),
        begun - ended,
        batches.sum() - batchesBefore,
        begun - itemsBefore,
        itemsRetried.sum(),
        lost.count(Observer.Outcome.FAILED),
        lost.count(Observer.Outcome.TIMED_OUT),
        lost.count(Observer.Outcome.CANCELLED),
        lost.count(Observer.Outcome.REJECTED));
  }

  final long batchesBegun() {
    return batches.sum();
  }

  final long itemsBegun() {
    return itemsBegun.sum();
  }

  final long itemsEnded() {
    return itemsEnded.sum();
  }

  /** Whether there was work for all workers ever since this was asked last. */
  boolean wasSaturated() {
    return false;
  }

  /** Whether each batch has left others waiting ever since this was asked last. */
  boolean hadBacklog() {
    return false;
  }

  /** Whether it refuses what it has no time for, whoever brings it. */
  boolean refusesByTime() {
    return false;
  }

  /** Whether its policy drops and refuses what is known to miss its deadline. */
  boolean refusesLate() {
    return false;
  }

  /** What waits goes as soon as there are workers for it. */
  void flush() {}

  @Override
  public void wantsMore() {}

  /** How many batches run or could run at once. */
  abstract int workers();

  /** The workers that are not in this JVM. */
  List<WorkerStatus> placedWorkers() {
    return List.of();
  }

  @Override
  public final void fail(HeadraceException reason) {
    flow.fail(reason);
  }

  @Override
  public final void report(Observer.WorkerEvent event) {
    flow.observers.workerChanged(event);
  }

  @Override
  public final boolean isObserved() {
    return flow.observers.isObserved();
  }

  @Override
  public final void report(Observer.TransferEvent event) {
    flow.observers.transferred(event);
  }

  /** Replaces the handler of all workers, or that of each, by what has not been started. */
  final void swap(HandlerSource given) {
    requireNotStarting();
    HandlerSource handlers = given.at(step.workers(), flow.name(), step.name(), maxSize);
    requireShared(handlers.shared());
    List<Runnable> retirements;
    synchronized (changes) {
      requirePlaces(handlers.elsewhere());
      retirements = handlers.shared() ? replaceAll(handlers) : replaceEach(handlers.handlings());
    }
    retirements.forEach(Runnable::run); // other changes do not wait until a handler is closed
  }

  private List<Runnable> replaceAll(HandlerSource handlers) {
    Handling handling = handlers.handlings().get();
    if (serves(handling)) { // it would be closed while it does
      throw new IllegalArgumentException(
          handlers.given()
              + " is the handler that "
              + this
              + " has: it can be replaced by another one");
    }
    Startup.replacement(handling, this);
    Runnable retirement = replace(handling);
    if (retirement == null) {
      Ending.close(handling, this);
      throw flow.stopped();
    }
    return List.of(retirement);
  }

  /** A change waits until the one before has ended, and that waits for the workers it adds. */
  private void requireNotStarting() {
    if (isStartedBy(Thread.currentThread())) {
      throw new IllegalStateException(
          "a worker of " + this + " that starts cannot change its own step");
    }
  }

  private void requireShared(boolean shared) {
    if (step.shared() != shared) {
      throw new IllegalArgumentException(
          "the workers of "
              + this
              + (shared
                  ? " have a handler each, they need a factory"
                  : " share a handler, they need no factory"));
    }
  }

  /** What replaces another has as many workers as that was resized to. */
  private void requirePlaces(Placement.@Nullable BatchExecutor elsewhere) {
    if (elsewhere == null) {
      return;
    }
    if (resizedTo > 0) {
      try {
        elsewhere.resize(resizedTo);
      } catch (Exception failure) {
        throw new StartException(
            step.workers() + " cannot have " + resizedTo + " workers: " + failure, failure);
      }
    }
    if (elsewhere.places() < workers()) {
      throw new IllegalArgumentException(
          step.workers()
              + " has "
              + elsewhere.places()
              + " places now, "
              + this
              + " has "
              + workers()
              + " and cannot have fewer");
    }
  }

  /** Changes the number of workers. */
  final void resize(int workers) throws InterruptedException {
    requireNotStarting();
    if (step.workers().count == Workers.UNLIMITED) {
      throw new IllegalArgumentException(
          "workers of " + this + " are " + step.workers() + ", their number is not limited");
    }
    int most = maxWorkers();
    if (most == 0) {
      throw new IllegalArgumentException(
          "workers of " + this + " are " + step.workers() + ", their number is fixed");
    }
    Checks.between(1, most, workers, "workers");
    synchronized (changes) {
      changeWorkers(workers);
      resizedTo = workers;
    }
  }

  /** How many workers there can be; 0 if their number is fixed. */
  int maxWorkers() {
    return step.workers().kind == Workers.Kind.EXECUTOR ? Integer.MAX_VALUE : Workers.MAX_THREADS;
  }

  /** Whether it calls the handler that all workers share. */
  abstract boolean serves(Handling handling);

  /** Returns what retires the handler before; null if the station is closed. */
  abstract @Nullable Runnable replace(Handling started);

  /** The same for the handler of each worker; throws if all are closed. */
  abstract List<Runnable> replaceEach(Supplier<Handling> handlings);

  abstract void changeWorkers(int workers) throws InterruptedException;

  @Override
  public final String toString() {
    return flow.name().equals(step.name())
        ? flow.name()
        : "step " + step.name() + " of " + flow.name();
  }
}
