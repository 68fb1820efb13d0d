package io.headrace;

import java.util.Arrays;
import java.util.Collections;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The terms of a ticket that goes one of several branches of another's way. */
final class Part extends Terms {
  private final Parts parts;
  private final int index;

  private Part(Parts parts, int index, @Nullable Terms callTerms, Flow<?, ?> flow) {
    super(callTerms, flow);
    this.parts = parts;
    this.index = index;
  }

  /**
   * Sends a ticket into several branches.
   *
   * @param route takes the tickets for the branches
   */
  static void fork(Ticket call, Node.Fork fork, Route route, Flow<?, ?> flow) {
    Parts parts = new Parts(call, fork.branches().size(), flow);
    var _ = call.whenComplete((result, failure) -> parts.callEnded());
    Ticket[] tickets = parts.tickets.clone();
    for (int i = 0; i < tickets.length; i++) {
      route.add(tickets[i], fork.branches().get(i));
    }
  }

  /**
   * A ticket has come to the end of its branch. Returns the call that goes on, if all have; its
   * value are their values then.
   */
  @Nullable Ticket joined(@Nullable Object value) {
    return parts.arrived(index, value);
  }

  /** The ticket whose way has branches. */
  Ticket call() {
    return parts.call;
  }

  @Override
  boolean isCall() {
    return false;
  }

  /** Only a failure matters. */
  @Override
  void ended(Observer.Outcome outcome, long nowNanos) {
    if (outcome != Observer.Outcome.COMPLETED) {
      parts.failed(index, outcome);
    }
  }

  /** The branches of one call. */
  private static final class Parts {
    private final Ticket call;
    private final Tally tally;
    private final Ticket[] tickets;
    private final @Nullable Object[] values;
    private final AtomicInteger missing;

    /** Whether all branches have arrived, or one has failed. */
    private final AtomicBoolean isOver = new AtomicBoolean();

    Parts(Ticket call, int n, Flow<?, ?> flow) {
      this.call = call;
      tally = flow.tally;
      values = new @Nullable Object[n];
      missing = new AtomicInteger(n);
      tickets = new Ticket[n];
      for (int i = 0; i < n; i++) {
        tickets[i] = flow.ticket(call.value, call.priority, new Part(this, i, call.terms, flow));
      }
    }

    @Nullable Ticket arrived(int index, @Nullable Object value) {
      values[index] = value;
      if (missing.decrementAndGet() > 0 || !isOver.compareAndSet(false, true)) {
        return null;
      }
      call.value = Collections.unmodifiableList(Arrays.asList(values));
      return call;
    }

    /** The first branch that fails fails the call, and the others with it. */
    void failed(int index, Observer.Outcome outcome) {
      if (isOver.compareAndSet(false, true)) {
        Ticket part = tickets[index];
        try {
          cancelAll(); // before continuations of the call run, which can take long
        } finally {
          tally.fail(
              call,
              part.isCancelled() ? new CancellationException() : part.exceptionNow(),
              outcome,
              null);
        }
      }
    }

    /** The call was cancelled, or its timeout is over, or it has come to its end. */
    void callEnded() {
      if (!isOver.get()) {
        cancelAll();
      }
    }

    private void cancelAll() {
      for (Ticket ticket : tickets) {
        ticket.cancel(false);
      }
    }
  }
}
