package io.headrace.dynamodb;

import static java.util.Objects.requireNonNull;
import static java.util.Objects.requireNonNullElse;

import io.headrace.TimeSource;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.retries.api.BackoffStrategy;

/** How long a batch is tried, and with which pauses: what was set, and else the defaults. */
final class Terms {
  static final Terms DEFAULT = new Terms(null, null, null);

  private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);
  private static final BackoffStrategy DEFAULT_BACKOFF =
      BackoffStrategy.exponentialDelay(Duration.ofMillis(50), Duration.ofSeconds(2));

  /** Sums of times never overflow. */
  private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE / 4);

  private final @Nullable Duration timeout;
  private final @Nullable BackoffStrategy backoff;
  private final @Nullable TimeSource time;

  private Terms(
      @Nullable Duration timeout, @Nullable BackoffStrategy backoff, @Nullable TimeSource time) {
    this.timeout = timeout;
    this.backoff = backoff;
    this.time = time;
  }

  Terms withTimeout(Duration timeout) {
    if (!requireNonNull(timeout, "timeout").isPositive()) {
      throw new IllegalArgumentException("timeout is " + timeout + ", it has to be above zero");
    }
    return new Terms(once(this.timeout, timeout, "timeout"), backoff, time);
  }

  Terms withBackoff(BackoffStrategy backoff) {
    return new Terms(timeout, once(this.backoff, backoff, "backoff"), time);
  }

  Terms withTime(TimeSource time) {
    return new Terms(timeout, backoff, once(this.time, time, "time source"));
  }

  /** How long a batch is tried for a caller that waits so long; null if it waits without limit. */
  Duration atMost(@Nullable Duration left) {
    Duration longest = requireNonNullElse(timeout, DEFAULT_TIMEOUT);
    if (longest.compareTo(LONGEST) > 0) {
      longest = LONGEST;
    }
    return left == null || left.compareTo(longest) > 0 ? longest : left;
  }

  BackoffStrategy backoff() {
    return requireNonNullElse(backoff, DEFAULT_BACKOFF);
  }

  TimeSource time() {
    return requireNonNullElse(time, TimeSource.system());
  }

  /** An option is set once. */
  static <T> T once(@Nullable T earlier, T value, String name) {
    requireNonNull(value, name);
    if (earlier != null) {
      throw new IllegalStateException(
          name + " is set to " + value + ", it was set to " + earlier + " before");
    }
    return value;
  }
}
