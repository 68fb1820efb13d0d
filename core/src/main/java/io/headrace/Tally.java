package io.headrace;

import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Ends the calls of a flow and counts how they ended: each when its ticket leaves the flow, which
 * happens once, whoever has completed it. Thread safe.
 */
final class Tally {
  private final @Nullable Admission admission;
  private final LongAdder completed = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final LongAdder timedOut = new LongAdder();
  private final LongAdder cancelled = new LongAdder();
  private final LongAdder rejected = new LongAdder();

  /**
   * Nothing has ended yet.
   *
   * @param admission is told which tickets have left
   */
  Tally(@Nullable Admission admission) {
    this.admission = admission;
  }

  /** How many calls have ended so. */
  long ended(Observer.Outcome outcome) {
    return count(outcome).sum();
  }

  /** Completes a ticket; returns whether it was not complete, and is to be counted then. */
  boolean complete(Ticket ticket, @Nullable Object result) {
    ticket.value = null; // its caller may keep it for long
    if (!ticket.succeed(result)) {
      left(ticket);
      return false;
    }
    if (!ticket.isCall()) {
      return false;
    }
    if (admission != null) {
      admission.left(ticket);
    }
    return true;
  }

  /** Some calls have been completed. */
  void succeeded(int n) {
    if (n > 0) {
      completed.add(n);
    }
  }

  void succeed(Ticket ticket, @Nullable Object result) {
    if (complete(ticket, result)) {
      succeeded(1);
    }
  }

  void fail(Ticket ticket, Throwable failure, Observer.Outcome outcome) {
    boolean first = ticket.fail(failure, outcome);
    ended(ticket, first ? outcome : outcomeOf(ticket));
  }

  void reject(Ticket ticket, HeadraceException reason) {
    fail(ticket, reason, Observer.Outcome.REJECTED);
  }

  /** A ticket leaves that somebody has completed, or whose timeout is over. */
  void left(Ticket ticket) {
    ended(ticket, outcomeOf(ticket));
  }

  /** A ticket is about to leave that no handler has done its work for. */
  void unhandled(Ticket ticket) {
    if (admission != null) {
      admission.left(ticket);
    }
  }

  private void ended(Ticket ticket, Observer.Outcome outcome) {
    ticket.value = null;
    if (!ticket.isCall()) {
      return;
    }
    count(outcome).increment();
    if (admission != null && outcome == Observer.Outcome.REJECTED) {
      admission.left(ticket);
    } else if (admission != null) {
      admission.leftUnanswered(ticket);
    }
  }

  private LongAdder count(Observer.Outcome outcome) {
    return switch (outcome) {
      case COMPLETED -> completed;
      case FAILED -> failed;
      case TIMED_OUT -> timedOut;
      case CANCELLED -> cancelled;
      case REJECTED -> rejected;
    };
  }

  /** How a call has ended that did not end here. */
  private static Observer.Outcome outcomeOf(Ticket ticket) {
    if (!ticket.isDone()) {
      return Observer.Outcome.TIMED_OUT; // its alarm rings in a moment
    }
    if (!ticket.isOvertaken()) {
      return Observer.Outcome.CANCELLED; // its caller has completed it
    }
    return ticket.exceptionNow() instanceof DeadlineExceededException
        ? Observer.Outcome.TIMED_OUT
        : Observer.Outcome.REJECTED;
  }
}
