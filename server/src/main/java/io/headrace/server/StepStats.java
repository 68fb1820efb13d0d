package io.headrace.server;

import io.headrace.Observer.BatchEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** The figures of one step. Any thread records; one thread at a time rolls. */
final class StepStats {
  /** Sizes are told in classes of 1, 2, 3 to 4, 5 to 8 and so on. */
  private static final int SIZE_CLASSES = 32;

  private final String name;
  private final WindowCount items = new WindowCount();
  private final WindowCount failed = new WindowCount();
  private final List<WindowCount> batchesBySize =
      IntStream.range(0, SIZE_CLASSES).mapToObj(i -> new WindowCount()).toList();
  private final Percentiles queueing = new Percentiles();
  private final Percentiles handling = new Percentiles();

  StepStats(String name) {
    this.name = name;
  }

  void record(BatchEvent batch) {
    items.add(batch.size());
    if (batch.failed() > 0) {
      failed.add(batch.failed());
    }
    batchesBySize.get(sizeClass(batch.size())).add(1);
    handling.record(batch.handleNanos());
    for (long nanos : batch.queueNanos()) {
      queueing.record(nanos);
    }
  }

  void recordFailure() {
    failed.add(1);
  }

  LiveStats.Step roll(double windowSeconds) {
    long itemsInWindow = items.roll();
    long batches = 0;
    int used = 0;
    List<LiveStats.BatchSizes> sizes = new ArrayList<>();
    for (int i = 0; i < SIZE_CLASSES; i++) {
      WindowCount count = batchesBySize.get(i);
      long inWindow = count.roll();
      batches += inWindow;
      sizes.add(new LiveStats.BatchSizes(from(i), 1L << i, inWindow));
      used = count.total() > 0 ? i + 1 : used;
    }
    return new LiveStats.Step(
        name,
        LiveStats.perSecond(itemsInWindow, windowSeconds),
        LiveStats.perSecond(batches, windowSeconds),
        batches == 0 ? 0 : Math.round(100.0 * itemsInWindow / batches) / 100.0,
        List.copyOf(sizes.subList(0, used)),
        failed.roll(),
        0,
        queueing.roll(),
        handling.roll(),
        List.of());
  }

  /** Size n is in class i when 2^(i-1) < n <= 2^i. */
  private static int sizeClass(int size) {
    return size <= 1 ? 0 : Integer.SIZE - Integer.numberOfLeadingZeros(size - 1);
  }

  private static long from(int sizeClass) {
    return sizeClass == 0 ? 1 : (1L << (sizeClass - 1)) + 1;
  }
}
