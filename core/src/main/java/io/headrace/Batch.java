package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Some tickets on their way through a handler: executes it and sends each ticket on with its
 * result. A worker uses one again and again; it holds one batch at a time.
 */
final class Batch {
  private final Station station;

  /**
   * The worker that is busy until the batch is done; for an inline station that of the step before.
   */
  private final @Nullable Slot worker;

  private final @Nullable Route route;

  private @Nullable Ticket[] tickets;
  private int size;

  /** Whether somebody wants to know how long things take. */
  private boolean isTimed;

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
    this.worker = worker;
    route = station.isLast ? null : new Route(station.flow);
    tickets = new @Nullable Ticket[Math.min(station.maxSize, expectedSize)];
  }

  int size() {
    return size;
  }

  void add(Ticket ticket) {
    if (size == tickets.length) {
      tickets = Arrays.copyOf(tickets, 2 * size);
    }
    tickets[size++] = ticket;
    isTimed |= ticket.terms != null && ticket.terms.listener != null;
  }

  /** Says when the batch was complete, and how many items were left waiting. */
  void formed(int queueLength) {
    this.queueLength = queueLength;
    isTimed |= station.flow.observers.isObserved();
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
        ticket.reject(reason);
      }
    }
    CompletableFuture<?> awaited = this.awaited;
    if (awaited != null) {
      awaited.cancel(true);
    }
  }

  /** Fails the whole batch, which was not executed. */
  void refuse(HeadraceException reason) {
    for (int i = 0; i < size; i++) {
      ticket(i).reject(reason);
    }
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
    long startNanos = isTimed ? station.flow.time.nanoTime() : 0;
    flight = isTimed ? Flight.beginBatch() : null;
    Handling.Answer answer;
    try {
      answer = handling.handle(items());
    } catch (Throwable failure) {
      fail(failure, startNanos);
      return;
    }
    var later = answer.later();
    if (later == null) {
      deliver(answer.results(), startNanos);
    } else {
      awaited = later;
      if (station instanceof InlineStation inline) {
        inline.awaits(this);
      }
      var _ =
          later.whenComplete(
              (results, failure) ->
                  station.flow.inside(() -> conclude(results, failure, startNanos)));
      if (station.shutdownReason != null) {
        later.cancel(true);
      }
    }
  }

  private void conclude(@Nullable List<?> results, @Nullable Throwable failure, long startNanos) {
    if (failure == null) {
      deliver(results, startNanos);
    } else {
      fail(Failures.unwrapped(failure), startNanos);
    }
  }

  @SuppressWarnings("unchecked") // handlers that may be given null accept it
  private List<Object> items() {
    @Nullable Object[] items = new @Nullable Object[size];
    for (int i = 0; i < size; i++) {
      items[i] = ticket(i).value;
    }
    return (List<Object>) (List<?>) Collections.unmodifiableList(Arrays.asList(items));
  }

  private void deliver(@Nullable List<?> results, long startNanos) {
    try {
      checkSize(results);
    } catch (Throwable failure) {
      fail(failure, startNanos);
      return;
    }
    int next = 0;
    try {
      Outcomes<?> outcomes = results instanceof Outcomes<?> some ? some : null;
      report(startNanos, outcomes == null ? 0 : outcomes.failures());
      Iterator<?> iterator = results == null || outcomes != null ? null : iterator(results);
      for (; next < size; next++) {
        Throwable failure = outcomes == null ? null : outcomes.failure(next);
        if (failure != null) {
          ticket(next).fail(failure, Observer.Outcome.FAILED);
        } else if (outcomes != null) {
          sendOn(next, outcomes.get(next));
        } else {
          sendOn(next, iterator == null ? null : iterator.next());
        }
      }
    } catch (Throwable failure) {
      failFrom(next, failure); // the list does not keep to its contract
    }
    done();
  }

  private static Iterator<?> iterator(List<?> results) {
    return requireNonNull(results.iterator(), "the iterator of the results");
  }

  private void checkSize(@Nullable List<?> results) {
    if (results != null && results.size() != size) {
      throw new BatchSizeMismatchException(
          "the handler of "
              + station
              + " returned "
              + results.size()
              + " results for a batch of "
              + size);
    }
  }

  private void fail(Throwable failure, long startNanos) {
    report(startNanos, size);
    HeadraceException reason = station.shutdownReason;
    if (reason != null) {
      abandon(reason); // the handler may have failed only because it was interrupted
    } else {
      failFrom(0, failure);
    }
    done();
  }

  private void failFrom(int first, Throwable failure) {
    for (int i = first; i < size; i++) {
      ticket(i).fail(failure, Observer.Outcome.FAILED);
    }
  }

  private void sendOn(int index, @Nullable Object result) {
    Ticket ticket = ticket(index);
    if (route == null) {
      ticket.succeed(result);
    } else if (!ticket.isDone()) {
      ticket.value = result;
      route.add(ticket, station.index + 1);
    }
  }

  /** Tells the listeners and observers. */
  private void report(long startNanos, int failed) {
    if (!isTimed) {
      return;
    }
    long handleNanos = station.flow.time.nanoTime() - startNanos;
    Observers observers = station.flow.observers;
    String name = station.step.name();
    long[] queueNanos = new long[size];
    for (int i = 0; i < size; i++) {
      Ticket ticket = ticket(i);
      queueNanos[i] = waitNanos(ticket);
      if (ticket.terms != null && ticket.terms.listener != null) {
        observers.stepDone(ticket.terms.listener, name, size, queueNanos[i], handleNanos);
      }
    }
    if (observers.isObserved()) {
      observers.batchHandled(
          new Observer.BatchEvent(
              station.flow.name(), name, size, failed, handleNanos, queueNanos, queueLength),
          flight);
    }
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
    Arrays.fill(tickets, 0, size, null);
    size = 0;
    isTimed = false;
    boolean later = awaited != null;
    if (later) {
      awaited = null;
    }
    if (station instanceof InlineStation inline) {
      inline.done(this, later);
    }
    if (worker != null) {
      worker.unhold(1);
    }
  }

  private Ticket ticket(int index) {
    Ticket ticket = tickets[index];
    if (ticket == null) {
      throw new CompletionException(new AssertionError("no ticket at " + index + " of " + size));
    }
    return ticket;
  }
}
