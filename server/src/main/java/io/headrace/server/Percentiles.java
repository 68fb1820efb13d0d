package io.headrace.server;

import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/**
 * The durations of the last two slices of time. Any thread records; one thread at a time rolls.
 *
 * <p>Durations are kept from a microsecond to an hour with an error of one percent at most.
 */
final class Percentiles {
  private static final long LOWEST_NANOS = 1_000;
  private static final long HIGHEST_NANOS = 3_600_000_000_000L;
  private static final int DIGITS = 2;

  private final Recorder recorder = new Recorder(LOWEST_NANOS, HIGHEST_NANOS, DIGITS);
  private final Histogram window = new Histogram(LOWEST_NANOS, HIGHEST_NANOS, DIGITS);
  private Histogram earlier = recorder.getIntervalHistogram();
  private Histogram later = recorder.getIntervalHistogram();

  void record(long nanos) {
    recorder.recordValue(Math.clamp(nanos, 0, HIGHEST_NANOS));
  }

  /** Ends a slice and tells the figures of the last two. */
  LiveStats.Millis roll() {
    Histogram recycled = earlier;
    earlier = later;
    later = recorder.getIntervalHistogram(recycled);
    window.reset();
    window.add(earlier);
    window.add(later);
    return new LiveStats.Millis(
        millis(window.getValueAtPercentile(50)),
        millis(window.getValueAtPercentile(90)),
        millis(window.getValueAtPercentile(99)),
        millis(window.getMaxValue()));
  }

  /** An empty histogram tells its lowest value. */
  private double millis(long nanos) {
    if (window.getTotalCount() == 0) {
      return 0;
    }
    return Math.round(nanos / 1e3) / 1e3;
  }
}
