package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a run. A timeout of zero is none, a run-ahead of zero the default; without a cost
 * each input has that of the throttle.
 */
record RunOptions(
    long taskTimeoutNanos,
    long timeoutNanos,
    int runAhead,
    @Nullable Consumer<? super Progress> listener,
    @Nullable ContextPropagation propagation,
    @Nullable ToIntFunction<@Nullable Object> cost) {
  static final RunOptions DEFAULT = new RunOptions(0, 0, 0, null, null, null);

  static final int MAX_RUN_AHEAD = 1 << 20;
  static final int MIN_DEFAULT_RUN_AHEAD = 16;
  static final int UNLIMITED_RUN_AHEAD = 10_000;

  RunOptions withTaskTimeout(long nanos) {
    return new RunOptions(nanos, timeoutNanos, runAhead, listener, propagation, cost);
  }

  RunOptions withTimeout(long nanos) {
    return new RunOptions(taskTimeoutNanos, nanos, runAhead, listener, propagation, cost);
  }

  RunOptions withRunAhead(int tasks) {
    return new RunOptions(taskTimeoutNanos, timeoutNanos, tasks, listener, propagation, cost);
  }

  RunOptions withListener(Consumer<? super Progress> newListener) {
    return new RunOptions(taskTimeoutNanos, timeoutNanos, runAhead, newListener, propagation, cost);
  }

  RunOptions withPropagation(ContextPropagation added) {
    ContextPropagation both = propagation == null ? added : propagation.and(added);
    return new RunOptions(taskTimeoutNanos, timeoutNanos, runAhead, listener, both, cost);
  }

  RunOptions withCost(ToIntFunction<@Nullable Object> newCost) {
    return new RunOptions(taskTimeoutNanos, timeoutNanos, runAhead, listener, propagation, newCost);
  }

  /** What the run carries to its tasks, or null if nothing. */
  ContextPropagation.@Nullable Captured capture() {
    return propagation == null
        ? null
        : requireNonNull(propagation.capture(), "what a context propagation captured");
  }

  /**
   * How many tasks may run, whatever the throttle allows, if results are taken at once. By default
   * its limit is enough, also when that changes; the maximum of an int for no other.
   */
  int mostRunning(int atOnce) {
    if (runAhead != 0) {
      return runAhead;
    }
    return atOnce == Integer.MAX_VALUE ? UNLIMITED_RUN_AHEAD : Integer.MAX_VALUE;
  }

  /** The run-ahead under a limit of tasks at once. */
  int runAhead(int atOnce) {
    if (runAhead != 0) {
      return runAhead;
    }
    return atOnce == Integer.MAX_VALUE
        ? UNLIMITED_RUN_AHEAD
        : Math.clamp(2L * atOnce, MIN_DEFAULT_RUN_AHEAD, MAX_RUN_AHEAD);
  }
}
