package io.headrace;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Some tickets on their way through a handler: executes it and sends each ticket on with its
 * result. If the handler fails and the step isolates failures, it is executed again on parts of the
 * batch. A worker uses one again and again; it holds one batch at a time.
 */
final class Batch {
  private final Station station;
  private final Tally tally;

  /**
   * The worker that is busy until the batch is done; for an inline station that of the step before.
   */
  private final @Nullable Slot worker;

  private final @Nullable Route route;

  private @Nullable Ticket[] tickets;
  private int size;
  private int weight;

  /** What the handler is executed on: the whole batch, or a part of it after it has failed. */
  private @Nullable Ticket[] part;

  private int partSize;
  private @Nullable Isolation isolation;

  /** Whether somebody wants to know how long things take. */
  private boolean isTimed;

  /** Whether an observer follows one of the calls. */
  private boolean isFollowed;

  /** Whether one of the callers waits for a time only. */
  private boolean isLimited;

  /**
   * Whether the handler has just thrown an {@link InterruptedException}: whose thread it is has to
   * know, but neither the continuations of callers nor the next part.
   */
  private boolean isInterrupted;

  private @Nullable Executions executions;
  private FlightEvents.@Nullable Batch flight;
  private long formedNanos;
  private int queueLength;

  /** Written before the reason of a shutdown is read, and read after it is written. */
  private volatile @Nullable CompletableFuture<?> awaited;

  /**
   * An empty batch.
   *
   * @param expectedSize how many tickets it has room for at first
   */
  Batch(Station station, @Nullable Slot worker, int expectedSize) {
    this.station = station;
    this.tally = station.flow.tally;
    this.worker = worker;
    route = station.isLast ? null : new Route(station.flow);
    tickets = new @Nullable Ticket[Math.min(station.maxSize, expectedSize)];
    part = tickets;
  }

  int size() {
    return size;
  }

  int weight() {
    return weight;
  }

  void add(Ticket ticket, int ticketWeight) {
    if (size == tickets.length) {
      tickets = Arrays.copyOf(tickets, 2 * size);
    }
    tickets[size++] = ticket;
    weight += ticketWeight;
    if (ticket.terms != null) {
      isTimed |= ticket.terms.listener != null;
      isFollowed |= ticket.terms.followed != null;
      isLimited |= ticket.terms.hasDeadline;
    }
  }

  /** Says when the batch was complete, and how many items were left waiting. */
  void formed(int queueLength) {
    this.queueLength = queueLength;
    isTimed |= station.flow.observers.isObserved() || station.isTimed();
    if (isTimed) {
      formedNanos = station.flow.time.nanoTime();
    }
  }

  /**
   * Fails what has no result yet, and cancels the answer that is still awaited. Called by another
   * thread than the worker's while it handles.
   */
  void abandon(HeadraceException reason) {
    for (Ticket ticket : tickets) {
      if (ticket != null) {
        ticket.overtake(reason, Observer.Outcome.REJECTED);
      }
    }
    CompletableFuture<?> awaited = this.awaited;
    if (awaited != null) {
      cancel(awaited);
    }
  }

  /** The future is the handler's, and may not know how to. */
  private void cancel(CompletableFuture<?> answer) {
    try {
      answer.cancel(true);
    } catch (Throwable failure) {
      station.flow.observers.report(answer, failure);
    }
  }

  /** Fails the whole batch, which was not executed. */
  void refuse(HeadraceException reason) {
    part = tickets;
    partSize = size;
    failPart(0, reason, Observer.Outcome.REJECTED);
    done();
  }

  /**
   * Executes the handler. Returns when the batch is done, or later calls {@link #done}. A batch
   * that had not begun when the station was shut down does not begin: its worker may have missed
   * the interrupt.
   */
  void execute(Handling handling) {
    HeadraceException reason = station.shutdownReason;
    if (reason != null) {
      refuse(reason);
      return;
    }
    part = tickets;
    partSize = size;
    executeParts(handling);
  }

  /**
   * The same for a batch that may have waited for its thread since it was formed: what needs no
   * result anymore is not handled.
   */
  void executeLate(Handling handling) {
    part = tickets;
    long nowNanos = isLimited ? station.flow.time.nanoTime() : 0;
    int left = 0;
    for (int i = 0; i < size; i++) {
      Ticket ticket = ticket(i);
      if (ticket.isOver(nowNanos)) {
        station.drop(ticket);
      } else if (left++ < i) {
        tickets[left - 1] = ticket;
      }
    }
    if (left < size) {
      keep(left);
    }
    if (size == 0) {
      done();
    } else {
      execute(handling);
    }
  }

  /** Only the first so many tickets are handled. */
  private void keep(int left) {
    Arrays.fill(tickets, left, size, null);
    station.ended(size - left);
    weight = weight == size ? left : 0; // it is not known; a policy that learns is not told of 0
    size = left;
  }

  /** Executes a part, and those that follow it, until one is answered later or all are done. */
  private void executeParts(Handling handling) {
    boolean interrupted = false;
    boolean isDone = false;
    while (!isDone && executePart(handling)) {
      interrupted |= isInterrupted;
      isInterrupted = false; // before the batch is done, and another's
      isDone = !nextPart();
    }
    if (interrupted) {
      Thread.currentThread().interrupt(); // the thread is a caller's or an executor's, mostly
    }
  }

  /** Returns whether the part is done; if not, it will be later. */
  private boolean executePart(Handling handling) {
    long startNanos = isTimed ? station.flow.time.nanoTime() : 0;
    if (isolation != null) {
      formedNanos = startNanos;
    }
    flight = isTimed ? Flight.beginBatch() : null;
    Handling.Answer answer;
    try {
      answer = handle(handling);
    } catch (Throwable failure) {
      isInterrupted = failure instanceof InterruptedException;
      failed(failure, startNanos);
      return true;
    }
    var later = answer.later();
    if (later == null) {
      deliver(answer.results(), startNanos);
      return true;
    }
    if (later.isDone()) {
      concluded(later, startNanos);
      return true;
    }
    awaited = later;
    if (station instanceof InlineStation inline) {
      inline.awaits(this);
    }
    var _ =
        later.whenComplete(
            (results, failure) ->
                station.flow.inside(() -> conclude(handling, results, failure, startNanos)));
    if (station.shutdownReason != null) {
      cancel(later);
    }
    return false;
  }

  private Handling.Answer handle(Handling handling) throws Exception {
    if (!isFollowed) {
      return handling.handle(items());
    }
    Executions executions = following();
    this.executions = executions;
    try {
      return handling.handle(items());
    } finally {
      executions.returned();
    }
  }

  private Executions following() {
    List<@Nullable Terms> terms = new ArrayList<>(partSize);
    long[] queueNanos = new long[partSize];
    for (int i = 0; i < partSize; i++) {
      Ticket ticket = ticket(i);
      terms.add(ticket.terms);
      queueNanos[i] = waitNanos(ticket);
    }
    return station.flow.observers.executing(station.step.name(), terms, queueNanos);
  }

  private void conclude(
      Handling handling, @Nullable List<?> results, @Nullable Throwable failure, long startNanos) {
    concluded(results, failure, startNanos);
    if (nextPart()) {
      executeParts(handling);
    }
  }

  private void concluded(CompletableFuture<? extends List<?>> answer, long startNanos) {
    var _ =
        answer.handle(
            (results, failure) -> {
              concluded(results, failure, startNanos);
              return null;
            });
  }

  private void concluded(@Nullable List<?> results, @Nullable Throwable failure, long startNanos) {
    if (failure != null) {
      failed(Failures.unwrapped(failure), startNanos);
      return;
    }
    List<?> read;
    try {
      read = ResultLists.read(results, partSize, station instanceof InlineStation);
    } catch (Throwable unreadable) {
      failed(unreadable, startNanos);
      return;
    }
    deliver(read, startNanos);
  }

  /** Goes on to the next part of a batch that has failed. Returns false if the batch is done. */
  private boolean nextPart() {
    if (isolation != null) {
      HeadraceException reason = station.shutdownReason;
      if (reason != null) {
        isolation.rest().forEach(ticket -> tally.reject(ticket, reason, station));
      }
      isolation.ended().forEach(ticket -> tally.left(ticket, station));
      List<Ticket> next = isolation.next();
      if (!next.isEmpty()) {
        part = next.toArray(Ticket[]::new);
        partSize = part.length;
        station.retried(partSize);
        return true;
      }
    }
    done();
    return false;
  }

  @SuppressWarnings("unchecked") // handlers that may be given null accept it
  private List<Object> items() {
    @Nullable Object[] items = new @Nullable Object[partSize];
    for (int i = 0; i < partSize; i++) {
      items[i] = ticket(i).value;
    }
    return (List<Object>)
        (List<?>) new BatchItems(items, isLimited ? TimeLeft.of(part, partSize) : null);
  }

  private void deliver(@Nullable List<?> results, long startNanos) {
    try {
      checkSize(results);
    } catch (Throwable failure) {
      failed(failure, startNanos);
      return;
    }
    HeadraceException reason = station.shutdownReason;
    int next = 0;
    int succeeded = 0;
    try {
      Outcomes<?> outcomes = results instanceof Outcomes<?> some ? some : null;
      report(startNanos, outcomes == null || reason != null ? 0 : failing(outcomes), null);
      Iterator<?> iterator = results == null || outcomes != null ? null : results.iterator();
      for (; next < partSize; next++) {
        Throwable failure = outcomes == null ? null : outcomes.failure(next);
        if (failure != null && reason != null) {
          tally.reject(ticket(next), reason, station); // it may have failed for the interrupt only
        } else if (failure != null) {
          tally.fail(ticket(next), failure, Observer.Outcome.FAILED, station);
        } else if (outcomes != null) {
          succeeded += sendOn(next, outcomes.get(next));
        } else {
          succeeded += sendOn(next, iterator == null ? null : iterator.next());
        }
      }
    } catch (Throwable failure) {
      // the handler changes the list meanwhile, or the JVM is at an end
      for (; next < partSize; next++) {
        station.failAlone(ticket(next), failure);
      }
    }
    tally.succeeded(succeeded);
  }

  /** How many items are about to fail; those that have a result have left, whatever comes. */
  private int failing(Outcomes<?> outcomes) {
    int failing = 0;
    for (int i = 0; i < partSize && outcomes.failures() > 0; i++) {
      failing += outcomes.failure(i) != null && !ticket(i).isDone() ? 1 : 0;
    }
    return failing;
  }

  /** The same for a part that fails as a whole. */
  private int failing() {
    int failing = 0;
    for (int i = 0; i < partSize; i++) {
      failing += ticket(i).isDone() ? 0 : 1;
    }
    return failing;
  }

  private void checkSize(@Nullable List<?> results) {
    if (results != null && results.size() != partSize) {
      throw new BatchSizeMismatchException(
          "the handler of "
              + station
              + " returned "
              + results.size()
              + " results for a batch of "
              + partSize);
    }
  }

  private void failed(Throwable failure, long startNanos) {
    HeadraceException reason = station.shutdownReason;
    if (reason != null) {
      report(startNanos, 0, failure);
      failPart(0, reason, Observer.Outcome.REJECTED); // it may have failed for the interrupt only
    } else if (station.step.maxTries() == 1 || (isolation == null && partSize == 1)) {
      report(startNanos, failing(), failure);
      failPart(0, failure, Observer.Outcome.FAILED);
    } else if (isolation == null) {
      long endNanos = report(startNanos, 0, failure);
      isolation =
          new Isolation(
              station.step.maxTries(),
              IntStream.range(0, partSize).mapToObj(this::ticket).toList());
      waitAgain(endNanos);
    } else {
      List<Ticket> guilty = isolation.failed();
      int failing = (int) guilty.stream().filter(ticket -> !ticket.isDone()).count();
      long endNanos = report(startNanos, failing, failure);
      guilty.forEach(ticket -> tally.fail(ticket, failure, Observer.Outcome.FAILED, station));
      waitAgain(endNanos);
    }
  }

  /**
   * What may be executed again waits for that since its execution; it has told of its first wait.
   */
  private void waitAgain(long sinceNanos) {
    for (int i = 0; isTimed && i < partSize; i++) {
      ticket(i).arrivalNanos = sinceNanos;
    }
  }

  private void failPart(int first, Throwable failure, Observer.Outcome outcome) {
    for (int i = first; i < partSize; i++) {
      tally.fail(ticket(i), failure, outcome, station);
    }
  }

  /** Returns how many calls have succeeded so: 1 or 0. */
  private int sendOn(int index, @Nullable Object result) {
    Ticket ticket = ticket(index);
    if (route != null && !ticket.isDone()) {
      ticket.value = result;
      route.add(ticket, station.next);
      return 0;
    }
    if (route == null) {
      return tally.complete(ticket, result, station) ? 1 : 0;
    }
    tally.left(ticket, station);
    return 0;
  }

  /**
   * Tells the listeners and observers; without a failure if the handler has answered.
   *
   * @return when the handler has ended; 0 if nobody wants to know
   */
  private long report(long startNanos, int failed, @Nullable Throwable failure) {
    if (!isTimed) {
      return 0;
    }
    long handleNanos = station.flow.time.nanoTime() - startNanos;
    if (failure == null && worker != null && worker.station == station && isolation == null) {
      worker.handled(weight, handleNanos);
    }
    Observers observers = station.flow.observers;
    String name = station.step.name();
    long[] queueNanos = new long[partSize];
    for (int i = 0; i < partSize; i++) {
      Ticket ticket = ticket(i);
      queueNanos[i] = waitNanos(ticket);
      if (ticket.terms != null && ticket.terms.listener != null) {
        observers.stepDone(ticket.terms.listener, name, partSize, queueNanos[i], handleNanos);
      }
    }
    if (observers.isObserved()) {
      Observer.BatchEvent event =
          new Observer.BatchEvent(
              station.flow.name(), name, partSize, failed, handleNanos, queueNanos, queueLength);
      if (executions != null) {
        executions.handled(event, failure);
        executions = null;
      }
      observers.batchHandled(event, flight);
    }
    return startNanos + handleNanos;
  }

  /** Zero if it has arrived before a recording began. */
  private long waitNanos(Ticket ticket) {
    return ticket.arrivalNanos == Station.UNKNOWN ? 0 : formedNanos - ticket.arrivalNanos;
  }

  /** The last step of a batch: what goes to other stations goes, and the worker is free. */
  private void done() {
    if (route != null) {
      route.send(worker);
    }
    int handled = size;
    Arrays.fill(tickets, 0, size, null);
    part = tickets;
    isolation = null;
    size = 0;
    weight = 0;
    isTimed = false;
    isFollowed = false;
    isLimited = false;
    boolean later = awaited != null;
    if (later) {
      awaited = null;
    }
    station.ended(handled);
    if (station instanceof InlineStation inline) {
      inline.done(this, later);
    }
    if (worker != null) {
      worker.batchDone();
    }
  }

  private Ticket ticket(int index) {
    Ticket ticket = part[index];
    if (ticket == null) {
      throw new CompletionException(
          new AssertionError("no ticket at " + index + " of " + partSize));
    }
    return ticket;
  }
}
