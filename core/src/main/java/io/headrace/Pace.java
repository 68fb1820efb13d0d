package io.headrace;

import static java.lang.invoke.ConstantBootstraps.fieldVarHandle;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The schedule of a rate: when the next permit is due. To take one is lock-free. */
final class Pace {
  /*
   * The generic cell rate algorithm in its form of virtual scheduling (ITU-T I.371, annex A): one
   * number, the theoretical arrival time, says when the next permit is due if all come at the rate.
   * A permit is granted up to burst - 1 intervals before it, and moves it on by an interval. One
   * that costs n is n permits at once: it is granted when the last of them is due, burst - n
   * intervals before. When the theoretical time lies in the past nobody wanted a permit, and it
   * starts anew from the present: idle time saves up nothing but the burst.
   *
   * Departure, to keep the schedule when threads are late. A permit that is granted late to
   * somebody who waited for it moves the theoretical time on from where it was, not from the
   * present, so that the permits after it come as they were due. A thread that is woken late, or
   * takes a moment to come back for its next permit, cannot be told from one that wants none. So
   * the schedule remembers one bit, that it is in demand: somebody found no permit since it started
   * anew. While it is, a theoretical time that lies in the past by at most the catch-up bound
   * counts as late and is kept. Beyond the bound it is brought up to the bound if somebody has
   * waited meanwhile, and otherwise starts anew.
   *
   * Therefore: the first grant in any window leaves the theoretical time at most the bound behind
   * the clock and an interval further, every other moves it on by an interval at least, and none is
   * granted more than burst - 1 intervals early. So at most window / interval + burst + bound /
   * interval permits are granted.
   *
   * Whoever loses the race for a permit stands back, and then tries some times in a row: a thread
   * that takes one permit after the other leaves it little room, and would win nearly always. It
   * goes on with the time it has read, if a permit is due by it, and reads the clock again before
   * it says that none is. To read it takes as long as the rest, in which the race may be lost: so
   * the theoretical time is read before and after.
   *
   * A schedule has one rate. When that changes another one takes its place: this one is sealed, so
   * that nobody takes a permit from it anymore, and how far ahead or behind it is goes on as a
   * number of intervals. What was saved up stays so, and what is missing is saved up at the new
   * rate. So a window across the change has at most as many permits as its two parts have
   * intervals, the burst, and the bound / interval of its beginning.
   *
   * Time is counted in ticks: quarters of nanoseconds divided by a power of two that gives even a
   * short interval 16 significant bits. Times are multiples of four; the two lowest bits of a
   * theoretical time say that it is in demand, and that it is sealed. Ticks wrap around: only
   * differences are compared, and a theoretical time that lies impossibly far ahead belongs to a
   * schedule that nobody used for so long that ticks have wrapped.
   */

  /** An interval has at least so many bits, for a rate that is exact to 0.001 %. */
  private static final int INTERVAL_BITS = 16;

  /** Half of the ticks ahead are for durations; the rest keeps sums of them from overflowing. */
  static final long MAX_TICKS = 1L << 62;

  /** How often it is tried to take a permit until one stands back again. */
  private static final int TRIES = 4;

  private static final int FLAG_BITS = 2;
  private static final long IN_DEMAND = 1;
  private static final long SEALED = 2;
  private static final long FLAGS = IN_DEMAND | SEALED;

  /** In place of a time: this schedule is sealed, and another one takes its place. */
  static final long REPLACED = -1;

  private static final VarHandle NEXT =
      fieldVarHandle(MethodHandles.lookup(), "next", VarHandle.class, Pace.class, long.class);

  private final TimeSource time;
  private final Rate rate;
  private final Duration catchUp;
  private final long originNanos;
  private final int shift;
  private final long intervalTicks;
  private final int burst;
  private final long toleranceTicks;
  private final long catchUpTicks;
  private final long impossibleTicks;

  /** The theoretical time of the next permit in ticks, and its {@link #FLAGS}. */
  private volatile long next;

  /** Made by who loses a race first: most schedules never see one. Two may make one each. */
  private @Nullable BackOff backOff;

  /**
   * A schedule that is not in demand, with its burst saved up.
   *
   * @param burst how many permits an idle schedule saves up
   * @param catchUp how far the schedule may lie behind the clock and is kept still
   * @throws IllegalArgumentException if the arithmetic does not hold for so large a burst
   */
  Pace(TimeSource time, Rate rate, int burst, Duration catchUp) {
    this.time = time;
    this.rate = rate;
    this.burst = burst;
    this.catchUp = catchUp;
    originNanos = time.nanoTime();
    double intervalNanos = rate.intervalNanos();
    shift = FLAG_BITS + Math.max(0, INTERVAL_BITS - Math.getExponent(intervalNanos));
    intervalTicks = Math.round(Math.scalb(intervalNanos, shift - FLAG_BITS)) << FLAG_BITS;
    long maxBurst = MAX_TICKS / intervalTicks;
    if (burst > maxBurst) {
      throw new IllegalArgumentException(
          "burst is " + burst + ", at a rate of " + rate + " it has to be at most " + maxBurst);
    }
    toleranceTicks = (burst - 1) * intervalTicks;
    long catchUpNanos = Checks.nanosNotNegative(catchUp, "catchUp");
    catchUpTicks = Math.min(catchUpNanos, MAX_TICKS >> shift) << shift;
    impossibleTicks = toleranceTicks + intervalTicks + (1_000_000_000L << shift);
  }

  /** How many permits an idle schedule saves up, which is also what one can cost. */
  int burst() {
    return burst;
  }

  /**
   * The same schedule at another rate, which takes the place of this one. One thread at a time may
   * change it; who finds it {@link #REPLACED} waits for the end of that.
   *
   * @param hasWaited whether somebody has waited all the time since the permit was due
   * @throws IllegalArgumentException if the burst is too large for that rate; nothing is changed
   */
  Pace at(Rate newRate, boolean hasWaited) {
    Pace changed = new Pace(time, newRate, burst, catchUp);
    long last = (long) NEXT.getAndBitwiseOr(this, SEALED);
    try {
      changed.carryOn(this, last, time.nanoTime(), hasWaited);
    } catch (Throwable noTime) {
      next = last;
      throw noTime;
    }
    return changed;
  }

  /** Is as many intervals ahead or behind as another schedule was when it was sealed. */
  private void carryOn(Pace sealed, long last, long nowNanos, boolean hasWaited) {
    long now = sealed.ticks(nowNanos);
    long start = sealed.start(last, now, (last & ~FLAGS) - now, hasWaited);
    long aheadTicks = scaled((start & ~FLAGS) - now, sealed.intervalTicks, intervalTicks);
    next = (ticks(nowNanos) + aheadTicks) | (start & IN_DEMAND);
  }

  /** Rounded up, so that no permit is due earlier; further behind than any bound is enough. */
  private static long scaled(long ticks, long oldInterval, long newInterval) {
    return BigDecimal.valueOf(ticks)
            .multiply(BigDecimal.valueOf(newInterval))
            .divide(BigDecimal.valueOf(oldInterval << FLAG_BITS), 0, RoundingMode.CEILING)
            .max(BigDecimal.valueOf(-MAX_TICKS >> FLAG_BITS))
            .longValue()
        << FLAG_BITS;
  }

  /**
   * Takes the permit that is due.
   *
   * @param hasWaited whether somebody has waited all the time since the permit was due
   * @param cost for how many it counts, up to the burst
   * @return 0 if it was taken, otherwise how many nanoseconds it takes until it is due; or {@link
   *     #REPLACED}
   */
  long take(boolean hasWaited, int cost) {
    long tolerance = tolerance(cost);
    long found = next;
    long now = nowTicks();
    long before = next;
    if (before != found) {
      now = timeFor(before, now, tolerance);
    }
    for (int lost = 0; ; lost++) {
      if ((before & SEALED) != 0) {
        return REPLACED;
      }
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
      if (lost % TRIES == 0) {
        backOff().standBack();
      }
      before = next;
      now = timeFor(before, now, tolerance);
    }
  }

  private BackOff backOff() {
    BackOff made = backOff;
    if (made == null) {
      made = new BackOff();
      backOff = made;
    }
    return made;
  }

  /** How far ahead the theoretical time may lie. */
  private long tolerance(int cost) {
    return toleranceTicks - (cost - 1) * intervalTicks;
  }

  /** The time by which a schedule is judged that was read after the clock. */
  private long timeFor(long found, long now, long tolerance) {
    return found - now > tolerance ? nowTicks() : now; // it may come from a later time
  }

  /**
   * How many nanoseconds it takes until the next permit of a cost is due, 0 or less if it is. Of a
   * schedule that is sealed: as it was until then.
   */
  long delayNanos(int cost) {
    long tolerance = tolerance(cost);
    long theoretical = next & ~FLAGS;
    long aheadTicks = theoretical - nowTicks();
    return isEarly(aheadTicks, tolerance) ? nanosUntil(aheadTicks, tolerance) : 0;
  }

  /**
   * Of a theoretical time that was read before it is known that it is not further ahead than a
   * grant can move it.
   */
  private long nowTicks() {
    return ticks(time.nanoTime());
  }

  private long ticks(long nanos) {
    return (nanos - originNanos) << shift;
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

  @Override
  public String toString() {
    return "rate=" + rate + ", burst=" + burst + ", catchUp=" + catchUp;
  }
}
