package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of a queue, beside simpler ways to find it out. */
class ForecastTest {
  private static final long SEED = 20_261_126;
  private static final int QUEUES = 2_000;
  private static final int MAX_SIZE = 64;
  private static final double MILLI = 1e6;
  private static final double OBJECTIVE_NANOS = 50 * MILLI;

  private final Random random = new Random(SEED);
  private final CostCurve curve = new CostCurve(MAX_SIZE);
  private final Forecast forecast = new Forecast(curve, (long) OBJECTIVE_NANOS);

  private record Queue(long[] slackNanos, double meanWeight, int workers, long oldestArrivalNanos)
      implements QueueState {
    Queue(long[] slackNanos) {
      this(slackNanos, 1, 1, 0);
    }

    @Override
    public int waiting() {
      return (int) (slackNanos.length * meanWeight);
    }

    @Override
    public int deadlines(long[] into) {
      int n = Math.min(into.length, slackNanos.length);
      System.arraycopy(slackNanos, 0, into, 0, n);
      return n;
    }

    @Override
    public long arrivals() {
      return slackNanos.length;
    }

    @Override
    public int idleWorkers() {
      return 1;
    }

    @Override
    public long nowNanos() {
      return 0;
    }
  }

  private void learn(double fixedMillis, double itemMillis, double noise) {
    for (int i = 0; i < 1_000; i++) {
      int size = 1 + i % MAX_SIZE;
      double factor = Math.exp(noise * random.nextGaussian());
      curve.add(size, (long) (factor * MILLI * (fixedMillis + itemMillis * size)));
    }
  }

  private Queue queue(boolean isOrdered) {
    long[] slackNanos = new long[1 + random.nextInt(200)];
    Arrays.setAll(slackNanos, i -> (long) (random.nextDouble() * OBJECTIVE_NANOS));
    if (isOrdered) {
      Arrays.sort(slackNanos);
    }
    return new Queue(slackNanos);
  }

  private static long[] slack(int items, double nanos) {
    long[] slackNanos = new long[items];
    Arrays.fill(slackNanos, (long) nanos);
    return slackNanos;
  }

  private int lateOneByOne(Queue queue, int size, double caution) {
    int waiting = queue.waiting();
    int late = 0;
    while (late < waiting) {
      double takesNanos = curve.expectedNanos(Math.min(size, waiting - late));
      if (queue.slackNanos[late] > caution * takesNanos) {
        break;
      }
      late++;
    }
    return late;
  }

  @Test
  void findsWhatIsLateAsALookAtEachItemDoes() {
    learn(5, 0.5, 0);
    for (int i = 0; i < QUEUES; i++) {
      Queue queue = queue(random.nextBoolean());
      int size = 1 + random.nextInt(MAX_SIZE);
      double caution = 0.5 + random.nextDouble();
      forecast.look(queue, random.nextInt(3) / MILLI);
      assertThat(forecast.late(size, caution))
          .as("queue %d, batches of %d, caution %.2f", i, size, caution)
          .isEqualTo(lateOneByOne(queue, size, caution));
    }
  }

  /** Whatever is needed: it comes to the same, or it is worth less than that. */
  @Test
  void givesUpOnlyWhatIsWorthLess() {
    learn(5, 0.5, 0.3);
    int givenUp = 0;
    for (int i = 0; i < QUEUES; i++) {
      int size = 1 + random.nextInt(MAX_SIZE);
      forecast.look(queue(random.nextBoolean()), random.nextInt(3) / MILLI);
      forecast.run(size, 1, Double.NEGATIVE_INFINITY);
      double worth = forecast.worth();
      double needed = worth + 20 * random.nextGaussian();
      forecast.run(size, 1, needed);
      if (forecast.worth() == Double.NEGATIVE_INFINITY) {
        assertThat(worth).as("queue %d, batches of %d", i, size).isLessThan(needed);
        givenUp++;
      } else {
        assertThat(forecast.worth()).as("queue %d, batches of %d", i, size).isEqualTo(worth);
      }
    }
    assertThat(givenUp).isPositive();
  }

  @Test
  void losesNothingIfAllAreInTime() {
    learn(5, 0.5, 0);
    forecast.look(new Queue(slack(10, OBJECTIVE_NANOS)), 0);
    forecast.run(MAX_SIZE, 1, Double.NEGATIVE_INFINITY);
    assertThat(forecast.isLossless()).isTrue();
    assertThat(forecast.worth()).isEqualTo(10);
  }

  /** They are in time by the caution with which they are dropped, but not by what is known. */
  @Test
  void losesWhatIsLateInItsBatch() {
    learn(5, 0.5, 0);
    forecast.look(new Queue(new long[] {1, 1, 1}), 0);
    forecast.run(MAX_SIZE, 0, Double.NEGATIVE_INFINITY);
    assertThat(forecast.isLossless()).isFalse();
  }

  /** They come evenly. */
  @Test
  void itemsThatAreToComeHaveTheirObjectiveFromTheirArrivalOn() {
    learn(5, 0.5, 0);
    forecast.look(new Queue(new long[] {1, 2, 3}), 1 / MILLI);
    assertThat(forecast.slackNanos(2)).isEqualTo(3);
    assertThat(forecast.slackNanos(3)).isEqualTo(OBJECTIVE_NANOS + MILLI);
    assertThat(forecast.slackNanos(4)).isEqualTo(OBJECTIVE_NANOS + 2 * MILLI);
  }

  /** Whether each batch is gone through by itself, or as one of many short ones. */
  @ParameterizedTest
  @CsvSource({"5, 4, 12", "0.1, 1, 64"})
  void itemsTakeAsLongAsTheBatchesUpToTheirOwn(double millis, int size, double batches) {
    learn(millis, 0, 0);
    forecast.look(new Queue(slack(8, OBJECTIVE_NANOS)), 0);
    forecast.run(size, 1, Double.NEGATIVE_INFINITY);
    assertThat(forecast.delayNanos() / MILLI).isCloseTo(batches * millis, withinPercentage(0.1));
  }

  @Test
  void twoWorkersNeedHalfTheTime() {
    learn(5, 0, 0);
    forecast.look(new Queue(slack(8, OBJECTIVE_NANOS), 1, 2, 0), 0);
    forecast.run(4, 1, Double.NEGATIVE_INFINITY);
    assertThat(forecast.delayNanos() / MILLI).isCloseTo(6 * 5, withinPercentage(0.1));
  }

  /** The mean is above the median. */
  @Test
  void theClockMovesOnByTheMean() {
    learn(5, 0, 0.5);
    assertThat(curve.meanQuotient()).isGreaterThan(1.03);
    forecast.look(new Queue(slack(8, OBJECTIVE_NANOS)), 0);
    forecast.run(8, 1, Double.NEGATIVE_INFINITY);
    double takesNanos = curve.expectedNanos(8) * curve.meanQuotient();
    assertThat(forecast.delayNanos()).isCloseTo(8 * takesNanos, withinPercentage(0.1));
  }

  /** Batches of 8 do less than arrives, and the workers could do a little more than that. */
  @Test
  void whatIsLeftCountsAsFarAsTheWorkersHaveTimeToSpare() {
    learn(5, 0.5, 0);
    double arrivalsPerNano = 1.5 / MILLI;
    forecast.look(new Queue(slack(8, OBJECTIVE_NANOS)), arrivalsPerNano);
    forecast.run(8, 1, Double.NEGATIVE_INFINITY);
    double takesNanos = curve.expectedNanos(8) * curve.meanQuotient();
    double capacity = curve.bestRate() / curve.meanQuotient();
    double batches = Math.ceil(OBJECTIVE_NANOS / takesNanos);
    double spare = (capacity - arrivalsPerNano) * OBJECTIVE_NANOS;
    assertThat(spare).isBetween(5.0, 20.0);
    double beyond = (batches * takesNanos - OBJECTIVE_NANOS) * capacity;
    assertThat(forecast.worth()).isCloseTo(8 * batches + spare - beyond, withinPercentage(0.1));
  }

  /** Two batches of four; the last items of each can wait for long. */
  @Test
  void itemsCountForTheProbabilityThatTheyAreInTime() {
    learn(5, 0, 0.3);
    double takesNanos = curve.expectedNanos(4);
    double[] inTakes = {0.7, 1, 1.3, 4, 1.9, 2.1, 2.5, 8};
    long[] slackNanos = new long[8];
    Arrays.setAll(slackNanos, i -> (long) (inTakes[i] * takesNanos));
    double worth = 2;
    for (int i = 0; i < 8; i++) {
      double before = i < 4 ? 0 : curve.meanQuotient();
      worth += i % 4 == 3 ? 0 : curve.shareWithin(inTakes[i] - before);
    }
    forecast.look(new Queue(slackNanos), 0);
    forecast.run(4, 0, Double.NEGATIVE_INFINITY);
    assertThat(forecast.worth()).isCloseTo(worth, withinPercentage(1));
  }

  /** The oldest of three items of four each came 20 ms ago. */
  @Test
  void itemsWithoutADeadlineHaveItEvenlyByTheirWeight() {
    learn(5, 0.5, 0);
    long[] slackNanos = slack(3, Long.MAX_VALUE / 4.0);
    forecast.look(new Queue(slackNanos, 4, 1, (long) (-20 * MILLI)), 0);
    assertThat(forecast.itemWeight()).isEqualTo(4);
    for (int item = 0; item < 3; item++) {
      double slackMillis = forecast.slackNanos(4 * item) / MILLI;
      assertThat(slackMillis).isCloseTo(30 + 20 * item / 3.0, withinPercentage(0.1));
    }
  }
}
