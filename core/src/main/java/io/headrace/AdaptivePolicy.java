package io.headrace;

import java.time.Duration;

/**
 * Sends batches as large as it pays, in time for the latency objective and for the deadlines of the
 * items.
 */
final class AdaptivePolicy implements LearningPolicy {
  /*
   * What is known: how long a batch of n takes (CostCurve), and how many items arrive.
   *
   * The size. An idle worker takes what waits, up to the size beyond which an item gains nothing from
   * company; under overload up to the size that does most items in a time. If the item with the earliest
   * deadline would be late in such a batch, the batch is made smaller, provided that such
   * batches keep up with the arrivals; otherwise the efficient batch goes, and the items that are late in it are dropped
   * (the early drop of Nexus, SOSP 2019), because each item saved by a small batch would cost several others.
   *
   * Under overload the cautious duration decides what is dropped, as far as enough items remain for a full
   * batch: they would be lost anyway.
   *
   * Doubt. What is believed of large batches may be wrong, and a size that is never sent stays misjudged. So now and
   * then a batch is larger than the limit, by one range of sizes at least even if that seems to take too long.
   *
   * Waiting. A worker does not wait, with one exception. If the objective is so tight that what arrives
   * just after the start of a batch is late by the end of the next one, some items are lost in each
   * batch, so fewer and larger batches lose less: the worker waits for the last moment that is in time for
   * the first item, provided that the batch gets more efficient by it. It never does if company
   * gains nothing.
   *
   * Refusal. An item is refused if it would be late behind what waits. If the objective leaves no time for
   * a batch besides the item's own, the order of arrival says nothing, for what is ahead of it will
   * be dropped; then it is refused only if it would be late even as the first.
   *
   * Sources: Crankshaw et al., Clipper, NSDI 2017; Shen et al., Nexus, SOSP 2019; Gujarati et al., Clockwork,
   * OSDI 2020. docs/adaptive-batching.md compares.
   *
   * Everything is of the drain, except what is volatile: written by the drain, read by expectedNanos.
   */

  static final int DEFAULT_MAX_SIZE = 1024;

  /** Decisions are made once, for sizes up to this. */
  private static final int PREPARED = 1024;

  private static final Decision[] SEND = new Decision[PREPARED + 1];

  static {
    for (int n = 1; n <= PREPARED; n++) {
      SEND[n] = Decision.send(n);
    }
  }

  /** The share of what the workers can do beyond which they count as overloaded. */
  private static final double OVERLOADED = 0.9;

  /** A smaller batch is as good if it does this share as many items in a time. */
  private static final double AS_GOOD = 0.97;

  /** Waiting has to gain this factor in items per time. */
  private static final double WORTH_WAITING = 1.1;

  /** After so many batches a larger one is tried, if there are items for it. */
  private static final int PROBE_EVERY = 16;

  /** Arrivals are counted over at least this fraction of the objective. */
  private static final int COUNTS_IN_OBJECTIVE = 16;

  /** A batch may take this share of the objective; the rest is for collecting it. */
  private static final double WITHIN = 0.75;

  /** Nothing is dropped before so many batches were handled. */
  private static final int FIRST_BATCHES = 8;

  /** Knowledge is stale if nothing has run for so many objectives. */
  private static final int STALE_IN_OBJECTIVES = 4;

  /** To wait for less than this fraction of the objective is not worth a look. */
  private static final int LOOKS_IN_OBJECTIVE = 64;

  /** More batches than this are not remembered while they run. */
  private static final int MAX_RUNNING = 64;

  private final int maxSize;
  private final long objectiveNanos;
  private final CostCurve curve;

  private int batches;
  private int bestLimit = 1;
  private int efficientLimit = 1;

  /** The largest batch that leaves time to collect it. */
  private int inTimeLimit = 1;

  private boolean isProbing;

  private boolean hasCounted;
  private long countedNanos;
  private long countedArrivals;
  private double arrivalsPerNano;
  private boolean isOverloaded;

  /** When the batches that run will end, in order. */
  private final long[] endNanos = new long[MAX_RUNNING];

  private int running;
  private long nowNanos;

  // The plan for one state of the queue.
  private int limit;
  private long goalNanos;
  private boolean isInTime;
  private long dropBeforeNanos;

  private volatile Outlook outlook = Outlook.NONE;

  /** When the next worker is idle; in the past if one is. */
  private volatile long idleAtNanos;

  /** How many items a nanosecond brings under overload, otherwise 0. */
  private volatile double growthPerNano;

  AdaptivePolicy(int maxSize, long objectiveNanos) {
    this.maxSize = Checks.atLeast(1, maxSize, "maxSize");
    this.objectiveNanos = objectiveNanos;
    curve = new CostCurve(maxSize);
  }

  @Override
  public LearningPolicy forQueue() {
    return new AdaptivePolicy(maxSize, objectiveNanos);
  }

  @Override
  public int maxSize() {
    return maxSize;
  }

  @Override
  public void handled(int size, long handleNanos) {
    curve.add(size, handleNanos);
    batches++;
    isProbing = batches % PROBE_EVERY == 0;
    if (running > 0) {
      forgetFirst();
    }
    idleAtNanos = nowNanos;
    inTimeLimit = Math.max(1, curve.largestWithin(WITHIN * objectiveNanos, maxSize));
    bestLimit = Math.min(curve.bestSize(), inTimeLimit);
    efficientLimit = Math.min(curve.efficientSize(), inTimeLimit);
    outlook =
        curve.isSettled()
            ? new Outlook(
                bestLimit, curve.expectedNanos(1), curve.expectedNanos(bestLimit), outlook.workers)
            : Outlook.NONE.withWorkers(outlook.workers);
  }

  @Override
  public long dropBeforeNanos(QueueState queue) {
    if (queue.waiting() < 1) {
      return queue.nowNanos();
    }
    plan(queue);
    return dropBeforeNanos;
  }

  @Override
  public Decision decide(QueueState queue) {
    int size = plan(queue);
    if (isInTime && size < limit && queue.idleWorkers() == 1) {
      long waitUntilNanos = waitUntilNanos(size);
      if (waitUntilNanos - nowNanos > objectiveNanos / LOOKS_IN_OBJECTIVE) {
        return Decision.lookAgain(waitUntilNanos, limit);
      }
    }
    begun(size, queue.idleWorkers() > 1);
    return size <= PREPARED ? SEND[size] : Decision.send(size);
  }

  /** Returns the size of a batch that goes now. */
  private int plan(QueueState queue) {
    nowNanos = queue.nowNanos();
    countArrivals(queue);
    while (running > 0 && running > queue.workers() - queue.idleWorkers()) {
      forgetFirst(); // a batch that failed is not told of
    }
    int waiting = queue.waiting();
    limit = isOverloaded ? bestLimit : efficientLimit;
    goalNanos = queue.oldestArrivalNanos() + objectiveNanos;
    long earliestNanos = queue.earliestDeadlineNanos();
    if (earliestNanos - goalNanos < 0) {
      goalNanos = earliestNanos;
    }
    dropBeforeNanos = nowNanos;
    int size = Math.min(waiting, limit);
    long slackNanos = goalNanos - nowNanos;
    int inTime = curve.largestWithin((double) slackNanos, size);
    isInTime = inTime == size;
    if (isInTime && isProbing && waiting > limit) {
      limit = Math.min(waiting, largerThanLimit());
      return limit;
    }
    if (isInTime || (inTime > 0 && isFastEnough(inTime, size, queue.workers()))) {
      return inTime;
    }
    double takesNanos = isOverloaded ? curve.expectedNanos(size) : curve.lenientNanos(size);
    if (isOverloaded) {
      // To drop costs nothing as long as enough items remain for the batch.
      double freeNanos = slackNanos + (waiting - size) / arrivalsPerNano;
      takesNanos = Math.clamp(freeNanos, takesNanos, curve.cautiousNanos(size));
    }
    if (batches >= FIRST_BATCHES && takesNanos < objectiveNanos && !isStale(nowNanos)) {
      dropBeforeNanos += (long) takesNanos;
    }
    return size;
  }

  /** A size to try, whatever is believed of it. */
  private int largerThanLimit() {
    return (int) Math.min(2L * limit, Math.max(inTimeLimit, curve.nextSize(limit)));
  }

  /**
   * Whether nothing has run for long: then what was learned is no reason to drop or to refuse, or
   * nothing would run anymore and nothing be learned.
   */
  private boolean isStale(long nowNanos) {
    return nowNanos - idleAtNanos > STALE_IN_OBJECTIVES * objectiveNanos;
  }

  /** Whether smaller batches keep up with the arrivals, or are as good as larger ones. */
  private boolean isFastEnough(int smaller, int size, int workers) {
    double rate = rate(smaller);
    return (curve.isSettled() && rate >= AS_GOOD * rate(size))
        || rate * workers * OVERLOADED > arrivalsPerNano;
  }

  private double rate(int size) {
    return size / curve.expectedNanos(size);
  }

  private void countArrivals(QueueState queue) {
    long arrivals = queue.arrivals();
    long elapsedNanos = nowNanos - countedNanos;
    if (hasCounted) {
      if (elapsedNanos < objectiveNanos / COUNTS_IN_OBJECTIVE || elapsedNanos == 0) {
        return;
      }
      double perNano = (arrivals - countedArrivals) * queue.meanWeight() / elapsedNanos;
      double share = elapsedNanos / ((double) elapsedNanos + objectiveNanos);
      arrivalsPerNano += share * (perNano - arrivalsPerNano);
      isOverloaded = arrivalsPerNano > OVERLOADED * curve.bestRate() * queue.workers();
      double growth = isOverloaded ? arrivalsPerNano : 0;
      if (growth != growthPerNano) {
        growthPerNano = growth;
      }
    }
    hasCounted = true;
    countedNanos = nowNanos;
    countedArrivals = arrivals;
    if (outlook.workers != queue.workers()) {
      outlook = outlook.withWorkers(queue.workers());
    }
  }

  /** The last moment for a batch of some items that may grow, or now if it does not pay to wait. */
  private long waitUntilNanos(int size) {
    double takesNanos = curve.expectedNanos(size);
    int next = Math.clamp((long) (arrivalsPerNano * takesNanos), 1, limit);
    double endsNanos = takesNanos;
    if (running > 0) {
      endsNanos = Math.clamp((double) (endNanos[0] - nowNanos), 0, takesNanos);
    }
    if (endsNanos + curve.expectedNanos(next) <= objectiveNanos) {
      return nowNanos; // what arrives meanwhile is in time
    }
    long slackNanos = goalNanos - nowNanos;
    int grown = Math.clamp(size + (long) (arrivalsPerNano * slackNanos), size, limit);
    return rate(grown) > WORTH_WAITING * rate(size)
        ? goalNanos - (long) curve.cautiousNanos(grown)
        : nowNanos;
  }

  private void begun(int size, boolean moreIdle) {
    if (running == MAX_RUNNING) {
      forgetFirst();
    }
    long end = nowNanos + (long) curve.expectedNanos(size);
    int at = running++;
    while (at > 0 && endNanos[at - 1] - end > 0) {
      endNanos[at] = endNanos[at - 1];
      at--;
    }
    endNanos[at] = end;
    idleAtNanos = moreIdle ? nowNanos : endNanos[0];
  }

  private void forgetFirst() {
    System.arraycopy(endNanos, 1, endNanos, 0, --running);
  }

  @Override
  public long expectedNanos(int ahead, long nowNanos) {
    Outlook outlook = this.outlook;
    if (outlook.limit == 0 || isStale(nowNanos)) {
      return 0;
    }
    double waitNanos = Math.max(0, idleAtNanos - nowNanos);
    if (2 * outlook.limitNanos > objectiveNanos) {
      return (long) (waitNanos + outlook.firstNanos);
    }
    int before = ahead / outlook.limit;
    if (before > 0) {
      waitNanos += before * outlook.limitNanos / outlook.workers;
    }
    double own = ahead % outlook.limit + 1 + growthPerNano * waitNanos;
    return (long) (waitNanos + outlook.takesNanos(Math.min(own, outlook.limit)));
  }

  /** What other threads know of the cost, which they take for a straight line. */
  private record Outlook(int limit, double firstNanos, double limitNanos, int workers) {
    /** Nothing is known. */
    static final Outlook NONE = new Outlook(0, 0, 0, 1);

    Outlook withWorkers(int workers) {
      return new Outlook(limit, firstNanos, limitNanos, workers);
    }

    double takesNanos(double size) {
      return limit == 1
          ? limitNanos
          : firstNanos + (limitNanos - firstNanos) * (size - 1) / (limit - 1);
    }
  }

  @Override
  public String toString() {
    return "AdaptivePolicy[maxSize="
        + maxSize
        + ", latencyObjective="
        + Duration.ofNanos(objectiveNanos)
        + "]";
  }
}
