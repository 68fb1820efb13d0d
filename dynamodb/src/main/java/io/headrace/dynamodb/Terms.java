package io.headrace.dynamodb;

import static java.util.Objects.requireNonNull;

import io.headrace.TimeSource;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.retries.api.BackoffStrategy;

/**
 * How long a batch is tried, and with which pauses.
 *
 * @param timeout at most 292 years, so that it can be told in nanoseconds
 */
record Terms(Duration timeout, BackoffStrategy backoff, TimeSource time) {
  static final Terms DEFAULT =
      new Terms(
          Duration.ofSeconds(10),
          BackoffStrategy.exponentialDelay(Duration.ofMillis(50), Duration.ofSeconds(2)),
          TimeSource.system());

  private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE / 2);

  Terms withTimeout(Duration timeout) {
    if (!timeout.isPositive() || timeout.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(
          "timeout is " + timeout + ", it has to be above zero and at most " + LONGEST);
    }
    return new Terms(timeout, backoff, time);
  }

  /**
   * How long a caller waits for whom so much time is left; null if it waits as long as it takes.
   */
  Duration atMost(@Nullable Duration left) {
    return left == null || left.compareTo(timeout) > 0 ? timeout : left;
  }

  Terms withBackoff(BackoffStrategy backoff) {
    return new Terms(timeout, requireNonNull(backoff, "backoff"), time);
  }

  Terms withTime(TimeSource time) {
    return new Terms(timeout, backoff, requireNonNull(time, "time"));
  }
}
