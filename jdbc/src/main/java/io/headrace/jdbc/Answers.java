package io.headrace.jdbc;

import io.headrace.Outcomes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The results and failures of a batch, by position. */
final class Answers {
  private final @Nullable Object[] results;
  private final @Nullable Throwable[] failures;

  Answers(int size) {
    this(new @Nullable Object[size], new @Nullable Throwable[size]);
  }

  private Answers(@Nullable Object[] results, @Nullable Throwable[] failures) {
    this.results = results;
    this.failures = failures;
  }

  /** What is known before a batch is tried, so that a try that is undone leaves nothing. */
  Answers copy() {
    return new Answers(results.clone(), failures.clone());
  }

  void set(List<Row> rows, List<? extends @Nullable Object> values) {
    for (int i = 0; i < rows.size(); i++) {
      for (int position : rows.get(i).positions()) {
        results[position] = values.get(i);
        failures[position] = null;
      }
    }
  }

  void fail(List<Row> rows, Throwable cause) {
    rows.forEach(row -> row.positions().forEach(position -> fail(position, cause)));
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

  /** The results are of the type that the mapper made or are counts: the builders see to it. */
  @SuppressWarnings({"unchecked", "NullAway"})
  <O extends @Nullable Object> List<O> outcomes() {
    Outcomes<O> outcomes = new Outcomes<>(results.length);
    for (int i = 0; i < results.length; i++) {
      Throwable failure = failures[i];
      if (failure != null) {
        outcomes.addFailure(failure);
      } else {
        outcomes.add((O) results[i]);
      }
    }
    return outcomes;
  }
}
