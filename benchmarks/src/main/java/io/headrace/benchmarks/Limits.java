package io.headrace.benchmarks;

import java.time.Duration;

/** What holds for every contender. */
final class Limits {
  /** The largest batch. */
  static final int MAX_BATCH = 32;

  /** How long a batch may wait for more items, where a contender has such a delay. */
  static final Duration MAX_DELAY = Duration.ofMillis(1);

  /** Room in queues that have a bound; more than is ever in flight, so that nothing is refused. */
  static final int QUEUE_CAPACITY = 1 << 16;

  private Limits() {}
}
