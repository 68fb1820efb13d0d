package io.headrace;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random graphs of steps, conditions, choices and forks under random schedules, in virtual time,
 * with handlers that are replaced and workers that come and go. A failure names its seed; see
 * {@link RandomSchedules}.
 */
class RandomGraphTest {
  @ParameterizedTest
  @MethodSource("io.headrace.RandomSchedules#firstSeeds")
  void eachCallEndsAsTheModelSays(long firstSeed) {
    RandomSchedules.runFrom(firstSeed, RandomGraphSchedule::new);
  }
}
