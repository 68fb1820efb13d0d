package io.headrace.testkit;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Arrays;
import java.util.Random;

/**
 * When items arrive: the input of a {@link Simulation}. The random ones are the same for the same
 * seed, everywhere. Immutable.
 */
public final class ArrivalTrace {
  private static final double NANOS_PER_SECOND = 1e9;
  private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE);

  /** Beyond it there is no array for them. */
  private static final int MOST_ARRIVALS = 1_000_000_000;

  private static final int INITIAL_CAPACITY = 1024;

  private final long[] atNanos;
  private final long lengthNanos;

  private ArrivalTrace(long[] atNanos, long lengthNanos) {
    this.atNanos = atNanos;
    this.lengthNanos = lengthNanos;
  }

  /**
   * Arrivals at given times.
   *
   * @param length how long the trace is
   * @param atNanos nanoseconds from its beginning, in ascending order
   * @return the trace
   * @throws IllegalArgumentException if the length is not above zero, or the times are negative,
   *     not ascending, or beyond the length
   */
  public static ArrivalTrace of(Duration length, long... atNanos) {
    long lengthNanos = nanos(length, "length");
    long before = 0;
    for (long at : atNanos) {
      if (at < before || at > lengthNanos) {
        throw new IllegalArgumentException(
            "an arrival is at " + at + " ns, it has to be from " + before + " to " + lengthNanos);
      }
      before = at;
    }
    return new ArrivalTrace(atNanos.clone(), lengthNanos);
  }

  /**
   * Arrivals that know nothing of each other: a Poisson process.
   *
   * @param perSecond how many arrive in a second on average, above 0
   * @param length how long the trace is
   * @param seed the seed
   * @return the trace
   * @throws IllegalArgumentException if an argument makes no sense
   */
  public static ArrivalTrace poisson(double perSecond, Duration length, long seed) {
    Arrivals arrivals = new Arrivals(perSecond, length, seed);
    while (arrivals.pass(arrivals.gapNanos(perSecond))) {
      arrivals.add();
    }
    return arrivals.trace();
  }

  /**
   * Groups of items that arrive at once: the groups come as a Poisson process, their sizes have a
   * geometric distribution.
   *
   * @param perSecond how many items arrive in a second on average, above 0
   * @param meanGroup how large a group is on average, at least 1
   * @param length how long the trace is
   * @param seed the seed
   * @return the trace
   * @throws IllegalArgumentException if an argument makes no sense
   */
  public static ArrivalTrace bursty(
      double perSecond, double meanGroup, Duration length, long seed) {
    if (!(meanGroup >= 1 && meanGroup < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "meanGroup is " + meanGroup + ", it has to be at least 1 and finite");
    }
    Arrivals arrivals = new Arrivals(perSecond, length, seed);
    while (arrivals.pass(arrivals.gapNanos(perSecond / meanGroup))) {
      do {
        arrivals.add();
      } while (arrivals.random.nextDouble() >= 1 / meanGroup);
    }
    return arrivals.trace();
  }

  /**
   * Times with arrivals and times without: a Poisson process that is switched on and off. How long
   * it stays so has an exponential distribution.
   *
   * @param perSecond how many arrive in a second on average, above 0, the times without included
   * @param on how long it is on, on average
   * @param off how long it is off, on average
   * @param length how long the trace is
   * @param seed the seed
   * @return the trace
   * @throws IllegalArgumentException if an argument makes no sense
   */
  public static ArrivalTrace onOff(
      double perSecond, Duration on, Duration off, Duration length, long seed) {
    double onNanos = nanos(on, "on");
    double offNanos = nanos(off, "off");
    Arrivals arrivals = new Arrivals(perSecond, length, seed);
    double perSecondOn = perSecond * (onNanos + offNanos) / onNanos;
    double leftNanos = arrivals.exponential(onNanos);
    while (true) {
      double gapNanos = arrivals.gapNanos(perSecondOn);
      while (gapNanos > leftNanos) {
        gapNanos -= leftNanos;
        if (!arrivals.pass(leftNanos + arrivals.exponential(offNanos))) {
          return arrivals.trace();
        }
        leftNanos = arrivals.exponential(onNanos);
      }
      leftNanos -= gapNanos;
      if (!arrivals.pass(gapNanos)) {
        return arrivals.trace();
      }
      arrivals.add();
    }
  }

  /**
   * A rate that rises and falls as a sine, beginning at its lowest: a Poisson process with a daily
   * curve.
   *
   * @param perSecond how many arrive in a second on average, above 0
   * @param swing how far the rate departs from the average, as a share of it, 0 to 1
   * @param day how long a day is; the average holds for whole days
   * @param length how long the trace is
   * @param seed the seed
   * @return the trace
   * @throws IllegalArgumentException if an argument makes no sense
   */
  public static ArrivalTrace daily(
      double perSecond, double swing, Duration day, Duration length, long seed) {
    if (!(swing >= 0 && swing <= 1)) {
      throw new IllegalArgumentException("swing is " + swing + ", it has to be from 0 to 1");
    }
    double dayNanos = nanos(day, "day");
    Arrivals arrivals = new Arrivals(perSecond, length, seed);
    double highest = perSecond * (1 + swing);
    while (arrivals.pass(arrivals.gapNanos(highest))) {
      double rate = perSecond * (1 - swing * Math.cos(2 * Math.PI * arrivals.nowNanos / dayNanos));
      if (arrivals.random.nextDouble() * highest < rate) {
        arrivals.add();
      }
    }
    return arrivals.trace();
  }

  /**
   * How many items arrive.
   *
   * @return the number of arrivals
   */
  public int size() {
    return atNanos.length;
  }

  /**
   * When an item arrives.
   *
   * @param index which one, from 0
   * @return nanoseconds from the beginning of the trace
   */
  public long atNanos(int index) {
    return atNanos[index];
  }

  /**
   * How long the trace is.
   *
   * @return its length
   */
  public Duration length() {
    return Duration.ofNanos(lengthNanos);
  }

  /**
   * How many items arrive in a second on average.
   *
   * @return arrivals per second
   */
  public double perSecond() {
    return atNanos.length * NANOS_PER_SECOND / lengthNanos;
  }

  @Override
  public String toString() {
    return "trace of " + atNanos.length + " arrivals in " + length();
  }

  private static long nanos(Duration value, String name) {
    if (!requireNonNull(value, name).isPositive()) {
      throw new IllegalArgumentException(name + " is " + value + ", it has to be above zero");
    }
    if (value.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(name + " is " + value + ", at most it is " + LONGEST);
    }
    return value.toNanos();
  }

  /** A trace in the making. */
  private static final class Arrivals {
    final Random random;
    private final double lengthNanos;
    private long[] atNanos = new long[INITIAL_CAPACITY];
    private int size;
    private double nowNanos;

    Arrivals(double perSecond, Duration length, long seed) {
      if (!(perSecond > 0 && perSecond < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "perSecond is " + perSecond + ", it has to be above 0 and finite");
      }
      lengthNanos = nanos(length, "length");
      double expected = perSecond * lengthNanos / NANOS_PER_SECOND;
      if (expected > MOST_ARRIVALS) {
        throw new IllegalArgumentException(
            "perSecond is "
                + perSecond
                + ", in "
                + length
                + " these are "
                + expected
                + " arrivals, at most it is "
                + MOST_ARRIVALS);
      }
      random = new Random(seed);
    }

    double exponential(double mean) {
      return -mean * Math.log(1 - random.nextDouble());
    }

    double gapNanos(double perSecond) {
      return exponential(NANOS_PER_SECOND / perSecond);
    }

    /** Returns whether the trace is not over yet. */
    boolean pass(double nanos) {
      nowNanos += nanos;
      return nowNanos < lengthNanos;
    }

    void add() {
      if (size == atNanos.length) {
        atNanos = Arrays.copyOf(atNanos, 2 * size);
      }
      atNanos[size++] = (long) nowNanos;
    }

    ArrivalTrace trace() {
      return new ArrivalTrace(Arrays.copyOf(atNanos, size), (long) lengthNanos);
    }
  }
}
