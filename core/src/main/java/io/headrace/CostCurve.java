package io.headrace;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How long a handler takes for a batch of n, learned from the batches it has handled. Not thread
 * safe.
 */
class CostCurve {
  /*
   * Sizes fall into ranges that end at 1, 2, 3, 4, 6, 8, 12, 16, 24 and so on, because handlers
   * that pad or that have steps mostly have them there. Each range keeps its last durations and
   * with them their median and the median of their sizes: a point of the curve. A size in between
   * is interpolated. The points are made to rise with the size by pooling neighbours that do not
   * (isotonic regression), for more work does not take less time; what looks so is noise.
   *
   * If batches of different sizes of a range take the same time, the handler pads, and all sizes
   * of the range are taken to last that long: a step instead of a slope. Should the step end
   * elsewhere, the next durations say so, and it is a slope again.
   *
   * The medians are drawn towards the straight line through all of them, the more the fewer
   * durations a range has and the wider durations scatter. Otherwise a single stall in the first
   * batch of the largest size would make that size, and by extrapolation all above it, look as if
   * they took too long, and none of them would be tried. For the same reason the line is a
   * resistant one (Tukey, Exploratory Data Analysis, 1977): through the medians of the lower and of
   * the upper third of the durations, which a stall does not move, where one of least squares goes
   * after it. And until a range has a few durations it is not believed to take longer than smaller
   * batches do in proportion: what is done in two batches can be done in one.
   *
   * How far durations scatter is learned for all sizes together, as quotients of a duration and
   * what was expected: noise is mostly proportional, and a range alone has too few durations to
   * tell.
   *
   * From the points follow three sizes of batches. The best does most items in a time. The
   * efficient one is the smallest that surely does nearly as many: beyond it an item gains next to
   * nothing from company. For the best a range with few durations is given the benefit of the
   * doubt, the more the fewer there are and the wider durations scatter (as the upper confidence
   * bounds of bandits do): a stall in the first batch of some size would otherwise keep that size
   * from ever being tried again. While the largest batches so far are the efficient ones, larger
   * ones are tried. The quick one is the smallest that does nearly as many, whatever is to be
   * tried.
   *
   * Windows instead of decaying averages: one stall does not move a median, and what a handler did
   * long ago is forgotten completely.
   */

  /** How many durations a range remembers. */
  private static final int RANGE_WINDOW = 32;

  /** How many quotients are remembered. */
  private static final int SCATTER_WINDOW = 128;

  /**
   * The quantile of the scatter that a cautious estimate takes; a lenient one takes the opposite.
   */
  private static final double CAUTIOUS = 0.9;

  /** The share of the best rate that is worth as much. */
  private static final double EFFICIENT = 0.98;

  /** The share of the best rate that is enough if batches end sooner for it. */
  private static final double QUICK = 0.985;

  /** Durations that differ by no more than this factor are the same. */
  private static final double SAME = 1.02;

  /** With fewer durations than this a range is not known. */
  private static final int FEW = 3;

  /**
   * How many durations the straight line counts, for each unit of scatter: as many as a full range
   * has if one of ten batches takes twice as long as expected.
   */
  private static final double LINE = RANGE_WINDOW;

  /** The line moves a median by this factor at most. */
  private static final double LINE_OFF = 2;

  /** How far the scatter speaks for a range with one duration. */
  private static final double BENEFIT = 2;

  /** Batches have to be this much larger than the efficient size to know that it is. */
  private static final int SETTLED = 4;

  /** How far beyond the largest batch the next one may go. */
  private static final int GROWTH = 8;

  /** How far above a size a better one is looked for. */
  private static final int REACH = 2;

  private final int maxSize;
  private final int[] ends;
  private final @Nullable Window[] windows;

  /** The durations expected for the smallest sizes of the ranges. */
  private final double[] expectedFirst;

  /** The durations expected at the ends of the ranges. */
  private final double[] expected;

  /** How many items are done in a nanosecond at most, in batches up to the ends of the ranges. */
  private final double[] rates;

  private final Window scatter = new Window(SCATTER_WINDOW);
  private double caution = 1;
  private double meanQuotient = 1;
  private int largest;
  private int efficientSize = 1;
  private int quickSize = 1;
  private int bestSize = 1;
  private boolean isSettled;

  /** Whether the lower and the upper third have other sizes. */
  private boolean hasLine;

  private double lineNanos;
  private double lineSlope;

  // Points of the curve, while they are computed.
  private final double[] pointSize;
  private final double[] pointNanos;
  private final double[] pointWeight;

  // Medians of a third of the durations, while the line is fitted.
  private final double[] thirdSize;
  private final double[] thirdNanos;
  private final double[] thirdWeight;
  private int thirds;

  /**
   * Nothing is known yet.
   *
   * @param maxSize the largest batch there is
   */
  CostCurve(int maxSize) {
    this.maxSize = maxSize;
    ends = new int[indexOf(maxSize) + 1];
    for (int i = 0; i < ends.length; i++) {
      ends[i] = Math.min(maxSize, endOf(i));
    }
    windows = new @Nullable Window[ends.length];
    expectedFirst = new double[ends.length];
    expected = new double[ends.length];
    rates = new double[ends.length];
    pointSize = new double[2 * ends.length];
    pointNanos = new double[2 * ends.length];
    pointWeight = new double[2 * ends.length];
    thirdSize = new double[ends.length];
    thirdNanos = new double[ends.length];
    thirdWeight = new double[ends.length];
  }

  /** The range of a size: 1 to 8 alone, then 9 to 10, 11 to 12, 13 to 14, 15 to 16, 17 to 20... */
  static int indexOf(int size) {
    if (size <= 8) {
      return size - 1;
    }
    int log = 31 - Integer.numberOfLeadingZeros(size - 1);
    return 4 * (log - 1) + ((size - 1) >>> (log - 2) & 3);
  }

  /** The largest size of a range. */
  private static int endOf(int index) {
    if (index < 8) {
      return index + 1;
    }
    int log = index / 4 + 1;
    return (int) Math.min((5L + index % 4) << (log - 2), Integer.MAX_VALUE);
  }

  /** The largest batch that was handled, 0 if none was. */
  int largest() {
    return largest;
  }

  /** A batch was handled. */
  void add(int size, long nanos) {
    int range = indexOf(Math.min(size, maxSize));
    Window window = windows[range];
    if (window == null) {
      window = new Window(RANGE_WINDOW);
      windows[range] = window;
    }
    if (largest >= size) {
      scatter.add(nanos / Math.max(1, expectedNanos(size)), 1);
      caution = Math.max(1, scatter.quantile(CAUTIOUS));
      meanQuotient = scatter.mean();
    }
    window.add((double) Math.max(1, nanos), size);
    largest = Math.max(largest, Math.min(size, maxSize));
    computePoints();
    computeSizes();
  }

  private void computePoints() {
    fitLine();
    double lineWeight = Math.max(1, LINE * (caution - 1));
    int points = 0;
    for (int i = 0; i < ends.length; i++) {
      Window window = windows[i];
      if (window == null) {
        continue;
      }
      double median = window.median();
      if (window.isFlat(ends[i] - firstSize(i))) {
        points = addPoint(points, firstSize(i), median, window.length / 2.0);
        points = addPoint(points, ends[i], median, window.length / 2.0);
        continue;
      }
      double onLine =
          Math.clamp(
              lineNanos + lineSlope * window.midSize(), median / LINE_OFF, LINE_OFF * median);
      double share = hasLine || window.length < FEW ? lineWeight / (lineWeight + window.length) : 0;
      double nanos = median + share * (onLine - median);
      if (points > 0 && window.length < FEW) {
        double inProportion = pointNanos[points - 1] * window.midSize() / pointSize[points - 1];
        nanos = Math.min(nanos, inProportion);
      }
      points = addPoint(points, window.midSize(), nanos, window.length);
    }
    int before = 0;
    for (int i = 0; i < ends.length; i++) {
      before = pointsBelow(firstSize(i), before, points);
      expectedFirst[i] = at(firstSize(i), before, points);
      before = pointsBelow(ends[i], before, points);
      expected[i] = at(ends[i], before, points);
    }
  }

  /** The smallest size of a range. */
  private int firstSize(int range) {
    return range == 0 ? 1 : ends[range - 1] + 1;
  }

  /** Adds a point behind some others. Returns how many there are then. */
  private int addPoint(int points, double size, double nanos, double weight) {
    pointSize[points] = size;
    pointNanos[points] = nanos;
    pointWeight[points] = weight;
    return pool(points + 1);
  }

  /** How many points are of smaller sizes, some of which are known to be. */
  private int pointsBelow(int size, int known, int points) {
    int below = known;
    while (below < points && pointSize[below] < size) {
      below++;
    }
    return below;
  }

  /** The straight line through the medians of the lower and of the upper third of the durations. */
  private void fitLine() {
    double third = 0;
    for (Window window : windows) {
      third += window == null ? 0 : window.length / 3.0;
    }
    collectThird(third, 0, 1);
    double lowerSize = medianOf(third, thirdSize);
    double lowerNanos = medianOf(third, thirdNanos);
    collectThird(third, windows.length - 1, -1);
    double upperSize = medianOf(third, thirdSize);
    double upperNanos = medianOf(third, thirdNanos);
    hasLine = upperSize > lowerSize;
    lineSlope = hasLine ? Math.max(0, (upperNanos - lowerNanos) / (upperSize - lowerSize)) : 0;
    lineNanos = (lowerNanos + upperNanos - lineSlope * (lowerSize + upperSize)) / 2;
  }

  /** Collects the medians of a third of the durations, those of one end of the sizes. */
  private void collectThird(double third, int from, int step) {
    thirds = 0;
    double weight = 0;
    for (int i = from; weight < third && i >= 0 && i < windows.length; i += step) {
      Window window = windows[i];
      if (window != null) {
        thirdSize[thirds] = window.midSize();
        thirdNanos[thirds] = window.median();
        thirdWeight[thirds++] = Math.min(window.length, third - weight);
        weight += window.length;
      }
    }
  }

  /** The weighted median of what was collected: half of the weight is not above it. */
  private double medianOf(double third, double[] values) {
    double median = Double.POSITIVE_INFINITY;
    for (int i = 0; i < thirds; i++) {
      double weight = 0;
      for (int j = 0; j < thirds; j++) {
        weight += values[j] <= values[i] ? thirdWeight[j] : 0;
      }
      if (2 * weight >= 0.999 * third && values[i] < median) {
        median = values[i];
      }
    }
    return median;
  }

  private void computeSizes() {
    double hopedBest = 0;
    int best = 0;
    double rate = 0;
    for (int i = 0; i < ends.length; i++) {
      rate = Math.max(rate, ends[i] / expected[i]);
      rates[i] = rate;
    }
    int ranges = indexOf(largest) + 1;
    for (int i = 0; i < ranges; i++) {
      double hoped = windows[i] == null ? 0 : hopedRate(i);
      if (hoped > hopedBest) {
        hopedBest = hoped;
        best = i;
      }
    }
    int efficient = smallestRange(best, EFFICIENT * hopedBest);
    bestSize = ends[best];
    efficientSize = ends[efficient];
    quickSize = ends[smallestRange(best, QUICK * hopedBest)];
    isSettled = largest == maxSize || largest >= SETTLED * (long) ends[efficient];
    if (!isSettled) {
      efficientSize = (int) Math.min((long) GROWTH * largest, maxSize);
      bestSize = efficientSize;
      quickSize = efficientSize;
      return;
    }
    for (int i = efficient + 1; i < ranges; i++) {
      if (windows[i] != null && !isKnownRange(i)) {
        efficientSize = ends[i];
        bestSize = Math.max(bestSize, efficientSize);
        return;
      }
    }
  }

  /** The first known range whose batches do so many items in a nanosecond, or the best one. */
  private int smallestRange(int best, double rate) {
    for (int i = 0; i < best; i++) {
      if (isKnownRange(i) && ends[i] / expected[i] >= rate) {
        return i;
      }
    }
    return best;
  }

  private boolean isKnownRange(int range) {
    Window window = windows[range];
    return window != null && window.length >= FEW;
  }

  /** How many items are done in a nanosecond in batches of a range, at best. */
  private double hopedRate(int range) {
    Window window = windows[range];
    double benefit = BENEFIT * (caution - 1) / Math.sqrt(window == null ? 1 : window.length);
    return ends[range] / expected[range] * (1 + benefit);
  }

  /** Merges the last points until they rise. Returns how many there are. */
  private int pool(int points) {
    int n = points;
    while (n > 1 && pointNanos[n - 2] > pointNanos[n - 1]) {
      double weight = pointWeight[n - 2] + pointWeight[n - 1];
      double share = pointWeight[n - 1] / weight;
      pointNanos[n - 2] += share * (pointNanos[n - 1] - pointNanos[n - 2]);
      pointSize[n - 2] += share * (pointSize[n - 1] - pointSize[n - 2]);
      pointWeight[n - 2] = weight;
      n--;
    }
    return n;
  }

  /** The duration for a size before which there are some points. */
  private double at(double size, int before, int points) {
    if (before == 0) {
      return pointNanos[0];
    }
    if (before < points) {
      double slope = slope(before - 1, before);
      return pointNanos[before] - slope * (pointSize[before] - size);
    }
    // Larger than anything known: on with the slope of the upper half, or in proportion.
    int last = points - 1;
    int from = last;
    while (from > 0 && pointSize[from] > pointSize[last] / 2) {
      from--;
    }
    boolean isOneRange = indexOf((int) pointSize[from]) == indexOf((int) pointSize[last]);
    double slope = isOneRange ? pointNanos[last] / pointSize[last] : slope(from, last);
    return pointNanos[last] + slope * (size - pointSize[last]);
  }

  private double slope(int from, int to) {
    return (pointNanos[to] - pointNanos[from]) / (pointSize[to] - pointSize[from]);
  }

  /**
   * The smallest size that does nearly as much as any; a larger one while that is to be found out.
   */
  int efficientSize() {
    return efficientSize;
  }

  /** The smallest size that is known to do nearly as much as any. */
  int quickSize() {
    return quickSize;
  }

  /** The size that does most in a time; at least the efficient one. */
  int bestSize() {
    return bestSize;
  }

  /** How many items one worker does in a nanosecond at most; 0 if nothing is known. */
  double bestRate() {
    return largest == 0 ? 0 : rates[indexOf(largest)];
  }

  /** How many items one worker does in a nanosecond at most, in batches up to a size. */
  double bestRate(int size) {
    return rates[indexOf(Math.min(size, maxSize))];
  }

  /** Whether batches as large as it pays have been seen. */
  boolean isSettled() {
    return isSettled;
  }

  /**
   * The largest size not above another that takes no longer than some time, cautiously; 0 if none.
   */
  int largestWithin(double nanos, int atMost) {
    if (cautiousNanos(atMost) <= nanos) {
      return atMost;
    }
    for (int i = indexOf(atMost); i >= 0; i--) {
      if (caution * expected[i] <= nanos) {
        return Math.min(atMost, ends[i]);
      }
    }
    return 0;
  }

  /**
   * The size above another that does most items in a time at best, if it is worth a try, otherwise
   * that other.
   */
  int hopedSize(int size) {
    double hopedBest = size / (EFFICIENT * expectedNanos(size));
    int hoped = size;
    int from = indexOf(Math.min(size, maxSize)) + 1;
    for (int i = from; i < ends.length && ends[i] <= REACH * (long) size; i++) {
      // Of a range with few durations a single stall decides. At best it takes no longer than the
      // size below.
      double rate = isKnownRange(i) ? hopedRate(i) : ends[i] / expectedNanos(size);
      if (rate > hopedBest) {
        hopedBest = rate;
        hoped = ends[i];
      }
    }
    return hoped;
  }

  /**
   * The next of the sizes 1, 2, 3, 4, 6, 8, 12, 16, 24 and so on, the largest last; 0 after that.
   */
  int nextChoice(int size, int largest) {
    if (size >= largest) {
      return 0;
    }
    int index = indexOf(size);
    return Math.min(largest, ends[Math.min(index < 3 ? index + 1 : index + 2, ends.length - 1)]);
  }

  /** The end of the range after that of a size, or the largest size. */
  int nextSize(int size) {
    return ends[Math.min(indexOf(Math.min(size, maxSize)) + 1, ends.length - 1)];
  }

  /** Whether some batches of about a size were handled. */
  boolean isKnown(int size) {
    return isKnownRange(indexOf(Math.min(size, maxSize)));
  }

  /** How long a batch takes, as the median; 0 if nothing is known. */
  double expectedNanos(int size) {
    int range = indexOf(Math.min(size, maxSize));
    int end = ends[range];
    if (size >= end) {
      return expected[range];
    }
    int first = firstSize(range);
    double nanos = expectedFirst[range];
    return nanos + (expected[range] - nanos) * (size - first) / (end - first);
  }

  /** How long a batch takes, exceeded by one of ten. */
  double cautiousNanos(int size) {
    return caution * expectedNanos(size);
  }

  /** What a share of the durations does not exceed, as a quotient of what was expected. */
  double quotient(double share) {
    return scatter.length == 0 ? 1 : scatter.quantile(share);
  }

  /** The mean of the durations, as a quotient of what was expected. */
  double meanQuotient() {
    return meanQuotient;
  }

  /** The share of the durations that do not exceed a quotient of what was expected. */
  double shareWithin(double quotient) {
    return scatter.length == 0 ? (quotient < 1 ? 0 : 1) : scatter.shareUpTo(quotient);
  }

  /** The last values of something, which stay sorted. */
  private static final class Window {
    private final double[] inOrder;
    private final int[] sizes;
    private final double[] sorted;
    private final int[] sortedSizes;
    private int next;
    private int length;

    Window(int capacity) {
      inOrder = new double[capacity];
      sizes = new int[capacity];
      sorted = new double[capacity];
      sortedSizes = new int[capacity];
    }

    void add(double value, int size) {
      if (length == sorted.length) {
        int old = Arrays.binarySearch(sorted, inOrder[next]);
        System.arraycopy(sorted, old + 1, sorted, old, length - old - 1);
        int oldSize = Arrays.binarySearch(sortedSizes, sizes[next]);
        System.arraycopy(sortedSizes, oldSize + 1, sortedSizes, oldSize, length - oldSize - 1);
        length--;
      }
      int at = Arrays.binarySearch(sorted, 0, length, value);
      at = at < 0 ? -at - 1 : at;
      System.arraycopy(sorted, at, sorted, at + 1, length - at);
      sorted[at] = value;
      inOrder[next] = value;
      sizes[next] = size;
      int atSize = Arrays.binarySearch(sortedSizes, 0, length, size);
      atSize = atSize < 0 ? -atSize - 1 : atSize;
      System.arraycopy(sortedSizes, atSize, sortedSizes, atSize + 1, length - atSize);
      sortedSizes[atSize] = size;
      length++;
      next = next + 1 == sorted.length ? 0 : next + 1;
    }

    double median() {
      return sorted[(length - 1) / 2];
    }

    double quantile(double share) {
      return sorted[Math.min(length - 1, (int) (share * (length - 1)))];
    }

    /**
     * Whether batches of different sizes are known to take the same time. Those of neighbours do
     * nearly so without any padding.
     *
     * @param span how far the sizes of the range are from each other at most
     */
    boolean isFlat(int span) {
      int apart = sortedSizes[length - 1] - sortedSizes[0];
      return length >= FEW
          && apart > 0
          && 2 * apart >= span
          && sorted[length - 1] <= SAME * sorted[0];
    }

    double midSize() {
      return sortedSizes[(length - 1) / 2];
    }

    double mean() {
      double mean = 0;
      for (int i = 0; i < length; i++) {
        mean += (sorted[i] - mean) / (i + 1);
      }
      return mean;
    }

    /** The share of the values that do not exceed one. */
    double shareUpTo(double value) {
      int from = 0;
      int to = length;
      while (from < to) {
        int middle = (from + to) >>> 1;
        if (sorted[middle] <= value) {
          from = middle + 1;
        } else {
          to = middle;
        }
      }
      return (double) from / length;
    }
  }
}
