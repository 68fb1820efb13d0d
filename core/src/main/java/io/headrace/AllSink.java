package io.headrace;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Keeps every result at the place of its input: values, or outcomes if the run goes on. */
final class AllSink implements Sink {
  private static final int SHIFT = 10;
  private static final int PIECE = 1 << SHIFT;

  private final boolean goesOn;

  /** Pieces are added before a task of theirs starts; each place is written by one task. */
  private volatile @Nullable Object[][] pieces = new @Nullable Object[0][];

  private long size;

  AllSink(boolean goesOn) {
    this.goesOn = goesOn;
  }

  @Override
  public boolean goesOn() {
    return goesOn;
  }

  @Override
  public void starting(long index) {
    if (index > Integer.MAX_VALUE - 8) {
      throw new IllegalStateException("more results than a list can hold, " + (index + 1));
    }
    int piece = (int) (index >> SHIFT);
    @Nullable Object[][] known = pieces;
    if (piece == known.length) {
      known = Arrays.copyOf(known, Math.max(4, piece * 2));
    }
    if (known[piece] == null) {
      known[piece] = new @Nullable Object[PIECE];
      pieces = known;
    }
    size = index + 1;
  }

  @Override
  public boolean succeeded(long index, @Nullable Object input, @Nullable Object value) {
    set(index, goesOn ? new TaskOutcome<>(index, input, value, null) : value);
    return false;
  }

  @Override
  public void failed(long index, @Nullable Object input, Throwable failure) {
    set(index, new TaskOutcome<>(index, input, null, failure));
  }

  private void set(long index, @Nullable Object result) {
    pieces[(int) (index >> SHIFT)][(int) index & (PIECE - 1)] = result;
  }

  /** The results in the order of the inputs, once the run has ended. */
  List<?> results() {
    @Nullable Object[] results = new @Nullable Object[(int) size];
    for (int from = 0; from < results.length; from += PIECE) {
      System.arraycopy(
          pieces[from >> SHIFT], 0, results, from, Math.min(PIECE, results.length - from));
    }
    return Collections.unmodifiableList(Arrays.asList(results));
  }
}
