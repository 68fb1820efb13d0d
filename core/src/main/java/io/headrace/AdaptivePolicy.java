package io.headrace;

import java.time.Duration;

/**
 * Sends batches as large as it pays, in time for the latency objective and for the deadlines of the
 * items.
 */
final class AdaptivePolicy implements LearningPolicy {
  /*
   * What is known: how long a batch of n takes (CostCurve), how many items arrive, and the
   * deadlines of those that wait.
   *
   * The size. An idle worker takes what waits, up to the size beyond which an item gains nothing
   * from company; under overload up to the size that does most items in a time. If a Forecast says
   * that no item is late so, that is all. Otherwise a forecast is made for each of some sizes, and
   * the one that is worth most items decides. It is followed for one batch; the next is looked at
   * anew. So a handler whose batches gain nothing gets small batches in a burst, because all items
   * of a large one end late together, and large ones under lasting overload, because then all that
   * counts is how many are done in a time.
   *
   * The quick size. If smaller batches do nearly as many items in a time and none is late in them,
   * it is those. Items end sooner, and a longer queue can be in time should more arrive than was
   * expected. If more than the workers can do has arrived for long, throughput is all that counts.
   *
   * Dropping. Items that would be late in the batch are dropped before it (the early drop of Nexus,
   * SOSP 2019). If durations scatter, it is part of the choice whether that is seen cautiously or
   * not. An item without a deadline cannot be dropped: if it is late, the batch is as large as is
   * efficient.
   *
   * Doubt. What is believed of large batches may be wrong, and a size that is never sent stays
   * misjudged. So now and then a batch is larger than what was chosen: if all is in time, by one
   * range of sizes at least even if that seems to take too long; otherwise up to the size that does
   * most items in a time if few durations and wide scatter are held in its favour.
   *
   * A worker never waits for more items. To wait for the last moment that is in time for the first
   * item was tried with the same forecast, and gained nothing.
   *
   * Refusal. An item is refused if it would be late behind what waits. If the objective leaves no
   * time for a batch besides the item's own, the order of arrival says nothing, for what is ahead
   * of it will be dropped; then it is refused only if it would be late even as the first. Under
   * overload those that are to come behind it make its batch larger. That is held against it only
   * once something was ever dropped: an overload that has cost nothing yet may end before it does.
   * To forget that once the overload has ended was worse for bursts.
   *
   * Sources: Crankshaw et al., Clipper, NSDI 2017; Shen et al., Nexus, SOSP 2019; Gujarati et al.,
   * Clockwork, OSDI 2020. docs/adaptive-batching.md compares.
   *
   * Everything is of the drain, except what is volatile: written by the drain, read by
   * expectedNanos.
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

  /** Overload that lasts is seen over so many objectives. */
  private static final int LASTING_IN_OBJECTIVES = 12;

  /** How cautiously items are dropped that may be late, as quantiles of how long a batch takes. */
  private static final double CAUTIOUS = 0.9;

  private static final double[] CAUTIONS = {1 - CAUTIOUS, 0.5, CAUTIOUS};

  /** If durations scatter by less than this, it does not matter. */
  private static final double NOISE = 0.05;

  /** A difference in items that is none. */
  private static final double LITTLE = 1e-3;

  /** Sizes are looked at up to so many times the largest so far. */
  private static final int GROWTH = 8;

  /** After so many batches a larger one is tried, if there are items for it. */
  private static final int PROBE_EVERY = 16;

  /** Arrivals are counted over at least this fraction of the objective. */
  private static final int COUNTS_IN_OBJECTIVE = 16;

  /** A batch may take this share of the objective; the rest is for collecting it. */
  private static final double WITHIN = 0.75;

  /** Nothing is dropped, and batches are not long, before so many batches were handled. */
  private static final int FIRST_BATCHES = 3;

  /** Knowledge is stale if nothing has run for so many objectives. */
  private static final int STALE_IN_OBJECTIVES = 4;

  /** More batches than this are not remembered while they run. */
  private static final int MAX_RUNNING = 64;

  private final int maxSize;
  private final long objectiveNanos;
  private final CostCurve curve;
  private final Forecast forecast;

  private int batches;
  private int bestLimit = 1;
  private int efficientLimit = 1;
  private int quickLimit = 1;

  /** The largest batch that leaves time to collect it. */
  private int inTimeLimit = 1;

  private boolean isProbing;
  private boolean hasDropped;

  private boolean hasCounted;
  private long countedNanos;
  private long countedArrivals;
  private double arrivalsPerNano;
  private boolean isOverloaded;

  private double lastingPerNano;
  private boolean isOverloadLasting;

  /** When the batches that run will end, in order. */
  private final long[] endNanos = new long[MAX_RUNNING];

  private int running;
  private long nowNanos;

  // The plan for one moment, made when the engine asks what to drop, and used when it asks for a
  // batch.
  private boolean hasPlan;
  private int planned;
  private int size;
  private int late;
  private boolean isFirstLate;
  private long dropBeforeNanos;

  private volatile Outlook outlook = Outlook.NONE;

  /** When the next worker is idle; in the past if one is. */
  private volatile long idleAtNanos;

  /** How many items a nanosecond brings under overload, otherwise 0. */
  private volatile double growthPerNano;

  AdaptivePolicy(int maxSize, long objectiveNanos) {
    this(Checks.atLeast(1, maxSize, "maxSize"), objectiveNanos, new CostCurve(maxSize));
  }

  AdaptivePolicy(int maxSize, long objectiveNanos, CostCurve curve) {
    this.maxSize = maxSize;
    this.objectiveNanos = objectiveNanos;
    this.curve = curve;
    forecast = new Forecast(curve, objectiveNanos);
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
    inTimeLimit =
        isCompanyUnknown()
            ? Math.min(GROWTH, maxSize)
            : Math.max(1, curve.largestWithin(WITHIN * objectiveNanos, maxSize));
    bestLimit = Math.min(curve.bestSize(), inTimeLimit);
    efficientLimit = Math.min(curve.efficientSize(), inTimeLimit);
    quickLimit = Math.min(curve.quickSize(), inTimeLimit);
    outlook =
        curve.isSettled()
            ? new Outlook(
                bestLimit, curve.expectedNanos(1), curve.expectedNanos(bestLimit), outlook.workers)
            : Outlook.NONE.withWorkers(outlook.workers);
  }

  @Override
  public long dropBeforeNanos(QueueState queue) {
    plan(queue);
    return dropBeforeNanos;
  }

  @Override
  public Decision decide(QueueState queue) {
    plan(queue);
    if (late > 0 && isFirstLate) {
      size = Math.min(queue.waiting(), bestLimit); // it has no deadline, so it has to be done
    }
    hasPlan = false;
    begun(size, queue.idleWorkers() > 1);
    return size <= PREPARED ? SEND[size] : Decision.send(size);
  }

  /**
   * Whether nothing is known of what company costs, after single items alone, and there is time to
   * find out. If several came in the time of one, the handler would be overloaded many times, if
   * company were not cheap.
   */
  private boolean isCompanyUnknown() {
    return curve.largest() == 1 && 2 * curve.expectedNanos(1) <= objectiveNanos;
  }

  /** Decides how large a batch is that goes now, and what is dropped before. */
  private void plan(QueueState queue) {
    int waiting = queue.waiting();
    if (hasPlan && nowNanos == queue.nowNanos() && waiting == planned - late) {
      late = 0; // they have left
      return;
    }
    nowNanos = queue.nowNanos();
    countArrivals(queue);
    while (running > 0 && running > queue.workers() - queue.idleWorkers()) {
      forgetFirst(); // a batch that failed is not told of
    }
    hasPlan = waiting > 0;
    planned = waiting;
    late = 0;
    dropBeforeNanos = nowNanos;
    int limit = isOverloaded ? bestLimit : efficientLimit;
    size = Math.min(waiting, limit);
    if (waiting == 0 || isStale(nowNanos) || curve.expectedNanos(1) >= objectiveNanos) {
      return;
    }
    if (batches < FIRST_BATCHES) {
      if (!isCompanyUnknown()) {
        size = Math.min(size, Math.max(2, curve.largestWithin(objectiveNanos / 2.0, size)));
      }
      return;
    }
    forecast.look(queue, arrivalsPerNano);
    boolean isQuickEnough = quickLimit < size && !isOverloadLasting && isLossless(quickLimit);
    if (isQuickEnough && !isProbing) {
      size = quickLimit;
    } else if (isLossless(limit)) {
      size = Math.min(waiting, isProbing ? largerThanLimit(limit) : limit);
    } else if (isQuickEnough) {
      size = quickLimit;
    } else {
      choose(limit);
    }
  }

  private boolean isLossless(int limit) {
    forecast.run(limit, 1, Double.NEGATIVE_INFINITY);
    return forecast.isLossless();
  }

  /** Looks for the size whose batches are worth most, and for what is to be dropped. */
  private void choose(int limit) {
    double mostWorth = forecast.worth();
    double leastDelay = forecast.delayNanos();
    int best = limit;
    double caution = 1;
    int largest = (int) Math.min(maxSize, Math.max(GROWTH * (long) curve.largest(), limit));
    boolean isNoisy = curve.quotient(CAUTIOUS) - curve.quotient(1 - CAUTIOUS) > NOISE;
    for (int i = 0; i < (isNoisy ? 3 : 1); i++) {
      double some = isNoisy ? curve.quotient(CAUTIONS[i]) : 1;
      for (int n = 1; n > 0; n = curve.nextChoice(n, largest)) {
        if (some * curve.expectedNanos(n) >= objectiveNanos) {
          break;
        }
        if (n < limit && forecast.isShort(n)) {
          continue; // what is late in it and what is late in a larger one is the same
        }
        forecast.run(n, some, mostWorth - LITTLE);
        double gain = forecast.worth() - mostWorth;
        if (gain > LITTLE || (gain > -LITTLE && forecast.delayNanos() < leastDelay)) {
          mostWorth = forecast.worth();
          leastDelay = forecast.delayNanos();
          best = n;
          caution = some;
        }
      }
    }
    drop(best, caution);
  }

  private void drop(int best, double caution) {
    late = forecast.late(best, caution);
    size = Math.max(1, Math.min(best, planned - late));
    double needNanos = caution * curve.expectedNanos(size);
    if ((isProbing || !curve.isKnown(curve.hopedSize(best))) && size < planned - late) {
      needNanos = probe(best, caution);
    }
    if (late > 0) {
      hasDropped = true;
      // Those that would be late only in the batch that the others make smaller stay.
      dropBeforeNanos += (long) needNanos;
      isFirstLate = forecast.slackNanos(0) <= needNanos;
    }
  }

  /**
   * Makes the batch larger, if there is hope for larger ones, and drops what is late in it. It is
   * given at most as much longer as it is larger. Returns how long that is.
   */
  private double probe(int best, double caution) {
    int hoped = curve.hopedSize(best);
    double bestNanos = caution * curve.expectedNanos(best);
    double needNanos = bestNanos;
    for (int more = 0; more <= hoped; more += forecast.itemWeight()) {
      int tried = Math.min(hoped, planned - late - more);
      if (tried <= best) {
        break;
      }
      double longer = bestNanos * tried / best;
      needNanos = Math.min(longer, caution * curve.expectedNanos(tried));
      if (forecast.slackNanos(late + more) > needNanos) {
        late += more;
        size = tried;
        return needNanos;
      }
    }
    return bestNanos;
  }

  /** A size to try, whatever is believed of it. */
  private int largerThanLimit(int limit) {
    return (int) Math.min(2L * limit, Math.max(inTimeLimit, curve.nextSize(limit)));
  }

  /**
   * Whether nothing has run for long: then what was learned is no reason to drop or to refuse, or
   * nothing would run anymore and nothing be learned.
   */
  private boolean isStale(long nowNanos) {
    return nowNanos - idleAtNanos > STALE_IN_OBJECTIVES * objectiveNanos;
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
      double capacity = curve.bestRate() * queue.workers();
      double lastingShare =
          elapsedNanos / (elapsedNanos + LASTING_IN_OBJECTIVES * (double) objectiveNanos);
      lastingPerNano += lastingShare * (perNano - lastingPerNano);
      isOverloaded = arrivalsPerNano > OVERLOADED * capacity;
      isOverloadLasting = lastingPerNano > capacity;
      double growth = isOverloaded && hasDropped ? arrivalsPerNano : 0;
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
