package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.BatchPolicy.Decision;
import io.headrace.QueueState;
import io.headrace.testkit.ArrivalTrace;
import io.headrace.testkit.Simulation;
import java.util.Random;

/**
 * What a policy without a memory makes of a trace, without a batcher: the queue is an array, and
 * there is one worker. It gives the share that {@link Simulation} gives, in a fortieth of the time,
 * and so finds the policies that are worth a simulation.
 */
final class PolicyReplay implements QueueState {
  private static final long NEVER = Long.MAX_VALUE / 2;

  private final ArrivalTrace trace;
  private final Simulation.Cost cost;
  private final long objectiveNanos;
  private final Random random;
  private final BatchPolicy policy;

  /** When the items arrived; those from head to tail wait. */
  private final long[] arrivals;

  private int head;
  private int tail;
  private int inTime;
  private long nowNanos;
  private long endNanos = NEVER;
  private long lookAgainNanos = NEVER;
  private int orWaiting = 1;

  PolicyReplay(Simulation simulation, BatchPolicy policy) {
    trace = simulation.trace();
    cost = simulation.cost();
    objectiveNanos = simulation.objective().toNanos();
    random = new Random(simulation.seed());
    this.policy = policy;
    arrivals = new long[trace.size()];
  }

  /** The share of the items that were answered within the objective. */
  double share() {
    while (tail < trace.size() || endNanos < NEVER || head < tail) {
      long arrivalNanos = tail < trace.size() ? trace.atNanos(tail) : NEVER;
      nowNanos = Math.min(arrivalNanos, Math.min(endNanos, lookAgainNanos));
      dropUntil(nowNanos);
      if (nowNanos == endNanos) {
        endNanos = NEVER;
        dispatch();
      } else if (nowNanos == lookAgainNanos) {
        dispatch();
      } else {
        arrivals[tail++] = nowNanos;
        if (endNanos == NEVER && tail - head >= orWaiting) {
          dispatch();
        }
      }
    }
    return trace.size() == 0 ? 1 : (double) inTime / trace.size();
  }

  private void dropUntil(long nanos) {
    while (head < tail && arrivals[head] + objectiveNanos <= nanos) {
      head++;
    }
  }

  private void dispatch() {
    lookAgainNanos = NEVER;
    orWaiting = 1;
    if (head == tail) {
      return;
    }
    Decision decision = policy.decide(this);
    if (decision.size() == 0) {
      lookAgainNanos = decision.lookAgainNanos();
      orWaiting = decision.orWaiting();
      return;
    }
    int size = Math.min(policy.maxSize(), Math.min(decision.size(), tail - head));
    endNanos = nowNanos + Math.max(1, cost.nanos(size, random));
    for (int end = head + size; head < end; head++) {
      inTime += arrivals[head] + objectiveNanos > endNanos ? 1 : 0;
    }
  }

  @Override
  public int waiting() {
    return tail - head;
  }

  @Override
  public long oldestArrivalNanos() {
    return arrivals[head];
  }

  @Override
  public int deadlines(long[] into) {
    int n = Math.min(into.length, tail - head);
    for (int i = 0; i < n; i++) {
      into[i] = arrivals[head + i] + objectiveNanos;
    }
    return n;
  }

  @Override
  public long arrivals() {
    return tail;
  }

  @Override
  public double meanWeight() {
    return 1;
  }

  @Override
  public int workers() {
    return 1;
  }

  @Override
  public int idleWorkers() {
    return 1;
  }

  @Override
  public long nowNanos() {
    return nowNanos;
  }
}
