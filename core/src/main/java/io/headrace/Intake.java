package io.headrace;

import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Looks at tickets on the threads that bring them, before they get into line at a station. */
final class Intake {
  private final QueuedStation station;
  private final Flow<?, ?> flow;
  private final @Nullable Sorting sorting;
  private final @Nullable LearningPolicy learning;

  private final @Nullable Capacity capacity;
  private final long objectiveNanos;

  /** Whether tickets need their time of arrival. */
  private final boolean stamps;

  /** Whether a ticket had a deadline. */
  private volatile boolean hasSeenDeadline;

  /**
   * Looks at all tickets of a station.
   *
   * @param objectiveNanos tickets that the station has no time for are refused; 0 if not
   */
  Intake(
      QueuedStation station,
      @Nullable LearningPolicy learning,
      boolean stamps,
      long objectiveNanos) {
    this.station = station;
    this.flow = station.flow;
    this.sorting = station.step.sorting();
    this.learning = learning;
    this.stamps = stamps;
    this.objectiveNanos = objectiveNanos;
    capacity = objectiveNanos == 0 ? null : new Capacity(flow, objectiveNanos);
    if (capacity != null) {
      capacity.add(station);
    }
  }

  boolean refusesByTime() {
    return capacity != null;
  }

  /** Whether tickets have to be looked at one by one. */
  boolean isChoosy() {
    return sorting != null || learning != null || capacity != null;
  }

  /** Whether the time decides about tickets of which none may be waiting yet. */
  boolean hasSeenDeadline() {
    return hasSeenDeadline;
  }

  /** Notes when tickets arrived, if somebody wants to know. */
  void stamp(Ticket first) {
    boolean stamps = this.stamps || flow.observers.isObserved(); // a recording can begin any time
    long arrivalNanos = stamps ? flow.time.nanoTime() : Station.UNKNOWN;
    for (Ticket ticket = first; ticket != null; ticket = ticket.next()) {
      Terms terms = ticket.terms;
      if (terms != null && terms.hasDeadline && !hasSeenDeadline) {
        hasSeenDeadline = true;
      }
      ticket.arrivalNanos = stamps || terms == null ? arrivalNanos : flow.time.nanoTime();
      ticket.admitted = false;
    }
  }

  /** Sorts a ticket, or fails it if it cannot be sorted or is known to be late. */
  boolean accepts(Ticket ticket) {
    if (capacity != null && !hasTime(ticket, capacity)) {
      return false;
    }
    if (learning != null && isLate(ticket, learning)) {
      return false;
    }
    if (sorting == null) {
      return true;
    }
    SortedTicket sorted = (SortedTicket) ticket;
    try {
      sorting.sort(sorted, station);
    } catch (Throwable failure) {
      station.failAlone(ticket, failure);
      return false;
    }
    if (sorted.weight > station.maxSize) {
      flow.tally.reject(ticket, tooHeavy(sorted.weight), station);
      return false;
    }
    return true;
  }

  private RejectedException tooHeavy(int weight) {
    return new RejectedException(
        "the weight of an item of "
            + station
            + " is "
            + weight
            + ", a batch takes at most "
            + station.maxSize,
        null);
  }

  /** What warms the flow up, and what is left when it closes, has all the time it needs. */
  private boolean hasTime(Ticket ticket, Capacity capacity) {
    if (flow.state() != Flow.State.RUNNING) {
      return true;
    }
    Terms terms = ticket.terms;
    long timeNanos = Admission.timeNanos(terms, objectiveNanos, ticket.arrivalNanos);
    long ahead = station.estimatedBefore(ticket.priority);
    boolean isKnown = Admission.isDeadline(terms, timeNanos, ticket.arrivalNanos);
    if (capacity.hasTime(ticket.priority, isKnown, timeNanos, ahead, ticket.arrivalNanos)) {
      return true;
    }
    flow.tally.reject(ticket, Admission.refusal(station.toString(), ahead, timeNanos), station);
    return false;
  }

  private boolean isLate(Ticket ticket, LearningPolicy learning) {
    Terms terms = ticket.terms;
    if (terms == null || !terms.hasDeadline) {
      return false;
    }
    long expectedNanos = expectedNanos(ticket, learning);
    if (expectedNanos == 0 || !terms.isExpired(ticket.arrivalNanos + expectedNanos)) {
      return false;
    }
    flow.tally.reject(
        ticket,
        new RejectedException(
            "the item would be late: "
                + station
                + " is expected to take "
                + Duration.ofNanos(expectedNanos),
            null),
        station);
    return true;
  }

  private long expectedNanos(Ticket ticket, LearningPolicy learning) {
    double ahead = station.estimatedAhead(ticket.priority) * station.estimatedMeanWeight();
    try {
      return learning.expectedNanos((int) Math.min(ahead, Integer.MAX_VALUE), ticket.arrivalNanos);
    } catch (Throwable failure) {
      flow.observers.report(learning, failure);
      return 0;
    }
  }

  /**
   * Marks tickets as waiting, for which room is reserved: from now on the drain may count them as
   * left. Returns those that were cancelled since, which nobody may have told the station: a
   * canceller completes the ticket and then reads where it waits, the carrier writes where it waits
   * and then reads whether it is complete.
   */
  @Nullable List<Ticket> register(Ticket first, Ticket last) {
    for (Ticket ticket = first; ticket != last && ticket != null; ticket = ticket.next()) {
      ticket.waitAt(station);
    }
    last.waitAt(station);
    if (station.index == 0 && first.isCall()) {
      return null; // the caller has no future yet
    }
    VarHandle.fullFence();
    List<Ticket> done = null;
    for (Ticket ticket = first; ticket != null; ticket = ticket == last ? null : ticket.next()) {
      if (ticket.isDone()) {
        done = done == null ? new ArrayList<>() : done;
        done.add(ticket);
      }
    }
    return done;
  }
}
