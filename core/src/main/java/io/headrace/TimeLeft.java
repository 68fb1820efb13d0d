package io.headrace;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How long the callers of the items of a batch still wait: for handlers that ask others, and need
 * not ask for what nobody waits for anymore.
 *
 * {@snippet class="io.headrace.SnippetsTest" region="timeLeft"}
 *
 * <p>A caller whose time is over has been told so already, whatever the handler does. Only calls
 * with a timeout have a limit. An item of a flow has the time of its call at every step, and so has
 * one that a worker process handles.
 *
 * <p><b>Thread safety.</b> Any thread, also after the handler has returned. Nothing here blocks.
 */
public final class TimeLeft {
  /** The nanoseconds of a caller that waits as long as it takes. */
  private static final long NO_LIMIT = Long.MAX_VALUE;

  private final TimeSource time;
  private final long atNanos;

  private final int size;

  /** What was left then; null if nobody has a limit. */
  private final long @Nullable [] leftNanos;

  private TimeLeft(TimeSource time, long atNanos, int size, long @Nullable [] leftNanos) {
    this.time = time;
    this.atNanos = atNanos;
    this.size = size;
    this.leftNanos = leftNanos;
  }

  /**
   * The time that is left to the items of a batch.
   *
   * @param items the list that the handler was given or a {@link List#subList part} of it, no copy;
   *     with any other list nobody has a limit
   * @return their time
   */
  public static TimeLeft of(List<?> items) {
    TimeLeft known = items instanceof BatchItems batch ? batch.timeLeft() : null;
    return known == null ? new TimeLeft(TimeSource.system(), 0, items.size(), null) : known;
  }

  private static long[] noLimits(int size) {
    long[] leftNanos = new long[size];
    Arrays.fill(leftNanos, NO_LIMIT);
    return leftNanos;
  }

  /**
   * The time that is left from now on: to test a handler, or to give items on that have come from
   * elsewhere.
   *
   * @param time the clock
   * @param left how long each caller waits, in the order of the items; null for as long as it takes
   * @return their time
   * @throws IllegalArgumentException if one is negative
   */
  public static TimeLeft of(TimeSource time, List<? extends @Nullable Duration> left) {
    long[] leftNanos = noLimits(left.size());
    for (int i = 0; i < leftNanos.length; i++) {
      Duration some = left.get(i);
      if (some != null) {
        leftNanos[i] = Checks.nanosNotNegative(some, "left");
      }
    }
    return new TimeLeft(time, requireNonNull(time, "time").nanoTime(), leftNanos.length, leftNanos);
  }

  /** That of some tickets; null if none has a limit. */
  static @Nullable TimeLeft of(@Nullable Ticket[] tickets, int size) {
    TimeSource time = null;
    long atNanos = 0;
    long[] leftNanos = null;
    for (int i = 0; i < size; i++) {
      Ticket ticket = tickets[i];
      Terms terms = ticket == null ? null : ticket.terms;
      if (terms != null && terms.hasDeadline) {
        if (leftNanos == null || time == null) {
          time = terms.time;
          atNanos = time.nanoTime();
          leftNanos = noLimits(size);
        }
        leftNanos[i] = terms.deadlineNanos - atNanos;
      }
    }
    return time == null || leftNanos == null ? null : new TimeLeft(time, atNanos, size, leftNanos);
  }

  /**
   * A list of the same items that has this time: for a handler that gives its items on to another
   * in another form.
   *
   * @param items as many as there are times
   * @return a copy, not modifiable
   * @param <I> the type of an item
   * @throws IllegalArgumentException if their number differs
   */
  @SuppressWarnings("unchecked") // the elements of the list
  public <I extends @Nullable Object> List<I> on(List<I> items) {
    if (items.size() != size) {
      throw new IllegalArgumentException(
          "there are " + items.size() + " items, they have to be " + size);
    }
    return (List<I>) new BatchItems(items.toArray(), this);
  }

  /** That of some of the items. */
  TimeLeft part(int from, int to) {
    long[] left = leftNanos == null ? null : Arrays.copyOfRange(leftNanos, from, to);
    return new TimeLeft(time, atNanos, to - from, left);
  }

  /**
   * Whether there is a caller that waits for a time only.
   *
   * @return false if all wait as long as it takes
   */
  public boolean isLimited() {
    return leftNanos != null && Arrays.stream(leftNanos).anyMatch(left -> left != NO_LIMIT);
  }

  /**
   * How long the caller of an item still waits.
   *
   * @param index the position of the item
   * @return the time, zero if it is over; null if the caller waits as long as it takes
   * @throws IndexOutOfBoundsException if there is no such item
   */
  public @Nullable Duration at(int index) {
    Objects.checkIndex(index, size);
    return leftNanos == null ? null : duration(leftNanos[index]);
  }

  /**
   * How long the most patient caller still waits, after which the batch is of no use.
   *
   * @return the time, zero if it is over for all; null if one waits as long as it takes, or there
   *     is none
   */
  public @Nullable Duration longest() {
    return leftNanos == null ? null : duration(Arrays.stream(leftNanos).max().orElse(NO_LIMIT));
  }

  private @Nullable Duration duration(long nanos) {
    return nanos == NO_LIMIT
        ? null
        : Duration.ofNanos(Math.max(0, nanos - (time.nanoTime() - atNanos)));
  }
}
