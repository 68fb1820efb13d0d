package io.headrace.server;

import java.util.concurrent.atomic.LongAdder;

/** A count and its growth in the last two slices. Any thread adds; one thread at a time rolls. */
final class WindowCount {
  private final LongAdder total = new LongAdder();
  private long atTwoRollsBefore;
  private long atLastRoll;

  void add(long n) {
    total.add(n);
  }

  long total() {
    return total.sum();
  }

  /** Ends a slice and returns the growth in the last two. */
  long roll() {
    long now = total.sum();
    long growth = now - atTwoRollsBefore;
    atTwoRollsBefore = atLastRoll;
    atLastRoll = now;
    return growth;
  }
}
