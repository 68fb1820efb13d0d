package io.headrace;

import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Where the tickets of one step wait and are handled. */
abstract sealed class Station permits QueuedStation, InlineStation {
  /** The time of arrival of a ticket of which nobody wanted to know it. */
  static final long UNKNOWN = Long.MIN_VALUE;

  final Flow<?, ?> flow;
  final Step step;
  final @Nullable Predicate<Object> condition;
  final int index;
  final boolean isLast;

  /** Why the station was shut down, if it was; written before a handler is interrupted. */
  volatile @Nullable HeadraceException shutdownReason;

  /** The policy's maximum, read once: the policy is code of users and could throw. */
  final int maxSize;

  Station(Flow<?, ?> flow, Step step, int index, boolean isLast) {
    this.flow = flow;
    this.step = step;
    condition = step.condition();
    this.index = index;
    this.isLast = isLast;
    maxSize = step.maxSize();
  }

  /**
   * Takes a chain of n tickets. Those that it cannot take complete with the reason.
   *
   * @param worker whose batch they come from, if any; busy until all have found room
   */
  abstract void accept(Ticket first, Ticket last, int n, @Nullable Slot worker);

  /** A ticket that waits here is not needed anymore. Any thread. */
  abstract void withdraw(Ticket ticket);

  /** Prepares the handlers; tells the start-up when each is ready or has failed. */
  abstract void start(Startup startup);

  /**
   * Accepts no more. When what was accepted is done the flow is told through {@link
   * Flow#stationDrained}.
   */
  abstract void close();

  /**
   * Accepts no more, fails what waits and what runs. The flow is told when the handlers have
   * returned.
   */
  abstract void shutdown(HeadraceException reason);

  /** Ends the workers, after the last batch. They close their handlers and tell the ending. */
  abstract void end(Ending ending);

  /** How many items wait here. */
  abstract int queued();

  /** Whether a thread executes a handler of this station. */
  abstract boolean isExecutedBy(Thread thread);

  @Override
  public final String toString() {
    return flow.name().equals(step.name())
        ? flow.name()
        : "step " + step.name() + " of " + flow.name();
  }
}
