package io.headrace.micrometer;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** The upper bounds of the buckets of histograms: fixed, so that histograms can be added up. */
final class Buckets {
  /** 1, 2.5 and 5 times each power of ten, from 10 microseconds to 10 seconds. */
  static final Duration[] TIMES = times();

  /** The powers of two from 1 to 4096. */
  static final double[] SIZES = IntStream.rangeClosed(0, 12).mapToDouble(i -> 1 << i).toArray();

  /** The powers of four from 64 to 2^30. */
  static final double[] BYTES =
      IntStream.rangeClosed(3, 15).mapToDouble(i -> 1L << (2 * i)).toArray();

  private Buckets() {}

  private static Duration[] times() {
    List<Duration> bounds = new ArrayList<>();
    for (long nanos = 10_000; nanos < 10_000_000_000L; nanos *= 10) {
      bounds.add(Duration.ofNanos(nanos));
      bounds.add(Duration.ofNanos(nanos * 5 / 2));
      bounds.add(Duration.ofNanos(nanos * 5));
    }
    bounds.add(Duration.ofSeconds(10));
    return bounds.toArray(Duration[]::new);
  }
}
