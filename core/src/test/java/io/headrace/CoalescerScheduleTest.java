package io.headrace;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random coalescers under random schedules, in virtual time, beside a naive model. See {@link
 * RandomSchedules} for the seeds.
 */
class CoalescerScheduleTest {
  @ParameterizedTest
  @MethodSource("io.headrace.RandomSchedules#firstSeeds")
  void theModelForeseesEverything(long firstSeed) {
    try (LogCapture _ = new LogCapture()) {
      RandomSchedules.runFrom(firstSeed, CoalescerSchedule::new);
    }
  }
}
