package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.BatchPolicy.Decision;
import io.headrace.LearningPolicy;
import io.headrace.QueueState;
import io.headrace.testkit.ArrivalTrace;
import io.headrace.testkit.Simulation;
import java.util.Random;

/**
 * What a policy makes of a trace, without a batcher: the queue is an array, and there is one
 * worker. It gives the share that {@link Simulation} gives in a twentieth of the time, and picks
 * the policies that are worth a simulation.
 */
final class PolicyReplay implements QueueState {
  private static final long NEVER = Long.MAX_VALUE / 2;

  private final ArrivalTrace trace;
  private final Simulation.Cost cost;
  private final long objectiveNanos;
  private final Random random;
  private final BatchPolicy policy;
  private final LearningPolicy learning;

  /** When the items arrived that were not refused; those from head to tail wait. */
  private final long[] arrivals;

  private int head;
  private int tail;
  private long nowNanos;
  private long endNanos = NEVER;
  private long beganNanos;
  private int running;
  private long lookAgainNanos = NEVER;
  private int orWaiting = 1;
  int inTime;
  int batches;
  int refused;
  int dropped;
  int late;

  PolicyReplay(Simulation simulation, BatchPolicy policy) {
    trace = simulation.trace();
    cost = simulation.cost();
    objectiveNanos = simulation.objective().toNanos();
    random = new Random(simulation.seed());
    learning = policy instanceof LearningPolicy each ? each.forQueue() : null;
    this.policy = learning == null ? policy : learning;
    arrivals = new long[trace.size()];
  }

  /** The share of the items that were answered within the objective. */
  double share() {
    int next = 0;
    while (next < trace.size() || endNanos < NEVER || head < tail) {
      long arrivalNanos = next < trace.size() ? trace.atNanos(next) : NEVER;
      nowNanos = Math.min(arrivalNanos, Math.min(endNanos, lookAgainNanos));
      dropUntil(nowNanos);
      if (nowNanos == endNanos) {
        end();
        dispatch();
      } else if (nowNanos == arrivalNanos) {
        next++;
        arrive();
        if (endNanos == NEVER && tail - head >= orWaiting) {
          dispatch();
        }
      } else {
        dispatch();
      }
    }
    return trace.size() == 0 ? 1 : (double) inTime / trace.size();
  }

  private void arrive() {
    long expected = learning == null ? 0 : learning.expectedNanos(tail - head, nowNanos);
    if (expected == 0 || expected < objectiveNanos) {
      arrivals[tail++] = nowNanos;
    } else {
      refused++;
    }
  }

  private void end() {
    for (int i = head - running; i < head; i++) {
    }
    endNanos = NEVER;
    if (learning != null) {
      learning.handled(running, nowNanos - beganNanos);
    }
  }

  private void dropUntil(long nanos) {
    while (head < tail && arrivals[head] + objectiveNanos <= nanos) {
      head++;
      dropped++;
    }
  }

  private void dispatch() {
    lookAgainNanos = NEVER;
    orWaiting = 1;
    if (learning != null) {
      dropUntil(learning.dropBeforeNanos(this));
    }
    if (head == tail) {
      return;
    }
    Decision decision = policy.decide(this);
    if (decision.size() == 0) {
      lookAgainNanos = decision.lookAgainNanos();
      orWaiting = decision.orWaiting();
      return;
    }
    running = Math.min(policy.maxSize(), Math.min(decision.size(), tail - head));
    beganNanos = nowNanos;
    endNanos = nowNanos + Math.max(1, cost.nanos(running, random));
    batches++;
    for (int i = 0; i < running; i++) {
      if (arrivals[head++] + objectiveNanos > endNanos) {
        inTime++;
      } else {
        late++;
      }
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
