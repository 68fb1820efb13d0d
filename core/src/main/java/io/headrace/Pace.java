package io.headrace;

import static java.lang.invoke.ConstantBootstraps.fieldVarHandle;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** The schedule of a rate: when the next permit is due. Lock-free. */
final class Pace {
  /*
   * The generic cell rate algorithm in its form of virtual scheduling (ITU-T I.371, annex A): one number, the
   * theoretical arrival time, says when the next permit is due if all come at the rate. A permit is granted up to
   * burst - 1 intervals before it, and moves it on by an interval. One that costs n is n permits at once: it is granted
   * when the last of them is due, burst - n intervals before. When the theoretical time lies in the past nobody wanted
   * a permit, and it starts anew from the present: idle time saves up nothing but the burst.
   *
   * Departure, to keep the schedule when threads are late. A permit that is granted late to somebody who waited
   * for it moves the theoretical time on from where it was, not from the present, so that the permits after it
   * come as they were due. A thread that is woken late, or takes a moment to come back for its next permit,
   * cannot be told from one that wants none. So the schedule remembers one bit, that it is in demand:
   * somebody found no permit since it started anew. While it is, a theoretical time that lies in the past
   * by at most the catch-up bound counts as late and is kept. Beyond the bound it is brought up to the bound if
   * somebody has waited meanwhile, and otherwise starts anew.
   *
   * Therefore: the first grant in any window leaves the theoretical time at most the bound behind the clock
   * and an interval further, every other moves it on by an interval at least, and none is granted more than
   * burst - 1 intervals early. So at most window / interval + burst + bound / interval permits are granted.
   *
   * Whoever loses the race for a permit stands back, and then goes on with the time it has read, if a permit is due by
   * it. It reads the clock again before it says that none is.
   *
   * Time is counted in ticks: half nanoseconds divided by a power of two that gives even a short interval 16
   * significant bits. The lowest bit of a theoretical time says that it is in demand; times are even. Ticks
   * wrap around: only differences are compared, and a theoretical time that lies impossibly far ahead belongs to
   * a schedule that nobody used for so long that ticks have wrapped.
   */

  /** An interval has at least so many bits, for a rate that is exact to 0.001 %. */
  private static final int INTERVAL_BITS = 16;

  /** Half the range of ticks is for durations; the rest keeps sums of them from overflowing. */
  static final long MAX_TICKS = 1L << 61;

  private static final long IN_DEMAND = 1;

  private static final VarHandle NEXT =
      fieldVarHandle(MethodHandles.lookup(), "next", VarHandle.class, Pace.class, long.class);

  private final TimeSource time;
  private final long originNanos;
  private final int shift;
  private final long intervalTicks;
  private final int burst;
  private final long toleranceTicks;
  private final long catchUpTicks;
  private final long impossibleTicks;

  /** The theoretical time of the next permit in ticks, and {@link #IN_DEMAND} or not. */
  private volatile long next;

  /**
   * A schedule that is not in demand, with its burst saved up.
   *
   * @param intervalNanos from one permit to the next, from 1
   * @param burst how many permits an idle schedule saves up; see {@link #maxBurst}
   * @param catchUpNanos how far the schedule may lie behind the clock and is kept still
   */
  Pace(TimeSource time, double intervalNanos, int burst, long catchUpNanos) {
    this.time = time;
    originNanos = time.nanoTime();
    shift = shift(intervalNanos);
    intervalTicks = intervalTicks(intervalNanos);
    this.burst = burst;
    toleranceTicks = (burst - 1) * intervalTicks;
    catchUpTicks = Math.min(catchUpNanos, MAX_TICKS >> shift) << shift;
    impossibleTicks = toleranceTicks + intervalTicks + (1_000_000_000L << shift);
  }

  /** How many permits an idle schedule saves up, which is also what one can cost. */
  int burst() {
    return burst;
  }

  /** The largest burst for which the arithmetic holds. */
  static int maxBurst(double intervalNanos) {
    return (int) Math.min(Integer.MAX_VALUE, MAX_TICKS / intervalTicks(intervalNanos));
  }

  private static int shift(double intervalNanos) {
    return 1 + Math.max(0, INTERVAL_BITS - Math.getExponent(intervalNanos));
  }

  /** Even. */
  private static long intervalTicks(double intervalNanos) {
    return Math.round(Math.scalb(intervalNanos, shift(intervalNanos) - 1)) << 1;
  }

  /**
   * Takes the permit that is due.
   *
   * @param hasWaited whether somebody has waited all the time since the permit was due
   * @param cost for how many it counts, up to the burst
   * @return 0 if it was taken, otherwise how many nanoseconds it takes until it is due
   */
  long take(boolean hasWaited, int cost) {
    long tolerance = tolerance(cost);
    long before = next;
    long now = nowTicks();
    while (true) {
      long theoretical = before & ~IN_DEMAND;
      long aheadTicks = theoretical - now;
      boolean isEarly = isEarly(aheadTicks, tolerance);
      if (isEarly && before != theoretical) {
        return nanosUntil(aheadTicks, tolerance);
      }
      long after =
          isEarly
              ? before | IN_DEMAND
              : start(before, now, aheadTicks, hasWaited) + cost * intervalTicks;
      if (NEXT.compareAndSet(this, before, after)) {
        return isEarly ? nanosUntil(aheadTicks, tolerance) : 0;
      }
      BackOff.spin();
      before = next;
      now = timeFor(before, now, tolerance);
    }
  }

  /** How far ahead the theoretical time may lie. */
  private long tolerance(int cost) {
    return toleranceTicks - (cost - 1) * intervalTicks;
  }

  /** The time by which a schedule is judged that was read after the clock. */
  private long timeFor(long found, long now, long tolerance) {
    return found - now > tolerance ? nowTicks() : now; // it may come from a later time
  }

  /** How many nanoseconds it takes until the next permit of a cost is due, 0 or less if it is. */
  long delayNanos(int cost) {
    long tolerance = tolerance(cost);
    long theoretical = next & ~IN_DEMAND;
    long aheadTicks = theoretical - nowTicks();
    return isEarly(aheadTicks, tolerance) ? nanosUntil(aheadTicks, tolerance) : 0;
  }

  /**
   * Read after the theoretical time: then that time is not further ahead than a grant can move it.
   */
  private long nowTicks() {
    return (time.nanoTime() - originNanos) << shift;
  }

  private boolean isEarly(long aheadTicks, long tolerance) {
    return aheadTicks > tolerance && aheadTicks <= impossibleTicks;
  }

  /** Rounded up: an alarm never rings before the permit is due. */
  private long nanosUntil(long aheadTicks, long tolerance) {
    return (aheadTicks - tolerance + (1L << shift) - 1) >> shift;
  }

  /** From when on a grant moves the schedule. */
  private long start(long before, long now, long aheadTicks, boolean hasWaited) {
    if (aheadTicks > impossibleTicks) {
      return now;
    }
    if (aheadTicks >= 0) {
      return before;
    }
    boolean isInDemand = hasWaited || (before & IN_DEMAND) != 0;
    if (isInDemand && aheadTicks >= -catchUpTicks) {
      return before;
    }
    return hasWaited ? now - catchUpTicks | IN_DEMAND : now;
  }
}
