package io.headrace;

import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random graphs of steps, conditions, choices and forks under random schedules, in virtual time,
 * with handlers that are replaced and workers that come and go. A failure names its seed; see
 * {@link RandomScheduleTest} for the properties that choose seeds and their number.
 */
class RandomGraphTest {
  private static final long FIRST_SEED = Long.getLong("headrace.test.seed", 20_261_121L);
  private static final int SCHEDULES = Integer.getInteger("headrace.test.schedules", 10_000);
  private static final int AT_ONCE = 500;

  static LongStream firstSeeds() {
    return LongStream.iterate(
        FIRST_SEED, seed -> seed < FIRST_SEED + SCHEDULES, seed -> seed + AT_ONCE);
  }

  @ParameterizedTest
  @MethodSource("firstSeeds")
  void eachCallEndsAsTheModelSays(long firstSeed) {
    long end = Math.min(firstSeed + AT_ONCE, FIRST_SEED + SCHEDULES);
    for (long seed = firstSeed; seed < end; seed++) {
      RandomGraphSchedule schedule = new RandomGraphSchedule(seed);
      try {
        schedule.run();
      } catch (Throwable failure) {
        throw new AssertionError(
            "schedule with seed " + seed + ": " + failure.getMessage() + "\n" + schedule.describe(),
            failure);
      }
    }
  }
}
