package io.headrace;

import java.time.Duration;

/**
 * What happens to an item that finds the queue full. No choice blocks the thread that submits: an
 * item that waits for room is a future that is not complete yet, and a thread in {@link
 * Service#call} waits with it.
 *
 * <p>Between two steps of a flow, items that wait for room keep the worker that made them from its
 * next batch, so that a slow step slows the steps before it. Callers are not slowed: at a step to
 * which their items come directly, the first or one behind steps that they pass by or that are
 * inline, the line of those that wait for room has no bound of its own.
 */
public final class OnFull {
  private static final OnFull FAIL = new OnFull(0);
  private static final OnFull WAIT = new OnFull(Long.MAX_VALUE);

  /** Zero to fail at once, the maximum to wait without end. */
  final long waitNanos;

  private OnFull(long waitNanos) {
    this.waitNanos = waitNanos;
  }

  /**
   * The item fails at once with {@link QueueFullException}.
   *
   * @return this choice
   */
  public static OnFull fail() {
    return FAIL;
  }

  /**
   * The item waits for room, in the order of arrival, until its own timeout if it has one. Where
   * items come directly from callers any number may wait so; only those that a worker's step before
   * has made keep that worker waiting.
   *
   * @return this choice
   */
  public static OnFull await() {
    return WAIT;
  }

  /**
   * The item waits for room, in the order of arrival, and fails with {@link QueueFullException}
   * when there was none for some time. As with {@link #await()}, any number of items that come
   * directly from callers may wait so.
   *
   * @param atMost how long it waits, above zero
   * @return this choice
   * @throws IllegalArgumentException if the time is zero or negative
   */
  public static OnFull await(Duration atMost) {
    return new OnFull(Checks.positiveNanos(atMost, "atMost"));
  }

  @Override
  public String toString() {
    if (this == FAIL) {
      return "fail";
    }
    return this == WAIT ? "await" : "await " + Duration.ofNanos(waitNanos);
  }
}
