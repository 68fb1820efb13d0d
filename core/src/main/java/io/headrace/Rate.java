package io.headrace;

import static java.util.Objects.requireNonNull;

import java.time.Duration;

/** How many permits are granted in a period. */
record Rate(double permits, Duration period) {
  private static final Duration LONGEST_INTERVAL = Duration.ofDays(3650);

  Rate {
    requireNonNull(period, "period");
    if (!(permits > 0) || Double.isInfinite(permits)) {
      throw new IllegalArgumentException(
          "rate is " + permits + ", it has to be a number above zero");
    }
    Checks.positiveNanos(period, "period");
    double intervalNanos = intervalNanos(permits, period);
    if (intervalNanos < 1 || intervalNanos > LONGEST_INTERVAL.toNanos()) {
      throw new IllegalArgumentException(
          "rate is "
              + permits
              + " in "
              + period
              + ", it has to be from one in 3650 days to one in a nanosecond");
    }
  }

  double intervalNanos() {
    return intervalNanos(permits, period);
  }

  /** The period may be longer than a long of nanoseconds. */
  private static double intervalNanos(double permits, Duration period) {
    return (period.getSeconds() * 1e9 + period.getNano()) / permits;
  }

  @Override
  public String toString() {
    return permits + " in " + period;
  }
}
