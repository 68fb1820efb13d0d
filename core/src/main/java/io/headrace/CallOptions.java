package io.headrace;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What one call asks for beyond the default: a timeout, a priority, a listener. Immutable.
 *
 * <p>A call that names no timeout has that of the service, {@link BatcherBuilder#timeout} or {@link
 * FlowBuilder#timeout}, and none if the service has none. One that is to wait longer names a longer
 * one.
 *
 * {@snippet class="io.headrace.SnippetsTest" region="callOptions"}
 */
public final class CallOptions {
  /** No timeout but that of the service, if it has one; priority 0, no listener. */
  public static final CallOptions DEFAULT = new CallOptions(0, true, 0, null);

  /** Zero means none. */
  final long timeoutNanos;

  /**
   * Whether the timeout, if there is one, was named for the call, and is not that of its service.
   */
  final boolean isNamed;

  final int priority;
  final @Nullable CallListener listener;

  private CallOptions(
      long timeoutNanos, boolean isNamed, int priority, @Nullable CallListener listener) {
    this.timeoutNanos = timeoutNanos;
    this.isNamed = isNamed;
    this.priority = priority;
    this.listener = listener;
  }

  /**
   * The default with a timeout.
   *
   * @param timeout how long the caller waits for the answer, above zero
   * @return options with this timeout
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public static CallOptions timeout(Duration timeout) {
    return DEFAULT.withTimeout(timeout);
  }

  /**
   * The default with a priority.
   *
   * @param priority the priority, 0 or above; higher ones go first
   * @return options with this priority
   * @throws IllegalArgumentException if the priority is negative
   */
  public static CallOptions priority(int priority) {
    return DEFAULT.withPriority(priority);
  }

  /**
   * These options with another timeout. It counts from the submission and covers everything:
   * waiting for room, every queue, every step. When it is over the future fails with {@link
   * DeadlineExceededException}, and the item leaves the queue it waits in.
   *
   * @param timeout how long the caller waits for the answer, above zero
   * @return options with this timeout
   * @throws IllegalArgumentException if the timeout is zero or negative
   */
  public CallOptions withTimeout(Duration timeout) {
    return new CallOptions(Checks.positiveNanos(timeout, "timeout"), true, priority, listener);
  }

  /**
   * These options with another priority. A service with n priorities knows 0 to n - 1; higher ones
   * go first in every queue, strictly, and first in, first out within one. Where a step has buckets
   * this holds within each; which bucket has its turn is said by the age of its oldest item,
   * whatever the priorities.
   *
   * @param priority the priority, 0 or above
   * @return options with this priority
   * @throws IllegalArgumentException if the priority is negative
   */
  public CallOptions withPriority(int priority) {
    return new CallOptions(
        timeoutNanos, isNamed, Checks.atLeast(0, priority, "priority"), listener);
  }

  /**
   * These options with a listener that is told of each step this call goes through.
   *
   * @param listener the listener
   * @return options with this listener
   */
  public CallOptions withListener(CallListener listener) {
    return new CallOptions(timeoutNanos, isNamed, priority, requireNonNull(listener, "listener"));
  }

  /**
   * How long the caller waits for the answer: for services of one's own.
   *
   * @return the timeout; null if these options name none
   */
  public @Nullable Duration timeout() {
    return timeoutNanos == 0 ? null : Duration.ofNanos(timeoutNanos);
  }

  /**
   * The priority: for services of one's own.
   *
   * @return the priority, 0 or above
   */
  public int priority() {
    return priority;
  }

  /** These options, with a timeout if they name none. */
  CallOptions orTimeout(long defaultNanos) {
    return defaultNanos == 0 || timeoutNanos != 0
        ? this
        : new CallOptions(defaultNanos, false, priority, listener);
  }

  /** These options for something that several callers share. */
  CallOptions withoutTimeout() {
    return timeoutNanos == 0 ? this : new CallOptions(0, true, priority, listener);
  }

  @Override
  public String toString() {
    return "CallOptions[timeout="
        + (timeoutNanos == 0 ? "none" : Duration.ofNanos(timeoutNanos))
        + ", priority="
        + priority
        + ", listener="
        + (listener == null ? "none" : listener)
        + "]";
  }
}
