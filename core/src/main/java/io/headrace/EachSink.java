package io.headrace;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Drops the results; keeps the failures if the run goes on. */
final class EachSink implements Sink {
  private final boolean goesOn;

  /** Guarded by itself. */
  private final List<TaskOutcome<?, ?>> failures = new ArrayList<>();

  EachSink(boolean goesOn) {
    this.goesOn = goesOn;
  }

  @Override
  public boolean goesOn() {
    return goesOn;
  }

  @Override
  public boolean succeeded(long index, @Nullable Object input, @Nullable Object value) {
    return false;
  }

  @Override
  public void failed(long index, @Nullable Object input, Throwable failure) {
    synchronized (failures) {
      failures.add(
          new TaskOutcome<@Nullable Object, @Nullable Object>(index, input, null, failure));
    }
  }

  /** In the order of the inputs. */
  List<TaskOutcome<?, ?>> failures() {
    synchronized (failures) {
      return failures.stream()
          .sorted((a, b) -> Long.compare(a.index(), b.index()))
          .<TaskOutcome<?, ?>>map(outcome -> outcome)
          .toList();
    }
  }
}
