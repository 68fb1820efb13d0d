package io.headrace;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Describes a {@link Throttle}: at least one of the two limits, and how the rate is kept. Each
 * option is set once. The two limits can be changed later, by {@link Throttle#setAtOnce} and {@link
 * Throttle#setRate}.
 *
 * <p>Not thread safe.
 */
public final class ThrottleBuilder {
  /** How far the schedule of a rate may lie behind unless {@link #catchUp} says otherwise. */
  public static final Duration DEFAULT_CATCH_UP = Duration.ofMillis(50);

  private @Nullable String name;
  private @Nullable Integer atOnce;
  private @Nullable Rate rate;
  private @Nullable Integer burst;
  private @Nullable Duration catchUp;
  private @Nullable TimeSource time;

  ThrottleBuilder() {}

  /**
   * What the throttle is called in messages. Default: none, messages say "throttle" only.
   *
   * @param name the name
   * @return this
   * @throws IllegalArgumentException if the name is blank
   * @throws IllegalStateException if it is set already
   */
  public ThrottleBuilder name(String name) {
    Checks.unset(this.name, name, "name");
    this.name = Checks.name(name);
    return this;
  }

  /**
   * Limits how many permits are out at once. Such a permit has to be closed.
   *
   * @param atOnce the number of permits, 1 or above
   * @return this
   * @throws IllegalArgumentException if it is below 1
   * @throws IllegalStateException if it is set already
   */
  public ThrottleBuilder atOnce(int atOnce) {
    Checks.unset(this.atOnce, atOnce, "atOnce");
    this.atOnce = Checks.atLeast(1, atOnce, "atOnce");
    return this;
  }

  /**
   * Limits how many permits are granted in a period. They are spaced evenly: 10 in a second means
   * one each 100 ms, 300 in a minute one each 200 ms. Fractions are allowed.
   *
   * <p>An interval between two permits is from a nanosecond to 3650 days, and is kept to 0.001 %.
   *
   * @param permits how many permits in a period
   * @param period the period
   * @return this
   * @throws IllegalArgumentException if the number of permits is no number above zero, or the
   *     period is not above zero, or the interval is too short or too long
   * @throws IllegalStateException if a rate is set already
   */
  public ThrottleBuilder rate(double permits, Duration period) {
    Rate value = new Rate(permits, period);
    Checks.unset(rate, value, "rate");
    rate = value;
    return this;
  }

  /**
   * Limits how many permits are granted in a second, as {@link #rate} does.
   *
   * @param permits how many permits in a second; 0.2 is one every 5 seconds
   * @return this
   * @throws IllegalArgumentException if the number of permits is no number above zero, or the
   *     interval is too short or too long
   * @throws IllegalStateException if a rate is set already
   */
  public ThrottleBuilder perSecond(double permits) {
    return rate(permits, Duration.ofSeconds(1));
  }

  /**
   * How many permits of its rate an idle throttle saves up, to grant them at once, or one that
   * {@linkplain Throttle#withCost costs} as many. Without it 1: nothing is saved up.
   *
   * @param burst the number of permits, 1 or above
   * @return this
   * @throws IllegalArgumentException if it is below 1
   * @throws IllegalStateException if it is set already
   */
  public ThrottleBuilder burst(int burst) {
    Checks.unset(this.burst, burst, "burst");
    this.burst = Checks.atLeast(1, burst, "burst");
    return this;
  }

  /**
   * How far the schedule of the rate may lie behind the clock and is kept still. Threads are woken
   * late, by 50 microseconds or by many milliseconds on a busy machine. What was granted late does
   * not shift what comes after it, up to this bound: permits are granted at once until the schedule
   * is caught up with. {@link Duration#ZERO} means strict spacing: between two permits there is
   * always a whole interval, and each late wake-up is lost from the rate.
   *
   * <p>Idle time is not caught up with. A throttle cannot see, however, whether a thread that took
   * a permit a moment ago is late or wants no more: while permits are in demand, which begins when
   * somebody finds none, a gap within this bound counts as late.
   *
   * <p>The default is 50 ms, {@link #DEFAULT_CATCH_UP}.
   *
   * @param catchUp the bound, zero or above
   * @return this
   * @throws IllegalArgumentException if it is negative
   * @throws IllegalStateException if it is set already
   */
  public ThrottleBuilder catchUp(Duration catchUp) {
    Checks.unset(this.catchUp, catchUp, "catchUp");
    Checks.nanosNotNegative(catchUp, "catchUp");
    this.catchUp = catchUp;
    return this;
  }

  /**
   * The clock and the alarm, for tests in virtual time. The default is {@link TimeSource#system}.
   *
   * @param time the time source
   * @return this
   * @throws IllegalStateException if it is set already
   */
  public ThrottleBuilder timeSource(TimeSource time) {
    Checks.unset(this.time, time, "timeSource");
    this.time = time;
    return this;
  }

  /**
   * Makes a throttle. Several can be made with one builder; each has limits of its own.
   *
   * @return a throttle
   * @throws IllegalArgumentException if neither limit is set, or if burst or catchUp is set and
   *     rate is not, or if an idle throttle would need more than 36 years to save up the burst
   */
  public Throttle build() {
    if (atOnce == null && rate == null) {
      throw new IllegalArgumentException(
          "neither atOnce nor rate is set, a throttle needs a limit");
    }
    needsRate(burst, "burst");
    needsRate(catchUp, "catchUp");
    TimeSource time = this.time == null ? TimeSource.system() : this.time;
    Pace pace =
        rate == null
            ? null
            : new Pace(
                time,
                rate,
                burst == null ? 1 : burst,
                catchUp == null ? DEFAULT_CATCH_UP : catchUp);
    return new Throttle(new Gate(name, atOnce == null ? 0 : atOnce, pace, time), time);
  }

  private void needsRate(@Nullable Object value, String name) {
    if (value != null && rate == null) {
      throw new IllegalArgumentException(
          name + " is " + value + ", it has a meaning only beside a rate");
    }
  }
}
