package io.headrace.testkit;

import static java.util.Objects.requireNonNull;

import io.headrace.TimeSource;
import java.time.Duration;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Time that passes only when a test says so. Alarms run on the thread that advances the time, in
 * the order of their due times, and in the order in which they were set if those are equal; during
 * an alarm the time is exactly its due time.
 *
 * {@snippet class="io.headrace.testkit.SnippetsTest" region="virtualTime"}
 *
 * <p>Thread safe. What an alarm throws comes out of {@link #advance}.
 */
public final class VirtualTime implements TimeSource {
  /** Times are compared by their difference. */
  private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE / 2);

  private final PriorityQueue<Entry> entries = new PriorityQueue<>();
  private long nowNanos;
  private long sequence;

  /** A time that begins somewhere far from zero, so that nobody can rely on its origin. */
  public VirtualTime() {
    this(Long.MAX_VALUE - Duration.ofHours(1).toNanos());
  }

  /**
   * A time that begins at some reading of the clock.
   *
   * @param startNanos the first value of {@link #nanoTime}
   */
  public VirtualTime(long startNanos) {
    nowNanos = startNanos;
  }

  @Override
  public synchronized long nanoTime() {
    return nowNanos;
  }

  @Override
  public synchronized Alarm schedule(long delayNanos, Runnable task) {
    requireNonNull(task, "task");
    Entry entry = new Entry(nowNanos + Math.max(0, delayNanos), sequence++, task);
    entries.add(entry);
    return () -> cancel(entry);
  }

  private synchronized void cancel(Entry entry) {
    entries.remove(entry);
  }

  /** Runs the task at once, on the calling thread. */
  @Override
  public void execute(Runnable task) {
    task.run();
  }

  /**
   * Lets time pass, and runs what becomes due on the calling thread.
   *
   * @param duration how much time passes, zero to run only what is due now
   * @throws IllegalArgumentException if the duration is negative, or longer than a clock of
   *     nanoseconds can tell
   */
  public void advance(Duration duration) {
    if (requireNonNull(duration, "duration").isNegative()) {
      throw new IllegalArgumentException("duration is " + duration + ", time does not go back");
    }
    checkLength(duration, "duration");
    long untilNanos = nanoTime() + duration.toNanos();
    Entry due;
    while ((due = pollDue(untilNanos)) != null) {
      due.task.run();
    }
    passTo(untilNanos);
  }

  private static void checkLength(Duration value, String name) {
    if (value.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(name + " is " + value + ", at most it is " + LONGEST);
    }
  }

  /** Later than that it may be already: an alarm or another thread may have let time pass, too. */
  private synchronized void passTo(long nanos) {
    if (nanos - nowNanos > 0) {
      nowNanos = nanos;
    }
  }

  /**
   * Lets time pass until the next alarm, and runs it.
   *
   * @return whether there was one
   */
  public boolean advanceToNext() {
    Entry next;
    synchronized (this) {
      next = entries.poll();
      if (next == null) {
        return false;
      }
      passTo(next.dueNanos);
    }
    next.task.run();
    return true;
  }

  private synchronized @Nullable Entry pollDue(long untilNanos) {
    Entry next = entries.peek();
    if (next == null || next.dueNanos - untilNanos > 0) {
      return null;
    }
    entries.remove();
    passTo(next.dueNanos);
    return next;
  }

  /**
   * A value that is there after some time: the answer of a worker that takes that long.
   *
   * @param value the value
   * @param delay how long it takes; zero or less is no time
   * @return a future that completes when that time has passed
   * @param <T> the type of the value
   * @throws IllegalArgumentException if the delay is longer than a clock of nanoseconds can tell
   */
  public <T> CompletableFuture<T> after(T value, Duration delay) {
    checkLength(requireNonNull(delay, "delay"), "delay");
    CompletableFuture<T> future = new CompletableFuture<>();
    schedule(delay.isNegative() ? 0 : delay.toNanos(), () -> future.complete(value));
    return future;
  }

  /**
   * How many alarms are set.
   *
   * @return the number of alarms that were neither run nor cancelled
   */
  public synchronized int alarms() {
    return entries.size();
  }

  @Override
  public synchronized String toString() {
    return "virtual time with " + entries.size() + " alarms";
  }

  private record Entry(long dueNanos, long sequence, Runnable task) implements Comparable<Entry> {
    @Override
    public int compareTo(Entry other) {
      long difference = dueNanos - other.dueNanos;
      return difference == 0 ? Long.compare(sequence, other.sequence) : Long.signum(difference);
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return Long.hashCode(sequence);
    }
  }
}
