package io.headrace;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a ticket has beyond the default: a deadline, a listener, the observers of its service. Most
 * tickets of an unobserved service have none.
 */
sealed class Terms permits Part, WarmUpTerms {
  final Observers observers;
  final TimeSource time;
  final @Nullable CallListener listener;
  final boolean hasDeadline;

  /** Whether the deadline is that of a timeout that was named for the call. */
  final boolean isNamed;

  final long submittedNanos;
  final long deadlineNanos;

  /**
   * What each observer wants to be given when the call is executed; null if none wants anything.
   */
  final @Nullable Object @Nullable [] followed;

  private FlightEvents.@Nullable Call flight;

  /** Null once the call has ended: terms still wait in the heap of {@link Deadlines} then. */
  volatile @Nullable Ticket ticket;

  Terms(Ticket ticket, CallOptions options, Observers observers, TimeSource time) {
    this.ticket = ticket;
    this.observers = observers;
    this.time = time;
    listener = options.listener;
    followed = observers.submitted();
    hasDeadline = options.timeoutNanos != 0;
    isNamed = options.isNamed;
    flight = Flight.beginCall();
    submittedNanos = time.nanoTime();
    deadlineNanos = submittedNanos + options.timeoutNanos;
  }

  /** The terms of what is no call, which are those of a call that it belongs to, if any. */
  Terms(@Nullable Terms call, Flow<?, ?> flow) {
    observers = flow.observers;
    time = flow.time;
    listener = call == null ? null : call.listener;
    followed = call == null ? null : call.followed;
    hasDeadline = call != null && call.hasDeadline;
    isNamed = call != null && call.isNamed;
    submittedNanos = call == null ? 0 : call.submittedNanos;
    deadlineNanos = call == null ? 0 : call.deadlineNanos;
  }

  /** Whether the end of the ticket is that of a call. */
  boolean isCall() {
    return true;
  }

  boolean isExpired(long nowNanos) {
    return hasDeadline && nowNanos - deadlineNanos >= 0;
  }

  /** Why a call fails whose timeout is over. */
  DeadlineExceededException expiry(String service) {
    return new DeadlineExceededException(
        service + " had no result within " + Duration.ofNanos(deadlineNanos - submittedNanos));
  }

  /** The timeout is over, unless the call has ended. */
  void expire(String service) {
    Ticket ticket = this.ticket;
    if (ticket != null) {
      ticket.expire(expiry(service));
    }
  }

  void ended(Observer.Outcome outcome, long nowNanos) {
    ticket = null;
    observers.callEnded(this, outcome, nowNanos - submittedNanos, flight);
  }
}
