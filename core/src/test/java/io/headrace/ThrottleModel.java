package io.headrace;

import java.util.ArrayList;
import java.util.List;

/** What a throttle should do, told step by step and slowly: one list, and numbers as they are. */
final class ThrottleModel {
  /** Somebody who wants a permit. */
  static final class Wish {
    final int id;
    final int cost;
    final long untilNanos;
    boolean isGranted;
    boolean isOver;

    Wish(int id, int cost, long untilNanos) {
      this.id = id;
      this.cost = cost;
      this.untilNanos = untilNanos;
    }
  }

  private int atOnce;
  private long intervalNanos;
  private final int burst;
  private final long catchUpNanos;
  final List<Wish> queue = new ArrayList<>();
  int running;
  private long theoreticalNanos;
  private boolean inDemand;

  /** Whether the first in the queue was found too early by the rate. */
  private boolean firstIsEarly;

  /** Zero stands for no limit. */
  ThrottleModel(int atOnce, long intervalNanos, int burst, long catchUpNanos) {
    this.atOnce = atOnce;
    this.intervalNanos = intervalNanos;
    this.burst = burst;
    this.catchUpNanos = catchUpNanos;
  }

  /** Whether a try succeeds. */
  boolean tryAcquire(int cost, long nowNanos) {
    if (!queue.isEmpty() || isFull() || !takes(cost, nowNanos, false)) {
      return false;
    }
    running++;
    return true;
  }

  /** How long until the rate allows another, or 0. */
  long delayNanos(int cost, long nowNanos) {
    return intervalNanos == 0 ? 0 : Math.max(0, dueNanos(cost) - nowNanos);
  }

  /** How long until the first in the queue is due by the rate; the maximum if it waits for none. */
  long firstDelayNanos(long nowNanos) {
    long delayNanos = queue.isEmpty() || isFull() ? 0 : delayNanos(queue.getFirst().cost, nowNanos);
    return delayNanos == 0 ? Long.MAX_VALUE : delayNanos;
  }

  private boolean isFull() {
    return atOnce != 0 && running >= atOnce;
  }

  private long dueNanos(int cost) {
    return theoreticalNanos - (burst - cost) * intervalNanos;
  }

  private boolean takes(int cost, long nowNanos, boolean hasWaited) {
    if (intervalNanos == 0) {
      return true;
    }
    if (nowNanos < dueNanos(cost)) {
      inDemand = true;
      return false;
    }
    start(nowNanos, hasWaited);
    theoreticalNanos += cost * intervalNanos;
    return true;
  }

  /** Idle time counts for nothing; what was late does, up to the bound. */
  private void start(long nowNanos, boolean hasWaited) {
    long lateNanos = nowNanos - theoreticalNanos;
    if (lateNanos > catchUpNanos && hasWaited) {
      theoreticalNanos = nowNanos - catchUpNanos;
      inDemand = true;
    } else if (lateNanos > 0 && !((inDemand || hasWaited) && lateNanos <= catchUpNanos)) {
      theoreticalNanos = nowNanos;
      inDemand = false;
    }
  }

  void setAtOnce(int newAtOnce, long nowNanos) {
    atOnce = newAtOnce;
    settle(nowNanos);
  }

  /** What is saved up or missing stays the same number of intervals. */
  void setInterval(long newNanos, long nowNanos) {
    start(nowNanos, firstIsEarly);
    theoreticalNanos =
        nowNanos + Math.ceilDiv((theoreticalNanos - nowNanos) * newNanos, intervalNanos);
    intervalNanos = newNanos;
    settle(nowNanos);
  }

  /** Grants what can be granted now, first come, first served. */
  void settle(long nowNanos) {
    while (!queue.isEmpty()) {
      if (isFull()) {
        firstIsEarly = false;
        return;
      }
      if (!takes(queue.getFirst().cost, nowNanos, firstIsEarly)) {
        firstIsEarly = true;
        return;
      }
      firstIsEarly = false;
      running++;
      queue.removeFirst().isGranted = true;
    }
    firstIsEarly = false;
  }

  /** Somebody goes without a permit. */
  void dismiss(Wish wish) {
    queue.remove(wish);
    wish.isOver = true;
  }
}
