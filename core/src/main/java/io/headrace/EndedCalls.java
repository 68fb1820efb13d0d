package io.headrace;

import java.util.concurrent.atomic.LongAdder;

/**
 * How many calls of a flow have ended, by the way they did. Thread safe. Tickets know it and not
 * their flow: a future that is kept for long keeps no handlers.
 */
final class EndedCalls {
  private final LongAdder completed = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final LongAdder timedOut = new LongAdder();
  private final LongAdder cancelled = new LongAdder();
  private final LongAdder rejected = new LongAdder();

  /** How many have ended so. */
  long count(Observer.Outcome outcome) {
    return of(outcome).sum();
  }

  void add(Observer.Outcome outcome, int n) {
    of(outcome).add(n);
  }

  /**
   * A ticket has been completed on its way, or leaves without having been completed where it was
   * carried to. Both can happen to one; the first counts, if it is a call.
   */
  void addOnce(Ticket ticket, Observer.Outcome outcome) {
    if (ticket.isCall() && ticket.isFirstToCount()) {
      add(outcome, 1);
    }
  }

  private LongAdder of(Observer.Outcome outcome) {
    return switch (outcome) {
      case COMPLETED -> completed;
      case FAILED -> failed;
      case TIMED_OUT -> timedOut;
      case CANCELLED -> cancelled;
      case REJECTED -> rejected;
    };
  }
}
