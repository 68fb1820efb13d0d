package io.headrace;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random flows under random schedules, in virtual time. See {@link RandomSchedules} for the seeds.
 */
class RandomScheduleTest {
  @ParameterizedTest
  @MethodSource("io.headrace.RandomSchedules#firstSeeds")
  void nothingHappensThatTheModelDoesNotAllow(long firstSeed) {
    try (LogCapture _ = new LogCapture()) { // a wild schedule has observers that throw
      RandomSchedules.runFrom(firstSeed, RandomSchedule::new);
    }
  }
}
