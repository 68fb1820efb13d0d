package io.headrace;

import java.util.function.LongFunction;
import java.util.stream.LongStream;

/**
 * Runs random schedules, each from a seed of its own. A failure names its seed; to repeat it, run
 * with {@code -Dheadrace.test.seed=<seed> -Dheadrace.test.schedules=1}. The number of schedules
 * comes from {@code headrace.test.schedules}.
 */
final class RandomSchedules {
  private static final long FIRST_SEED = Long.getLong("headrace.test.seed", 20_261_121L);
  private static final int SCHEDULES = Integer.getInteger("headrace.test.schedules", 10_000);

  /** So many run in one test: a report for each would be longer than its use. */
  private static final int AT_ONCE = 500;

  private RandomSchedules() {}

  /** A schedule; what it is comes from its {@code toString}. */
  interface Schedule {
    void run() throws Exception;
  }

  /** The first seeds of the tests. */
  static LongStream firstSeeds() {
    return LongStream.iterate(
        FIRST_SEED, seed -> seed < FIRST_SEED + SCHEDULES, seed -> seed + AT_ONCE);
  }

  /** Runs the schedules of one test. */
  static void runFrom(long firstSeed, LongFunction<? extends Schedule> schedules) {
    long end = Math.min(firstSeed + AT_ONCE, FIRST_SEED + SCHEDULES);
    for (long seed = firstSeed; seed < end; seed++) {
      Schedule schedule = schedules.apply(seed);
      try {
        schedule.run();
      } catch (Throwable failure) {
        throw new AssertionError(
            "schedule with seed " + seed + ": " + failure.getMessage() + "\n" + schedule, failure);
      }
    }
  }
}
