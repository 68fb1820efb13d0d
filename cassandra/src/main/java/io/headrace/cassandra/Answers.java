package io.headrace.cassandra;

import io.headrace.Outcomes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What became of the writes of a batch, by position. Partitions write to it side by side, each to
 * its own positions; it is read when all are done.
 */
final class Answers {
  private final boolean[] applied;
  private final @Nullable Throwable[] failures;

  Answers(int size) {
    applied = new boolean[size];
    failures = new @Nullable Throwable[size];
  }

  void set(List<Bound> writes, boolean value) {
    writes.forEach(write -> applied[write.position()] = value);
  }

  void fail(List<Bound> writes, Throwable cause) {
    writes.forEach(write -> fail(write.position(), cause));
  }

  void fail(int position, Throwable cause) {
    failures[position] = cause;
  }

  @Nullable Throwable firstFailure() {
    for (Throwable failure : failures) {
      if (failure != null) {
        return failure;
      }
    }
    return null;
  }

  Outcomes<Boolean> outcomes() {
    Outcomes<Boolean> outcomes = new Outcomes<>(applied.length);
    for (int i = 0; i < applied.length; i++) {
      Throwable failure = failures[i];
      if (failure != null) {
        outcomes.addFailure(failure);
      } else {
        outcomes.add(applied[i]);
      }
    }
    return outcomes;
  }
}
