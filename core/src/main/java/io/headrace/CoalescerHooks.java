package io.headrace;

import static java.util.Objects.requireNonNull;

import java.io.PrintStream;
import org.jspecify.annotations.Nullable;

/**
 * Is told what happens in a {@link Coalescer}: for metrics, logs and debugging.
 *
 * <p>A call is told of twice: {@link #onApplied}, and then exactly one of {@link #onExecuting},
 * {@link #onJoined}, {@link #onKept} and {@link #onRejected}. An execution is told of twice, too:
 * {@link #onExecuting}, and then one of {@link #onResult} and {@link #onFailure}, before its
 * callers have the outcome. What happens to a single caller later, a timeout or a cancellation, is
 * not told.
 *
 * <p>The methods run on the threads of the callers and of the executions, several at once, so they
 * are thread safe and do not block. What one throws is logged once per coalescer and never touches
 * a call. Without hooks a coalescer reads no clock for them.
 */
public interface CoalescerHooks {
  /**
   * A call has come.
   *
   * @param function the name of the coalescer, or of the method of a proxy
   * @param key the key of the call
   */
  default void onApplied(String function, Object key) {}

  /**
   * A call begins an execution.
   *
   * @param function the name of the coalescer, or of the method of a proxy
   * @param key the key of the call
   */
  default void onExecuting(String function, Object key) {}

  /**
   * A call has joined an execution in flight.
   *
   * @param function the name of the coalescer, or of the method of a proxy
   * @param key the key of the call
   */
  default void onJoined(String function, Object key) {}

  /**
   * A call was given a result that is kept.
   *
   * @param function the name of the coalescer, or of the method of a proxy
   * @param key the key of the call
   */
  default void onKept(String function, Object key) {}

  /**
   * A call was refused when it came: there are too many keys, or it came from inside its own
   * execution, or its key cannot be compared. One that is refused later, because its wait would
   * close a circle of executions, was told of as what it was when it came, and counts as that.
   *
   * @param function the name of the coalescer, or of the method of a proxy
   * @param key the key of the call
   * @param reason what the call fails with
   */
  default void onRejected(String function, Object key, Throwable reason) {}

  /**
   * An execution has ended with a result.
   *
   * @param function the name of the coalescer, or of the method of a proxy
   * @param key the key of the execution
   * @param result the result
   * @param nanos nanoseconds since the execution began
   * @param joiners the number of calls that joined, the one that began it not included
   */
  default void onResult(
      String function, Object key, @Nullable Object result, long nanos, int joiners) {}

  /**
   * An execution has ended with a failure, or was cancelled because nobody waited anymore.
   *
   * @param function the name of the coalescer, or of the method of a proxy
   * @param key the key of the execution
   * @param failure the failure
   * @param nanos nanoseconds since the execution began
   * @param joiners the number of calls that joined, the one that began it not included
   */
  default void onFailure(String function, Object key, Throwable failure, long nanos, int joiners) {}

  /**
   * These hooks and then others. Both stay as they are; what one of them throws does not keep the
   * other from being told.
   *
   * @param other the hooks that are told after these
   * @return both
   */
  default CoalescerHooks and(CoalescerHooks other) {
    return new CoalescerHooksPair(this, requireNonNull(other, "other"));
  }

  /**
   * Hooks that print a line for each event.
   *
   * @param out where to
   * @return the hooks
   */
  static CoalescerHooks debug(PrintStream out) {
    return new DebugHooks(requireNonNull(out, "out"));
  }

  /**
   * Hooks that count, all functions together.
   *
   * @return the counters, at zero
   */
  static CoalescerStatistics statistics() {
    return new CoalescerStatistics();
  }

  /**
   * Hooks that count for each function.
   *
   * @return the counters, for no function yet
   */
  static CoalescerFunctionStatistics statisticsPerFunction() {
    return new CoalescerFunctionStatistics();
  }
}
