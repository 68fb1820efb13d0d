package io.headrace;

import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Some tickets on their way through a handler: executes it and sends each ticket on with its
 * result. A worker uses one again and again; it holds one batch at a time.
 */
final class Batch {
  private final Station station;
  private final @Nullable Slot worker;
  private final Route route;

  private @Nullable Ticket[] tickets;
  private int size;

  /** Whether somebody wants to know how long things take. */
  private boolean isTimed;

  private long formedNanos;
  private int queueLength;

  Batch(Station station, @Nullable Slot worker) {
    this.station = station;
    this.worker = worker;
    route = new Route(station.flow);
    tickets = new @Nullable Ticket[Math.min(station.step.policy().maxSize(), 32)];
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

  /** Fails what has no result yet. Called by another thread than the worker's while it handles. */
  void abandon(HeadraceException reason) {
    for (Ticket ticket : tickets) {
      if (ticket != null) {
        ticket.reject(reason);
      }
    }
  }

  /** Fails the whole batch, which was not executed. */
  void refuse(HeadraceException reason) {
    for (int i = 0; i < size; i++) {
      ticket(i).reject(reason);
    }
    done();
  }

  /** Executes the handler. Returns when the batch is done, or later calls {@link #done}. */
  void execute(Handling handling) {
    long startNanos = isTimed ? station.flow.time.nanoTime() : 0;
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
      var _ =
          later.whenComplete(
              (results, failure) -> {
                if (failure == null) {
                  deliver(results, startNanos);
                } else {
                  fail(Failures.unwrapped(failure), startNanos);
                }
              });
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
    int failed = 0;
    try {
      if (results != null && results.size() != size) {
        throw new BatchSizeMismatchException(
            "the handler of "
                + station
                + " returned "
                + results.size()
                + " results for a batch of "
                + size);
      }
      report(startNanos, results instanceof Outcomes<?> outcomes ? outcomes.failures() : 0);
      if (results instanceof Outcomes<?> outcomes && outcomes.failures() > 0) {
        for (; failed < size; failed++) {
          Throwable failure = outcomes.failure(failed);
          if (failure == null) {
            sendOn(failed, outcomes.get(failed));
          } else {
            ticket(failed).fail(failure, Observer.Outcome.FAILED);
          }
        }
      } else if (results == null) {
        for (; failed < size; failed++) {
          sendOn(failed, null);
        }
      } else {
        Iterator<?> iterator = results.iterator();
        for (; failed < size; failed++) {
          sendOn(failed, iterator.next());
        }
      }
    } catch (Throwable failure) {
      // The list of the handler is broken, or too short for its size.
      failFrom(failed, failure);
    }
    done();
  }

  private void fail(Throwable failure, long startNanos) {
    report(startNanos, size);
    failFrom(0, failure);
    done();
  }

  private void failFrom(int first, Throwable failure) {
    for (int i = first; i < size; i++) {
      ticket(i).fail(failure, Observer.Outcome.FAILED);
    }
  }

  private void sendOn(int index, @Nullable Object result) {
    Ticket ticket = ticket(index);
    if (station.isLast) {
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
      queueNanos[i] = formedNanos - ticket.arrivalNanos;
      if (ticket.terms != null && ticket.terms.listener != null) {
        observers.stepDone(ticket.terms.listener, name, size, queueNanos[i], handleNanos);
      }
    }
    if (observers.isObserved()) {
      observers.batchHandled(
          new Observer.BatchEvent(
              station.flow.name(), name, size, failed, handleNanos, queueNanos, queueLength));
    }
  }

  /** The last step of a batch: what goes to other stations goes, and the worker is free. */
  private void done() {
    route.send(worker);
    Arrays.fill(tickets, 0, size, null);
    size = 0;
    isTimed = false;
    if (worker != null) {
      worker.unhold(1);
    } else if (station instanceof InlineStation inline) {
      inline.done(this);
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
