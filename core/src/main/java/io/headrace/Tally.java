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

  /** Completes a ticket; returns whether it was not complete, and is to be counted then. */
  boolean complete(Ticket ticket, @Nullable Object result) {
    ticket.value = null; // its caller may keep it for long
    if (!ticket.succeed(result)) {
      left(ticket);
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
    if (complete(ticket, result)) {
      succeeded(1);
    }
  }

  void fail(Ticket ticket, Throwable failure, Observer.Outcome outcome) {
    if (!ticket.fail(failure, outcome)) {
      left(ticket);
      return;
    }
    ticket.value = null;
    leaves(ticket);
    if (ticket.isCall()) {
      calls.add(outcome, 1);
    }
  }

  void reject(Ticket ticket, HeadraceException reason) {
    fail(ticket, reason, Observer.Outcome.REJECTED);
  }

  /** A ticket leaves that somebody has completed, or whose timeout is over. */
  void left(Ticket ticket) {
    ticket.value = null;
    leaves(ticket);
    calls.addOnce(ticket, outcomeOf(ticket));
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
    if (!ticket.isOvertaken()) {
      return Observer.Outcome.CANCELLED; // its caller has completed it
    }
    return ticket.exceptionNow() instanceof DeadlineExceededException
        ? Observer.Outcome.TIMED_OUT
        : Observer.Outcome.REJECTED;
  }
}
