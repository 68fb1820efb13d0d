package io.headrace.benchmarks;

import io.headrace.LearningPolicy;
import io.headrace.QueueState;
import java.time.Duration;

/**
 * BentoML's CorkDispatcher (bentoml/_internal/marshal/dispatcher.py): a duration is taken as a * n
 * + b, fitted to the last 50 batches every 5 seconds; an item that would miss the objective in a
 * batch of all that wait is cancelled; a batch waits, in ticks of 1 ms, as long as n * (time since
 * the last arrival + tick + a) is not above 0.95 of the average wait of the last item of a batch.
 * It begins with three batches of one, one of two and one of three.
 *
 * <p>Differences: items leave in the order in which they came (the original takes the newest
 * first), and cancelling is looked at when a worker is idle, not in every tick.
 */
final class BentoPolicy implements LearningPolicy {
  private static final int KEPT = 50;
  private static final int SKIPPED = 2;
  private static final int REMEMBERED = 1 << 16;
  private static final long TICK_NANOS = 1_000_000;
  private static final double DECAY = 0.95;
  private static final long REFRESH_NANOS = 5_000_000_000L;

  private final int largest;
  private final long objectiveNanos;

  private final double[] sizes = new double[KEPT];
  private final double[] durations = new double[KEPT];
  private final double[] waits = new double[KEPT];
  private int kept;
  private int next;
  private int outbound;
  private double perItem;
  private double fixed;
  private double wait = 10_000_000;

  private long nowNanos;
  private long newestNanos;
  private long oldestNanos;
  private long refreshedNanos;
  private boolean hasRefreshed;
  private double sentWait;

  /** When the last items arrived, in a ring. */
  private final long[] arrivals = new long[REMEMBERED];

  private int arrived;

  BentoPolicy(int largest, Duration objective) {
    this.largest = largest;
    objectiveNanos = objective.toNanos();
    perItem = Math.min(2e9, objectiveNanos * 2.0 / 30);
    fixed = Math.min(1e9, objectiveNanos / 30.0);
  }

  @Override
  public LearningPolicy forQueue() {
    return new BentoPolicy(largest, Duration.ofNanos(objectiveNanos));
  }

  @Override
  public int maxSize() {
    return largest;
  }

  @Override
  public Decision decide(QueueState queue) {
    nowNanos = queue.nowNanos();
    oldestNanos = queue.oldestArrivalNanos();
    int n = queue.waiting();
    long sinceNewest = nowNanos - newestNanos;
    if (outbound <= SKIPPED + 3) {
      return train(n);
    }
    if (n < largest && n * (sinceNewest + TICK_NANOS + perItem) <= wait * DECAY) {
      return Decision.lookAgain(nowNanos + TICK_NANOS, Integer.MAX_VALUE);
    }
    return send(Math.min(n, largest));
  }

  private Decision train(int n) {
    int step = Math.max(1, outbound - SKIPPED);
    double span = step == 2 ? 5 : 7;
    double patience = Math.min(objectiveNanos * 0.95, span * (perItem + fixed));
    if (n < step && step * perItem + fixed + (nowNanos - oldestNanos) <= patience) {
      return Decision.lookAgain(nowNanos + TICK_NANOS, Integer.MAX_VALUE);
    }
    return send(Math.min(n, step));
  }

  private Decision send(int n) {
    sentWait = Math.max(0, nowNanos - newestNanos);
    return Decision.send(n);
  }

  /** Heads are cancelled one by one, and each makes the batch of the others smaller. */
  @Override
  public long dropBeforeNanos(QueueState queue) {
    long nowNanos = queue.nowNanos();
    long beforeNanos = nowNanos;
    if (outbound <= SKIPPED + 3) {
      return beforeNanos;
    }
    for (int n = Math.min(queue.waiting(), REMEMBERED); n > 1; n--) {
      long deadlineNanos = arrivals[arrived - n & REMEMBERED - 1] + objectiveNanos;
      if (nowNanos + perItem * n + fixed < deadlineNanos) {
        break;
      }
      beforeNanos = deadlineNanos + 1;
    }
    return beforeNanos;
  }

  @Override
  public void handled(int size, long handleNanos) {
    outbound++;
    if (outbound <= SKIPPED) {
      return;
    }
    sizes[next] = size;
    durations[next] = handleNanos;
    waits[next] = sentWait;
    next = (next + 1) % KEPT;
    kept = Math.min(kept + 1, KEPT);
    boolean isTraining = outbound <= SKIPPED + 3;
    if (isTraining || !hasRefreshed || nowNanos - refreshedNanos >= REFRESH_NANOS) {
      refreshedNanos = nowNanos;
      hasRefreshed = true;
      refresh();
    }
  }

  private void refresh() {
    double x = 0;
    double y = 0;
    double w = 0;
    for (int i = 0; i < kept; i++) {
      x += sizes[i] / kept;
      y += durations[i] / kept;
      w += waits[i] / kept;
    }
    double xx = 0;
    double xy = 0;
    for (int i = 0; i < kept; i++) {
      xx += (sizes[i] - x) * (sizes[i] - x);
      xy += (sizes[i] - x) * (durations[i] - y);
    }
    // All of one size: least squares has many solutions, the shortest is taken, as the original
    // does.
    double slope = xx > 0 ? xy / xx : x * y / (x * x + 1);
    perItem = Math.max(1000, slope);
    fixed = Math.max(0, y - slope * x);
    wait = Math.max(0, w);
  }

  /** Called at each arrival, which is all that is needed of it: nothing is refused. */
  @Override
  public long expectedNanos(int ahead, long nowNanos) {
    newestNanos = nowNanos;
    arrivals[arrived++ & REMEMBERED - 1] = nowNanos;
    return 0;
  }
}
