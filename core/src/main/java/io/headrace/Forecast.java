package io.headrace;

/**
 * What becomes of the items that wait, and of those that are likely to come, if batches have some
 * size. Not thread safe.
 */
final class Forecast {
  /*
   * The batches of the next objective are gone through with a clock of their own: each takes what
   * is there, up to the size, and what would be late in it is dropped first. Arrivals come evenly,
   * at the rate of late.
   *
   * An item counts for the probability that its batch takes no longer than the item can wait, from
   * the scatter of the cost curve; the clock moves on by the mean duration, stalls included.
   *
   * What is left at the end counts as far as the workers have time to spare for it: under overload
   * it is worth nothing, because others wait for its place. What the last batch takes beyond the
   * end is time in which the workers could have done others.
   *
   * A size that cannot be worth more than what is known already is given up on the way: it is not
   * worth more than all items without those it has lost, nor than what it is worth so far and all
   * that the workers do in the time that is left.
   *
   * The deadlines of the first items are known. The deadlines of those behind them, and of items
   * without one, are taken to lie evenly up to that of an item that arrives now.
   */

  /** The deadlines of so many items are looked at. */
  private static final int MAX_KNOWN = 256;

  /** A forecast has about so many steps at most; short batches are taken together. */
  private static final int STEPS = 32;

  /** So many items of a batch are looked at, evenly. */
  private static final int SAMPLES = 8;

  /** What this share of the batches does not exceed is surely long enough. */
  private static final double SURELY = 0.98;

  private final CostCurve curve;
  private final double objectiveNanos;
  private final long[] deadlines = new long[MAX_KNOWN];
  private final double[] slackNanos = new double[MAX_KNOWN];
  private int known;
  private int waiting;
  private double weight;

  /** Whether the known items are in the order of their deadlines. */
  private boolean isOrdered;

  private double arrivalsPerNano;

  /** How far arrivals are apart, infinite if none are expected. */
  private double gapNanos;

  private double workers;

  /** How many items the workers do in a nanosecond at most. */
  private double capacity;

  /** How many items more than what arrives they do in an objective. */
  private double spare;

  private double surely;

  /** What the batches of the last forecast are worth, in items. */
  private double worth;

  private double lost;
  private double delayNanos;

  Forecast(CostCurve curve, long objectiveNanos) {
    this.curve = curve;
    this.objectiveNanos = objectiveNanos;
  }

  /** Takes a look at a queue, for all forecasts until the next look. */
  void look(QueueState queue, double arrivalsPerNano) {
    this.arrivalsPerNano = arrivalsPerNano;
    gapNanos = 1 / arrivalsPerNano;
    waiting = queue.waiting();
    weight = Math.max(1, queue.meanWeight());
    workers = Math.min(queue.workers(), STEPS);
    surely = curve.quotient(SURELY);
    known = queue.deadlines(deadlines);
    long nowNanos = queue.nowNanos();
    double first = objectiveNanos - (nowNanos - queue.oldestArrivalNanos());
    isOrdered = true;
    for (int i = 0; i < known; i++) {
      double slack = deadlines[i] - nowNanos;
      slackNanos[i] =
          slack <= objectiveNanos ? slack : evenly(first, i * weight / Math.max(1, waiting));
      isOrdered &= i == 0 || slackNanos[i] >= slackNanos[i - 1];
    }
    capacity = Math.max(Double.MIN_NORMAL, curve.bestRate() / curve.meanQuotient() * workers);
    spare = Math.max(0, capacity - arrivalsPerNano) * objectiveNanos;
  }

  private double evenly(double first, double share) {
    return first + (objectiveNanos - first) * Math.min(1, share);
  }

  /** How many positions an item takes on average, at least 1. */
  int itemWeight() {
    return (int) weight;
  }

  /** How long an item can wait until it is late. */
  double slackNanos(int position) {
    if (position >= waiting) {
      return (position - waiting + 1) * gapNanos + objectiveNanos;
    }
    int index = weight == 1 ? position : (int) (position / weight);
    if (index < known) {
      return slackNanos[index];
    }
    double last = known == 0 ? objectiveNanos : slackNanos[known - 1];
    double before = known * weight;
    return evenly(last, (position - before + 1) / (waiting - before + 1));
  }

  /**
   * How many of the items that wait are late in a batch of the others.
   *
   * @param size the largest batch
   * @param caution how much longer than expected it is taken to last
   */
  int late(int size, double caution) {
    return firstInTime(0, waiting, size, caution, 0);
  }

  /**
   * The first position that is in time in a batch of what is behind it. Each item that is left out
   * may make the batch smaller, so that less of the next one is needed.
   */
  private int firstInTime(int position, int room, int size, double caution, double atNanos) {
    int from = position;
    int to = position + room;
    if (from < to && !isInTime(from, to, size, caution, atNanos)) {
      from++;
      if (from >= waiting && room > size) {
        double needNanos = atNanos + caution * curve.expectedNanos(size);
        double next = waiting + arrivalsPerNano * (needNanos - objectiveNanos);
        from = (int) Math.clamp(next, from, Math.max(from, to - size));
      }
      while (!isOrdered && from < Math.min(to, known * weight)) {
        if (isInTime(from, to, size, caution, atNanos)) {
          return from;
        }
        from = nextItem(from);
      }
      from = halve(from, to, size, caution, atNanos);
    }
    return from;
  }

  /** The position where the next item begins. */
  private int nextItem(int position) {
    if (weight == 1) {
      return position + 1;
    }
    double next = Math.ceil((Math.floor(position / weight) + 1) * weight);
    return (int) Math.max(position + 1.0, Math.min(next, waiting));
  }

  private int halve(int first, int end, int size, double caution, double atNanos) {
    int from = first;
    int to = end;
    while (from < to) {
      int middle = (from + to) >>> 1;
      if (isInTime(middle, end, size, caution, atNanos)) {
        to = middle;
      } else {
        from = middle + 1;
      }
    }
    return from;
  }

  /** Whether an item is in time in a batch of all from it to an end, up to a size. */
  private boolean isInTime(int position, int end, int size, double caution, double atNanos) {
    double takesNanos = curve.expectedNanos(Math.min(size, end - position));
    return slackNanos(position) > atNanos + caution * takesNanos;
  }

  /**
   * Goes through the batches.
   *
   * @param size the largest batch
   * @param caution how much longer than expected a batch is taken to last, when items are dropped
   * @param needed given up, and worth nothing, as soon as it cannot be worth so much
   */
  void run(int size, double caution, double needed) {
    double endNanos = objectiveNanos;
    int atOnce = (int) Math.max(1, endNanos * workers / STEPS / curve.expectedNanos(size));
    double mean = curve.meanQuotient() / workers;
    double atNanos = 0;
    int position = 0;
    worth = 0;
    lost = 0;
    delayNanos = 0;
    double all = waiting + arrivalsPerNano * endNanos;
    double rate = curve.bestRate(size) / mean;
    while (atNanos < endNanos) {
      if (Math.min(all - lost, worth + (endNanos - atNanos) * rate + spare) < needed) {
        worth = Double.NEGATIVE_INFINITY;
        return;
      }
      int room = waiting + (int) (arrivalsPerNano * atNanos) - position;
      if (room <= 0) {
        double nextNanos = (position + 1 - waiting) * gapNanos;
        atNanos = Math.min(endNanos, Math.max(nextNanos, atNanos + endNanos / STEPS));
        continue;
      }
      int next = firstInTime(position, room, size, caution, atNanos);
      if (next > position) {
        lost += next - position;
        position = next;
        continue;
      }
      double takesNanos = curve.expectedNanos(Math.min(size, room));
      int n = (int) Math.min((long) size * atOnce, room);
      double inTime = inTime(position, n, atNanos, takesNanos);
      worth += inTime;
      lost += n - inTime;
      position += n;
      atNanos += takesNanos * mean * Math.max(1, (double) n / size);
      delayNanos += n * atNanos;
    }
    double left = Math.max(0, all - position);
    worth += Math.min(left, spare) - Math.max(0, atNanos - endNanos) * capacity;
  }

  private double inTime(int position, int n, double atNanos, double takesNanos) {
    int stride = (n + SAMPLES - 1) / SAMPLES;
    double inTime = 0;
    double surelyNanos = atNanos + surely * takesNanos;
    for (int i = 0; i < n; i += stride) {
      double slack = slackNanos(position + i);
      if (slack >= surelyNanos) {
        return inTime + n - i;
      }
      inTime += curve.shareWithin((slack - atNanos) / takesNanos) * Math.min(stride, n - i);
    }
    return inTime;
  }

  /** Whether the last forecast has lost no item. */
  boolean isLossless() {
    return lost < 1e-6;
  }

  /** What the batches of the last forecast are worth, in items. */
  double worth() {
    return worth;
  }

  /** Whether batches of a size are so short that an objective has many of them. */
  boolean isShort(int size) {
    return curve.expectedNanos(size) * STEPS < objectiveNanos;
  }

  /** How long the items of the last forecast take, all together. */
  double delayNanos() {
    return delayNanos;
  }
}
