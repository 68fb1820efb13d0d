package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CostCurveTest {
  private static final int MAX_SIZE = 256;
  private static final double NOISE = 0.25;

  private final CostCurve curve = new CostCurve(MAX_SIZE);

  private static double gpuLike(int size) {
    return 10_000_000 + 250_000.0 * size;
  }

  private static double linear(int size) {
    return 1_000_000.0 * size;
  }

  private void learn(IntToDoubleFunction cost, int batches, double noise, long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < batches; i++) {
      int size = 1 + random.nextInt(MAX_SIZE);
      double factor = Math.exp(noise * random.nextGaussian());
      factor *= noise > 0 && random.nextInt(100) == 0 ? 10 : 1;
      curve.add(size, (long) (factor * cost.applyAsDouble(size)));
    }
  }

  @Test
  void knowsNothingAtFirst() {
    assertThat(curve.largest()).isZero();
    assertThat(curve.expectedNanos(100)).isZero();
    assertThat(curve.bestRate()).isZero();
    assertThat(curve.efficientSize()).isEqualTo(1);
    assertThat(curve.isSettled()).isFalse();
  }

  @Test
  void everySizeIsInARangeThatEndsNotBelowIt() {
    int before = -1;
    for (int size = 1; size <= 100_000; size++) {
      int range = CostCurve.indexOf(size);
      assertThat(range - before).isBetween(0, 1);
      before = range;
    }
    assertThat(CostCurve.indexOf(64)).isEqualTo(CostCurve.indexOf(63));
    assertThat(CostCurve.indexOf(65)).isEqualTo(CostCurve.indexOf(64) + 1);
    assertThat(new CostCurve(Integer.MAX_VALUE).largestWithin(0, Integer.MAX_VALUE))
        .isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void learnsACurveExactlyIfNothingVaries() {
    learn(CostCurveTest::gpuLike, 2_000, 0, 1);
    for (int size = 1; size <= MAX_SIZE; size++) {
      assertThat(curve.expectedNanos(size)).isCloseTo(gpuLike(size), Percentage.withPercentage(3));
    }
    assertThat(curve.bestSize()).isEqualTo(MAX_SIZE);
    assertThat(curve.isSettled()).isTrue();
  }

  /** The first sizes are ranges of their own. */
  @Test
  void knowsTheStepsOfAHandlerThatPads() {
    IntToDoubleFunction padded = size -> gpuLike((size + 7) / 8 * 8);
    learn(padded, 4_000, 0, 1);
    for (int size = 9; size <= 64; size++) {
      assertThat(curve.expectedNanos(size)).as("%d", size).isEqualTo(padded.applyAsDouble(size));
    }
  }

  @Test
  void aStepEndsWhereItsRangeEndsUntilDurationsSayOtherwise() {
    for (int size : new int[] {33, 35, 38, 41, 45, 48}) {
      curve.add(size, size <= 40 ? 20_000_000 : 30_000_000);
    }
    assertThat(curve.expectedNanos(40)).isEqualTo(20_000_000);
    assertThat(curve.expectedNanos(41)).isEqualTo(30_000_000);
    curve.add(40, 30_000_000);
    assertThat(curve.expectedNanos(40)).isGreaterThan(21_000_000);
  }

  /** That more items of the step take no longer says nothing of what is beyond it. */
  @Test
  void oneStepIsNoReasonToTakeAllThatIsLargerForFree() {
    curve.add(33, 20_000_000);
    curve.add(35, 20_000_000);
    curve.add(38, 20_000_000);
    assertThat(curve.expectedNanos(80)).isEqualTo(40_000_000);
  }

  /** They take nearly the same time in any case. */
  @Test
  void neighboursAreNotTakenForAStep() {
    for (int i = 0; i < 3; i++) {
      curve.add(65, 65_000_000);
      curve.add(66, 66_000_000);
    }
    assertThat(curve.expectedNanos(80)).isGreaterThan(75_000_000);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void learnsTheMedianOfDurationsThatVaryAndStall(long seed) {
    learn(CostCurveTest::gpuLike, 4_000, NOISE, seed);
    for (int size = 1; size <= MAX_SIZE; size++) {
      assertThat(curve.expectedNanos(size)).isCloseTo(gpuLike(size), Percentage.withPercentage(25));
      // The upper and the lower tenth of the distribution.
      assertThat(curve.cautiousNanos(size) / curve.expectedNanos(size)).isBetween(1.2, 1.8);
      assertThat(curve.quotient(0.1) * curve.expectedNanos(size) / curve.expectedNanos(size))
          .isBetween(0.55, 0.85);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void moreItemsNeverTakeLess(long seed) {
    learn(size -> 1_000_000, 500, 1, seed);
    for (int size = 2; size <= MAX_SIZE; size++) {
      assertThat(curve.expectedNanos(size)).isGreaterThanOrEqualTo(curve.expectedNanos(size - 1));
    }
  }

  @Test
  void findsThatBatchesGainNothing() {
    learn(CostCurveTest::linear, 2_000, 0, 1);
    assertThat(curve.efficientSize()).isLessThanOrEqualTo(16);
    assertThat(curve.isSettled()).isTrue();
    assertThat(curve.bestRate()).isCloseTo(1e-6, within(1e-7));
  }

  @Test
  void theQuickSizeIsNotRaisedByWhatIsToBeTried() {
    for (int i = 0; i < 10; i++) {
      for (int size = 1; size <= 40; size = size == 8 ? 40 : size + 1) {
        curve.add(size, (long) (100_000 + linear(size)));
      }
    }
    assertThat(curve.quickSize()).isBetween(5, 8);
    curve.add(12, (long) (100_000 + linear(12)));
    assertThat(curve.efficientSize()).isEqualTo(12);
    assertThat(curve.quickSize()).isBetween(5, 8);
  }

  @Test
  void findsTheEdgeBehindWhichItGetsSlow() {
    learn(size -> size <= 32 ? gpuLike(size) : 10 * gpuLike(size), 2_000, 0, 1);
    assertThat(curve.bestSize()).isBetween(28, 32);
  }

  @Test
  void followsAHandlerThatBecomesSlowerAndFasterAgain() {
    learn(CostCurveTest::gpuLike, 2_000, 0, 1);
    learn(size -> 5 * gpuLike(size), 2_000, 0, 2);
    assertThat(curve.expectedNanos(100)).isCloseTo(5 * gpuLike(100), Percentage.withPercentage(3));
    learn(CostCurveTest::gpuLike, 2_000, 0, 3);
    assertThat(curve.expectedNanos(100)).isCloseTo(gpuLike(100), Percentage.withPercentage(3));
  }

  @Test
  void oneStallChangesNothing() {
    learn(CostCurveTest::gpuLike, 2_000, 0, 1);
    curve.add(64, 60_000_000_000L);
    assertThat(curve.expectedNanos(64)).isCloseTo(gpuLike(64), Percentage.withPercentage(5));
  }

  @Test
  void aStallInTheFirstBatchOfASizeDoesNotKeepItFromBeingTriedAgain() {
    for (int i = 0; i < 50; i++) {
      curve.add(8, (long) gpuLike(8));
    }
    assertThat(curve.efficientSize()).isEqualTo(64);
    curve.add(64, 10 * (long) gpuLike(64));
    assertThat(curve.efficientSize()).isEqualTo(64);
    curve.add(64, (long) gpuLike(64));
    curve.add(64, (long) gpuLike(64));
    assertThat(curve.efficientSize()).isGreaterThanOrEqualTo(64);
    assertThat(curve.expectedNanos(64)).isCloseTo(gpuLike(64), Percentage.withPercentage(1));
  }

  @Test
  void growsByAFactorUntilItIsSettled() {
    curve.add(1, (long) gpuLike(1));
    assertThat(curve.efficientSize()).isEqualTo(8);
    curve.add(8, (long) gpuLike(8));
    assertThat(curve.efficientSize()).isEqualTo(64);
    assertThat(curve.quickSize()).isEqualTo(64);
    curve.add(64, (long) gpuLike(64));
    assertThat(curve.efficientSize()).isEqualTo(MAX_SIZE);
  }

  @Test
  void tellsTheLargestSizeThatFitsIntoSomeTime() {
    learn(CostCurveTest::gpuLike, 2_000, 0, 1);
    assertThat(curve.largestWithin(gpuLike(MAX_SIZE) * 1.1, 200)).isEqualTo(200);
    int within = curve.largestWithin(30_000_000, MAX_SIZE); // 80 items take so long
    assertThat(within).isBetween(64, 80);
    assertThat(curve.largestWithin(5_000_000, MAX_SIZE)).isZero();
    assertThat(curve.largestWithin(-1, MAX_SIZE)).isZero();
  }

  @Test
  void batchesOfNoTimeOrBeyondTheMaximumDoNoHarm() {
    curve.add(1, 0);
    curve.add(MAX_SIZE + 5, 100);
    assertThat(curve.expectedNanos(1)).isPositive();
    assertThat(curve.largest()).isEqualTo(MAX_SIZE);
    assertThat(curve.bestRate()).isFinite();
  }

  /** In a range the sizes may be spread unevenly: size and duration of a point belong together. */
  @Test
  void isExactForALinearHandlerWhateverSizesItSees() {
    CostCurve curve = new CostCurve(64);
    for (int i = 0; i < 100; i++) {
      for (int size : new int[] {1, 8, 17, 20, 20, 20, 20, 33, 33, 33, 40}) {
        curve.add(size, 1_000L * size);
      }
    }
    for (int size = 8; size <= 40; size++) {
      assertThat(curve.expectedNanos(size)).isBetween(990.0 * size, 1_010.0 * size);
    }
  }

  @Test
  void hopesForTheSizeThatOneStallHasMadeLookBad() {
    CostCurve curve = new CostCurve(64);
    Random random = new Random(1);
    for (int i = 0; i < 200; i++) {
      int size = i % 12 + 1;
      double noise = Math.exp(0.25 * random.nextGaussian());
      curve.add(size, (long) (noise * (10_000_000 + 250_000L * size)));
    }
    curve.add(24, 96_000_000);
    assertThat(curve.hopedSize(12)).isGreaterThan(12);
  }

  @Test
  void hopesForNothingIfDurationsDoNotScatter() {
    CostCurve curve = new CostCurve(64);
    for (int i = 0; i < 1_000; i++) {
      int size = i % 64 + 1;
      curve.add(size, 100_000 + 1_000_000L * size);
    }
    assertThat(curve.hopedSize(20)).isEqualTo(20);
  }
}
