package io.headrace;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * Refuses on arrival what is not going to be answered in time: at the entry of a flow by what the
 * steps can do that every item goes through, at each other step by what that step can do. Thread
 * safe.
 */
final class Admission {
  /*
   * Only what every item goes through says at the entry how long an item needs. If the steps
   * counted there that some items pass by, those would be refused for the sake of others, and the
   * rate of a busy step would seem to be that of all items. What waits at such a step counts at the
   * entry, too: on average it is part of the way.
   *
   * An inline step, or one without a limit of workers, keeps nothing waiting and is never asked.
   */

  private final Flow<?, ?> flow;
  private final long objectiveNanos;
  private final Capacity capacity;

  /** How many items of each priority are in the flow. */
  private final AtomicLongArray inFlight;

  Admission(Flow<?, ?> flow, long objectiveNanos) {
    this.flow = flow;
    this.objectiveNanos = objectiveNanos;
    capacity = new Capacity(flow, objectiveNanos);
    inFlight = new AtomicLongArray(flow.priorities());
  }

  /** Adds a step that every item goes through; before there are items. */
  void watch(Station station) {
    capacity.add(station);
  }

  /** Lets a ticket in, or tells why not. */
  @Nullable RejectedException refusal(Ticket ticket) {
    Terms terms = ticket.terms;
    long nowNanos = terms == null ? flow.time.nanoTime() : terms.submittedNanos;
    long timeNanos = timeNanos(terms, objectiveNanos, nowNanos);
    long ahead = inFlightFrom(ticket.priority);
    boolean isKnown = isDeadline(terms, timeNanos, nowNanos);
    if (!capacity.hasTime(ticket.priority, isKnown, timeNanos, ahead, nowNanos)) {
      return refusal(flow.name(), ahead, timeNanos);
    }
    ticket.isCounted = true;
    inFlight.getAndIncrement(ticket.priority);
    return null;
  }

  /**
   * How much time a ticket has left: until the deadline that its caller has named, or until the
   * objective, and at most until the deadline that the service gives to all.
   */
  static long timeNanos(@Nullable Terms terms, long objectiveNanos, long nowNanos) {
    if (terms == null) {
      return objectiveNanos;
    }
    long objectiveLeft = terms.submittedNanos + objectiveNanos - nowNanos;
    if (!terms.hasDeadline) {
      return objectiveLeft;
    }
    long left = terms.deadlineNanos - nowNanos;
    return terms.isNamed ? left : Math.min(left, objectiveLeft);
  }

  /** Whether that time is until a deadline, of which policies know. */
  static boolean isDeadline(@Nullable Terms terms, long timeNanos, long nowNanos) {
    return terms != null && terms.hasDeadline && terms.deadlineNanos - nowNanos == timeNanos;
  }

  static RejectedException refusal(String where, long ahead, long timeNanos) {
    return new RejectedException(
        where
            + " has "
            + ahead
            + " items in flight and would need longer than "
            + Duration.ofNanos(Math.max(0, timeNanos))
            + " for one more",
        null);
  }

  /** A ticket leaves the flow, or is about to. */
  void left(Ticket ticket) {
    if (ticket.isCounted) {
      ticket.isCounted = false;
      inFlight.getAndDecrement(ticket.priority);
    }
  }

  private long inFlightFrom(int priority) {
    long count = 0;
    for (int p = priority; p < inFlight.length(); p++) {
      count += inFlight.get(p);
    }
    return count;
  }
}
