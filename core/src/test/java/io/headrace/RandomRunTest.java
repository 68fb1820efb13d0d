package io.headrace;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random runs of collections under random schedules, in virtual time. See {@link RandomSchedules}
 * for the seeds.
 */
class RandomRunTest {
  @ParameterizedTest
  @MethodSource("io.headrace.RandomSchedules#firstSeeds")
  void nothingHappensThatTheModelDoesNotAllow(long firstSeed) {
    RandomSchedules.runFrom(firstSeed, RandomRun::new);
  }
}
