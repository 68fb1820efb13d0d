package io.headrace;

import static java.lang.invoke.ConstantBootstraps.fieldVarHandle;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Set;
import java.util.StringJoiner;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Grants the permits of one throttle: slots for tasks at once, a rate, and the queue before both.
 */
final class Gate {
  /*
   * One atomic number counts the slots that are free and those who wait. While nobody waits it is
   * the whole gate: a compare-and-set takes a slot, an addition gives it back, and Pace decides
   * about the rate. As soon as somebody waits slots are taken only under the lock, which also
   * guards the queue: so nobody overtakes. Whoever gives a slot back finds in the same number, by
   * the same addition, whether somebody waits; then it takes the lock and grants. A waiter counts
   * itself and then looks for a slot, so one of the two sees the other.
   *
   * Both limits are changed under the lock. Another number of slots is so many free ones more or
   * fewer, in the same atomic number: it is below zero while more are taken than there are now. For
   * another rate another Pace takes the place of the one there is, which nobody can take a permit
   * from as soon as that has begun: who comes in between waits for the lock.
   *
   * A waiter gets a slot and its place in the schedule at the moment it is granted its permit, not
   * before. The first in the queue waits for a slot, and then for the alarm that rings when the
   * rate allows it; the others wait for nothing but their turn. So a waiter that gives up leaves
   * nothing behind. An alarm that rings late finds more than one permit due, and grants them all.
   *
   * The lock is held for a few steps only, never while a thread is parked or code of users runs:
   * who was granted a permit under the lock is told afterwards. Within it the time source is
   * called. If that throws instead of setting an alarm, the request that needs it fails, and the
   * next one tries again.
   */

  /** What somebody who waits adds to the counts. */
  private static final long WAITER = -1L << 32;

  private static final VarHandle COUNTS =
      fieldVarHandle(MethodHandles.lookup(), "counts", VarHandle.class, Gate.class, long.class);

  private static final VarHandle PACE =
      fieldVarHandle(MethodHandles.lookup(), "pace", VarHandle.class, Gate.class, Pace.class);

  private final @Nullable String name;
  private final boolean hasSlots;
  final TimeSource time;

  /** The slots that are free, a number of 32 bits, and {@link #WAITER} for each who waits. */
  private volatile long counts;

  /** Those to tell when there are more slots, who may be none that wait. */
  private final Set<ThreadedRun> runs = ConcurrentHashMap.newKeySet();

  private final ReentrantLock lock = new ReentrantLock();

  /** How many slots there are, taken or free. Written under the lock, with the counts. */
  private volatile int atOnce;

  /** Written under the lock. */
  private @Nullable Pace pace;

  private @Nullable Waiter first;
  private @Nullable Waiter last;

  /** Whether the first waiter had its slot, and found no permit due, when it was looked at last. */
  private boolean waitsForRate;

  /** Set while somebody waits for the rate; rings when a permit is due. */
  private TimeSource.@Nullable Alarm alarm;

  /** Of the alarm that was set last: one that was cancelled may ring still. */
  private int alarmId;

  /** Why there is no alarm though the first waits for the rate. */
  private @Nullable Throwable alarmFailure;

  /**
   * A gate with all slots free.
   *
   * @param name what messages call the throttle; null for nothing
   * @param atOnce how many slots there are; 0 for no limit
   * @param pace the rate, or null for no limit
   */
  Gate(@Nullable String name, int atOnce, @Nullable Pace pace, TimeSource time) {
    this.name = name;
    hasSlots = atOnce != 0;
    this.atOnce = atOnce;
    this.pace = pace;
    this.time = time;
    counts = atOnce;
  }

  /** How many slots there are; the maximum of an int for no limit. */
  int maxAtOnce() {
    return hasSlots ? atOnce : Integer.MAX_VALUE;
  }

  /** Changes how many slots there are. */
  void setAtOnce(int newAtOnce) {
    StackRoom.require();
    Waiter granted;
    lock.lock();
    try {
      if (!hasSlots) {
        throw unlimited("atOnce", newAtOnce);
      }
      long added = (long) newAtOnce - atOnce;
      atOnce = newAtOnce;
      COUNTS.getAndAdd(this, added);
      granted = grant();
    } finally {
      lock.unlock();
    }
    Waiter.tellElsewhere(granted, time);
    runs.forEach(ThreadedRun::seekMore);
  }

  /** A run is told when there are more slots, until {@link #forget}. */
  void tell(ThreadedRun run) {
    if (hasSlots) {
      runs.add(run);
    }
  }

  void forget(ThreadedRun run) {
    runs.remove(run);
  }

  /** How many runs are told. */
  int runs() {
    return runs.size();
  }

  /** Changes the rate. */
  void setRate(Rate rate) {
    StackRoom.require();
    Waiter granted;
    Throwable failure;
    lock.lock();
    try {
      if (pace == null) {
        throw unlimited("rate", rate);
      }
      PACE.setRelease(this, pace.at(rate, waitsForRate));
      stopAlarm(); // it was set for the other rate
      granted = grant();
      failure = alarmFailure();
    } finally {
      lock.unlock();
    }
    Waiter.tellElsewhere(granted, time);
    if (failure != null) {
      throw Failures.unchecked(failure);
    }
  }

  private IllegalStateException unlimited(String limit, Object value) {
    return new IllegalStateException(
        limit
            + " is "
            + value
            + ", it can be changed only where the throttle was built with it, and this is "
            + this);
  }

  int waiting() {
    return waiting(counts);
  }

  /** How many slots are taken. */
  int running() {
    StackRoom.require();
    lock.lock(); // both numbers change under it
    try {
      return atOnce - free(counts);
    } finally {
      lock.unlock();
    }
  }

  private static int waiting(long counts) {
    return (int) ((free(counts) - counts) >>> 32);
  }

  private static int free(long counts) {
    return (int) counts;
  }

  /**
   * Takes what a permit stands for, if it can be had now and nobody waits: a slot, and a place in
   * the schedule of the rate. Whoever has it calls {@link #release} once.
   */
  boolean tryTake(int cost) {
    StackRoom.require();
    if (!hasSlots) {
      return counts == 0 && isDue(cost);
    }
    if (!tryTakeSlot()) {
      return false;
    }
    if (!isDue(cost)) {
      giveBack();
      return false;
    }
    return true;
  }

  /** The permit for what was taken, which gives it back once only. */
  Permit permit() {
    return hasSlots ? new Permit(this) : Permit.FREE;
  }

  private boolean tryTakeSlot() {
    long before = counts;
    while (before > 0) { // else somebody waits, or all slots are taken
      long found = (long) COUNTS.compareAndExchange(this, before, before - 1);
      if (found == before) {
        return true;
      }
      before = found;
    }
    return false;
  }

  /** Takes the rate's next permit, if it is due. */
  private boolean isDue(int cost) {
    Pace present = pace();
    long delayNanos = present == null ? 0 : present.take(false, cost);
    return delayNanos == 0 || (delayNanos == Pace.REPLACED && isDueSoon(cost));
  }

  /** The same as soon as the rate has been changed. */
  private boolean isDueSoon(int cost) {
    lock.lock();
    try {
      return first == null && pace != null && pace.take(false, cost) == 0;
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Pace pace() {
    return (Pace) PACE.getAcquire(this);
  }

  /** Whether nobody can get a permit of a cost within this time, whatever others do. */
  boolean isOutOfReach(long waitNanos, int cost) {
    Pace present = pace();
    return present != null && present.delayNanos(cost) > waitNanos;
  }

  /** For how many a permit may count by the rate; 0 if there is none. */
  int maxCost() {
    Pace present = pace();
    return present == null ? 0 : present.burst();
  }

  /** Why somebody goes without a permit. */
  DeadlineExceededException tooLate(long timeoutNanos) {
    return new DeadlineExceededException(
        (name == null ? "throttle" : "throttle " + name)
            + " had no permit within "
            + Duration.ofNanos(timeoutNanos));
  }

  /** Gives a slot back, if there are any. Returns who has to be told. */
  @Nullable Waiter release() {
    if (!hasSlots) {
      return null;
    }
    if ((long) COUNTS.getAndAdd(this, 1L) >= Integer.MIN_VALUE) {
      return null; // nobody waits
    }
    lock.lock();
    try {
      return grant();
    } finally {
      lock.unlock();
    }
  }

  /** Gives a slot back on a thread that must not run the continuations of others. */
  void giveBack() {
    Waiter.tellElsewhere(release(), time);
  }

  /**
   * Puts somebody at the end of the queue, who may be granted a permit at once and is told of it
   * then. Others that are granted one are told on a thread of their own.
   *
   * @param timeoutNanos when the wait ends without a permit; 0 for never
   */
  void enqueue(Waiter waiter, long timeoutNanos) {
    Waiter others;
    Waiter own;
    Throwable failure;
    lock.lock();
    try {
      COUNTS.getAndAdd(this, WAITER);
      others = grant();
      boolean isFirst = first == null;
      append(waiter);
      own = isFirst ? grant() : null;
      failure = waiter.isQueued ? setAlarms(waiter, timeoutNanos) : null;
    } finally {
      lock.unlock();
    }
    Waiter.tellElsewhere(others, time);
    Waiter.tell(own);
    if (failure != null) {
      throw Failures.unchecked(failure);
    }
  }

  /** Returns why it cannot wait, if the time source fails. Then it is out of the queue. */
  private @Nullable Throwable setAlarms(Waiter waiter, long timeoutNanos) {
    Throwable failure = alarmFailure();
    if (failure == null && timeoutNanos != 0) {
      try {
        waiter.timeout = time.schedule(timeoutNanos, () -> expire(waiter));
      } catch (Throwable broken) {
        failure = broken;
      }
    }
    if (failure != null) {
      var _ = dismiss(waiter); // nobody is behind it
    }
    return failure;
  }

  /** Why the first waits for the rate without an alarm, if it does. */
  private @Nullable Throwable alarmFailure() {
    return waitsForRate && alarm == null ? alarmFailure : null;
  }

  /** Somebody gives up. Returns false if the wait is over already. */
  boolean withdraw(Waiter waiter) {
    StackRoom.requireSome();
    Waiter granted;
    lock.lock();
    try {
      if (!waiter.isQueued) {
        return false;
      }
      granted = dismiss(waiter);
    } finally {
      lock.unlock();
    }
    Waiter.tellElsewhere(granted, time);
    return true;
  }

  /** The timeout of a waiter is over. A permit that is due at this very moment is granted still. */
  private void expire(Waiter waiter) {
    Waiter granted;
    Waiter after = null;
    Waiter expired = null;
    lock.lock();
    try {
      granted = grant();
      if (waiter.isQueued) {
        after = dismiss(waiter);
        expired = waiter;
      }
    } finally {
      lock.unlock();
    }
    Waiter.tellElsewhere(granted, time);
    Waiter.tellElsewhere(expired, time);
    Waiter.tellElsewhere(after, time);
  }

  private void ring(int id) {
    Waiter granted;
    lock.lock();
    try {
      if (id != alarmId) {
        return;
      }
      alarm = null;
      granted = grant();
    } finally {
      lock.unlock();
    }
    Waiter.tellElsewhere(granted, time);
  }

  /** Grants what can be granted, in the order of the queue. Returns who has to be told. */
  private @Nullable Waiter grant() {
    Waiter firstGranted = null;
    Waiter lastGranted = null;
    Waiter waiter;
    while ((waiter = first) != null && isAdmitted(waiter.cost)) {
      remove(waiter);
      COUNTS.getAndAdd(this, hasSlots ? -WAITER - 1 : -WAITER);
      waiter.end(true);
      if (lastGranted == null) {
        firstGranted = waiter;
      } else {
        lastGranted.after = waiter;
      }
      lastGranted = waiter;
    }
    stopAlarmIfEmpty();
    return firstGranted;
  }

  /** Whether the first waiter gets its permit now; sets the alarm if it waits for the rate. */
  private boolean isAdmitted(int cost) {
    if (hasSlots && free(counts) <= 0) {
      waitsForRate = false;
      stopAlarm(); // it has lost its slot, if it had one
      return false;
    }
    long delayNanos = pace == null ? 0 : pace.take(waitsForRate, cost);
    waitsForRate = delayNanos > 0;
    if (waitsForRate && alarm == null) {
      setAlarm(delayNanos);
    }
    return !waitsForRate;
  }

  /** What it throws must not lose those who were granted a permit a moment ago. */
  private void setAlarm(long delayNanos) {
    int id = ++alarmId;
    try {
      alarm = time.schedule(delayNanos, () -> ring(id));
    } catch (Throwable broken) {
      alarmFailure = broken;
    }
  }

  private void append(Waiter waiter) {
    waiter.isQueued = true;
    waiter.before = last;
    if (last == null) {
      first = waiter;
    } else {
      last.after = waiter;
    }
    last = waiter;
  }

  private void remove(Waiter waiter) {
    waiter.isQueued = false;
    if (waiter.before == null) {
      first = waiter.after;
    } else {
      waiter.before.after = waiter.after;
    }
    if (waiter.after == null) {
      last = waiter.before;
    } else {
      waiter.after.before = waiter.before;
    }
    waiter.before = null;
    waiter.after = null;
  }

  /**
   * A waiter goes without a permit. If it was the first, the next waits for the same slot or the
   * same alarm as it did, unless it costs less and is due earlier. Returns who has to be told.
   */
  private @Nullable Waiter dismiss(Waiter waiter) {
    boolean wasFirst = waiter.before == null;
    remove(waiter);
    COUNTS.getAndAdd(this, -WAITER);
    waiter.end(false);
    if (wasFirst && waitsForRate && first != null && first.cost < waiter.cost) {
      stopAlarm();
      return grant();
    }
    stopAlarmIfEmpty();
    return null;
  }

  private void stopAlarmIfEmpty() {
    if (first == null) {
      waitsForRate = false;
      stopAlarm();
    }
  }

  private void stopAlarm() {
    if (alarm != null) {
      alarm.cancel();
      alarm = null;
    }
  }

  /** The throttle with its present limits. */
  @Override
  public String toString() {
    StringJoiner text =
        new StringJoiner(", ", "Throttle[", "]").setEmptyValue("Throttle[unlimited]");
    if (name != null) {
      text.add("name=" + name);
    }
    if (hasSlots) {
      text.add("atOnce=" + atOnce);
    }
    Pace present = pace();
    if (present != null) {
      text.add(present.toString());
    }
    return text.toString();
  }
}
