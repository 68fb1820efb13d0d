package io.headrace;

import org.jspecify.annotations.Nullable;

/**
 * Ends the calls of a flow and counts how they ended: each once, when it ends or when its ticket
 * leaves the flow, whichever is known first. Thread safe.
 */
final class Tally {
  private final @Nullable Admission admission;

  /** How the calls have ended so far. */
  final EndedCalls calls = new EndedCalls();

  /**
   * Nothing has ended yet.
   *
   * @param admission is told which tickets leave
   */
  Tally(@Nullable Admission admission) {
    this.admission = admission;
  }

  /**
   * Completes a ticket; returns whether it was not complete, and is to be counted then.
   *
   * @param at the station whose result it is, if any
   */
  boolean complete(Ticket ticket, @Nullable Object result, @Nullable Station at) {
    ticket.forget();
    if (!ticket.succeed(result)) {
      left(ticket, at);
      return false;
    }
    leaves(ticket);
    return ticket.isCall();
  }

  /** Some calls have been completed. */
  void succeeded(int n) {
    if (n > 0) {
      calls.add(Observer.Outcome.COMPLETED, n);
    }
  }

  void succeed(Ticket ticket, @Nullable Object result) {
    if (complete(ticket, result, null)) {
      succeeded(1);
    }
  }

  /**
   * Fails a ticket; returns whether it was not complete.
   *
   * @param at the station where that happens, if any; not in its drain
   */
  boolean fail(Ticket ticket, Throwable failure, Observer.Outcome outcome, @Nullable Station at) {
    if (!ticket.fail(failure, outcome)) {
      left(ticket, at);
      return false;
    }
    ticket.forget();
    if (at != null) {
      at.lost(outcome);
    }
    leaves(ticket);
    if (ticket.isCall()) {
      calls.add(outcome, 1);
    }
    return true;
  }

  void reject(Ticket ticket, HeadraceException reason, @Nullable Station at) {
    fail(ticket, reason, Observer.Outcome.REJECTED, at);
  }

  /**
   * A ticket leaves that somebody has completed, or whose timeout is over.
   *
   * @param at the station where it does, if any; not in its drain
   */
  void left(Ticket ticket, @Nullable Station at) {
    Observer.Outcome outcome = left(ticket);
    if (at != null) {
      at.lost(outcome);
    }
  }

  /** The same, told to no station. Returns how its call has ended. */
  Observer.Outcome left(Ticket ticket) {
    Observer.Outcome outcome = outcomeOf(ticket);
    ticket.forget();
    leaves(ticket);
    calls.addOnce(ticket, outcome);
    return outcome;
  }

  private void leaves(Ticket ticket) {
    if (admission != null) {
      admission.left(ticket);
    }
  }

  /** How a call has ended that did not end here. */
  private static Observer.Outcome outcomeOf(Ticket ticket) {
    if (!ticket.isDone()) {
      return Observer.Outcome.TIMED_OUT; // its alarm rings in a moment
    }
    Ticket call = ticket;
    while (!call.isOvertaken() && call.terms instanceof Part part) {
      call = part.call(); // it was cancelled with its call, or by another branch
    }
    if (!call.isOvertaken()) {
      return Observer.Outcome.CANCELLED; // its caller has completed it
    }
    return call.exceptionNow() instanceof DeadlineExceededException
        ? Observer.Outcome.TIMED_OUT
        : Observer.Outcome.REJECTED;
  }
}
