package io.headrace;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Refuses on arrival what a flow is not going to answer in time. Thread safe.
 *
 * <p>By Little's law an item that finds n others in the flow leaves it after n / x, if the flow
 * works at x items per unit of time. The rate is measured, in windows during which some step always
 * had work for all its workers: what the flow did then is what it can do. The limit of concurrent
 * items follows from it and from the time that an item has.
 */
final class Admission {
  /*
   * Limits that watch the latency (TCP Vegas, the gradient of Netflix's concurrency-limits) take it for a
   * sign of congestion when it rises with the number of items in flight. Where items are batched it
   * rises because batches grow, and throughput with it. So this watches the throughput. If n items in
   * flight have the latency s(n), which grows with n, the limit n' = share * time * n / s(n) grows while
   * s(n) is below that share of the time and falls while it is above: it settles where they are equal,
   * whatever the curve.
   *
   * An item counts as done when it has been handled, whatever its outcome: one that fails, or that its
   * caller cancels in its batch, has taken the same work. If only results counted, a handler that fails for a
   * while would look slow, and items would be refused that it has time for. What leaves before it was handled does not count.
   *
   * Items of a lower priority do not delay those of a higher one, except by the batch that runs. So an
   * item counts only those of its own priority and higher, and of the rate only what the items leave it
   * that are going to overtake it, of higher priorities: lower ones are refused first.
   */

  /** What share of its time an item may be expected to need; the rest is for what varies. */
  private static final double SHARE = 0.75;

  /** How much of the difference to what a window has shown goes into the rate. */
  private static final double GAIN = 0.3;

  private static final long SHORTEST_WINDOW_NANOS = 1_000_000;
  private static final long LONGEST_WINDOW_NANOS = 1_000_000_000;

  private final Flow<?, ?> flow;
  private final long objectiveNanos;
  private final long windowNanos;

  /** How many items of each priority are in the flow. */
  private final AtomicLongArray inFlight;

  private final AtomicBoolean isMeasuring = new AtomicBoolean();
  private volatile long windowStartNanos;

  /** Of who measures: items per nanosecond; 0 if nothing is known. */
  private double rate;

  /** Of who measures: the same for the items of each priority that come. */
  private final double[] arrivalRates;

  /** How many items of each priority were let in since the last window began. */
  private final AtomicLongArray entered;

  /** Items per nanosecond that are left for each priority by the higher ones. */
  private volatile double[] rates;

  /** How many items were handled, and failed, or were needed no more. */
  private final LongAdder unanswered = new LongAdder();

  /** Of who measures: how many items were handled before. */
  private long handledBefore;

  Admission(Flow<?, ?> flow, long objectiveNanos) {
    this.flow = flow;
    this.objectiveNanos = objectiveNanos;
    windowNanos = Math.clamp(objectiveNanos, SHORTEST_WINDOW_NANOS, LONGEST_WINDOW_NANOS);
    inFlight = new AtomicLongArray(flow.priorities());
    entered = new AtomicLongArray(flow.priorities());
    arrivalRates = new double[flow.priorities()];
    rates = new double[flow.priorities()];
    windowStartNanos = flow.time.nanoTime();
  }

  /** Lets a ticket in, or tells why not. */
  @Nullable RejectedException refusal(Ticket ticket) {
    Terms terms = ticket.terms;
    long nowNanos = terms == null ? flow.time.nanoTime() : terms.submittedNanos;
    measure(nowNanos);
    long timeNanos =
        terms != null && terms.hasDeadline ? terms.deadlineNanos - nowNanos : objectiveNanos;
    long ahead = inFlightFrom(ticket.priority);
    double rate = rates[ticket.priority];
    if (rate > 0 && ahead >= Math.max(1, rate * timeNanos * SHARE)) {
      return new RejectedException(
          flow.name()
              + " has "
              + ahead
              + " items in flight and would need longer than "
              + Duration.ofNanos(timeNanos)
              + " for one more",
          null);
    }
    ticket.isCounted = true;
    inFlight.getAndIncrement(ticket.priority);
    entered.getAndIncrement(ticket.priority);
    return null;
  }

  /**
   * A ticket leaves the flow: its call is completed, or it says nothing of what the flow can do.
   */
  void left(Ticket ticket) {
    if (ticket.isCounted) {
      ticket.isCounted = false;
      inFlight.getAndDecrement(ticket.priority);
    }
  }

  /** A ticket leaves the flow that was handled, but its call is not completed. */
  void leftUnanswered(Ticket ticket) {
    if (ticket.isCounted) {
      unanswered.increment();
      left(ticket);
    }
  }

  private long inFlightFrom(int priority) {
    long count = 0;
    for (int p = priority; p < inFlight.length(); p++) {
      count += inFlight.get(p);
    }
    return count;
  }

  private void measure(long nowNanos) {
    if (nowNanos - windowStartNanos < windowNanos || !isMeasuring.compareAndSet(false, true)) {
      return;
    }
    try {
      long elapsedNanos = nowNanos - windowStartNanos;
      if (elapsedNanos < windowNanos) {
        return; // another thread has measured since
      }
      long handled = flow.tally.calls.count(Observer.Outcome.COMPLETED) + unanswered.sum();
      double seen = (double) (handled - handledBefore) / elapsedNanos;
      handledBefore = handled;
      windowStartNanos = nowNanos;
      boolean isSaturated = flow.wasSaturated();
      if (rate == 0) {
        rate = isSaturated ? seen : 0;
      } else if (isSaturated || seen > rate) {
        rate += GAIN * (seen - rate);
      }
      share(elapsedNanos);
    } finally {
      isMeasuring.set(false);
    }
  }

  /** Says what the items of each priority leave to those of lower ones. */
  private void share(long elapsedNanos) {
    double[] rates = new double[arrivalRates.length];
    double left = rate;
    for (int p = rates.length - 1; p >= 0; p--) {
      rates[p] = rate == 0 ? 0 : Math.max(left, Double.MIN_NORMAL);
      double arrivals = (double) entered.getAndSet(p, 0) / elapsedNanos;
      arrivalRates[p] += GAIN * (arrivals - arrivalRates[p]);
      left -= arrivalRates[p];
    }
    this.rates = rates;
  }
}
