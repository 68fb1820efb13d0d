package io.headrace;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What the model of a random schedule knows of one call. */
final class RandomCall {
  /** An item on its way; its value tells which steps have handled it, in which order. */
  record Work(int id, long value) {
    Work after(int step) {
      return new Work(id, value * 31 + step + 1);
    }
  }

  final int id;
  final int priority;
  final long submittedNanos;

  /** Zero for none. */
  final long timeoutNanos;

  /** Whether the flow accepted items at the submission. */
  final boolean wasOpen;

  @Nullable CompletableFuture<Work> future;

  /** When it came to each step: the number of the operation, 0 if it did not. */
  final int[] arrivedOp;

  final long[] arrivedNanos;
  final boolean[] handled;

  /** How often each step has executed it. */
  final int[] tries;

  final List<Throwable> failures = new ArrayList<>();
  final List<String> listened = new ArrayList<>();
  boolean withdrawn;
  boolean mismatched;
  boolean checked;

  RandomCall(
      int id, int priority, long submittedNanos, long timeoutNanos, boolean wasOpen, int steps) {
    this.id = id;
    this.priority = priority;
    this.submittedNanos = submittedNanos;
    this.timeoutNanos = timeoutNanos;
    this.wasOpen = wasOpen;
    arrivedOp = new int[steps];
    arrivedNanos = new long[steps];
    handled = new boolean[steps];
    tries = new int[steps];
  }

  boolean isDone() {
    return future != null && future.isDone();
  }

  boolean hasTimeout() {
    return timeoutNanos != 0;
  }

  boolean isOutOfTime(long nowNanos) {
    return hasTimeout() && nowNanos - submittedNanos >= timeoutNanos;
  }

  @Override
  public String toString() {
    String state = future == null ? "being submitted" : future.state().toString();
    return id + " (priority " + priority + ", " + state + ")";
  }
}
