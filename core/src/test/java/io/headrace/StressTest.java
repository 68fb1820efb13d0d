package io.headrace;

import static io.headrace.FlowProbes.awaitNoThreadsOf;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Flows under many real threads. The time it takes comes from {@code headrace.test.stress.seconds},
 * the first seed from {@code headrace.test.seed}; the seed decides the flow, not what the threads
 * do.
 */
class StressTest {
  private static final int SECONDS = Integer.getInteger("headrace.test.stress.seconds", 4);
  private static final long FIRST_SEED = Long.getLong("headrace.test.seed", 7L);

  @Test
  @Timeout(Integer.MAX_VALUE) // each round has a deadline of its own
  void everyItemEndsOnceWhateverHappens() {
    long seed = FIRST_SEED;
    long end = System.nanoTime() + Duration.ofSeconds(SECONDS).toNanos();
    try (LogCapture log = new LogCapture()) {
      do {
        runRound(seed++);
      } while (System.nanoTime() - end < 0);
      assertThat(log.messages()).as("the observer that throws is reported").isNotEmpty();
    }
    awaitNoThreadsOf("stress");
  }

  private static void runRound(long seed) {
    try {
      new StressRound(seed).run();
    } catch (Throwable failure) {
      throw new AssertionError("round with seed " + seed + ": " + failure.getMessage(), failure);
    }
  }
}
