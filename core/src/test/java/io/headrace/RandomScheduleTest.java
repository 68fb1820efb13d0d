package io.headrace;

import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random flows under random schedules, in virtual time. A failure names its seed; to repeat it, run
 * with {@code -Dheadrace.test.seed=<seed> -Dheadrace.test.schedules=1}. The number of schedules
 * comes from {@code headrace.test.schedules}.
 */
class RandomScheduleTest {
  private static final long FIRST_SEED = Long.getLong("headrace.test.seed", 20_261_121L);
  private static final int SCHEDULES = Integer.getInteger("headrace.test.schedules", 10_000);
  private static final int AT_ONCE = 500;

  static LongStream firstSeeds() {
    return LongStream.iterate(
        FIRST_SEED, seed -> seed < FIRST_SEED + SCHEDULES, seed -> seed + AT_ONCE);
  }

  @ParameterizedTest
  @MethodSource("firstSeeds")
  void nothingHappensThatTheModelDoesNotAllow(long firstSeed) {
    long end = Math.min(firstSeed + AT_ONCE, FIRST_SEED + SCHEDULES);
    try (LogCapture _ = new LogCapture()) {
      for (long seed = firstSeed; seed < end; seed++) {
        runSchedule(seed);
      }
    }
  }

  private static void runSchedule(long seed) {
    RandomSchedule schedule = new RandomSchedule(seed);
    try {
      schedule.run();
    } catch (Throwable failure) {
      throw new AssertionError(
          "schedule with seed " + seed + ": " + failure.getMessage() + "\n" + schedule.describe(),
          failure);
    }
  }
}
