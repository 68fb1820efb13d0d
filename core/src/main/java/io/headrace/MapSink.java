package io.headrace;

import org.jspecify.annotations.Nullable;

/** Hands the results to the consumer of {@link Results}. */
final class MapSink implements Sink {
  /** Stands for a result that is null. */
  enum Null {
    NULL
  }

  private final boolean goesOn;
  private final boolean asOutcomes;
  final ResultRing ring;

  MapSink(boolean goesOn, boolean asOutcomes, int capacity) {
    this.goesOn = goesOn;
    this.asOutcomes = asOutcomes;
    ring = new ResultRing(capacity);
  }

  @Override
  public boolean goesOn() {
    return goesOn;
  }

  @Override
  public boolean succeeded(long index, @Nullable Object input, @Nullable Object value) {
    if (asOutcomes) {
      ring.add(new TaskOutcome<>(index, input, value, null));
    } else {
      ring.add(value == null ? Null.NULL : value);
    }
    return false;
  }

  @Override
  public void failed(long index, @Nullable Object input, Throwable failure) {
    ring.add(new TaskOutcome<>(index, input, null, failure));
  }

  @Override
  public void ended() {
    ring.close();
  }
}
