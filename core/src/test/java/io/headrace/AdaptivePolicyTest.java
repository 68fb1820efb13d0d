package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy.Decision;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Decisions, from a queue's state and the batches that were handled before. */
class AdaptivePolicyTest {
  private static final long MILLI = 1_000_000;
  private static final int MAX_SIZE = 64;
  private static final int LEARNED = 2_000;

  private final Queue queue = new Queue();

  private static final class Queue implements QueueState {
    int waiting = 1;
    long oldestNanos;
    long deadlineNanos = Long.MAX_VALUE / 4;

    /** How far deadlines are apart. */
    long gapNanos;

    long arrivals;
    int workers = 1;
    int idle = 1;
    long nowNanos;

    void leave(int items) {
      waiting -= items;
      deadlineNanos += items * gapNanos;
    }

    @Override
    public int waiting() {
      return waiting;
    }

    @Override
    public long oldestArrivalNanos() {
      return oldestNanos;
    }

    @Override
    public int deadlines(long[] into) {
      int n = Math.min(into.length, waiting);
      for (int i = 0; i < n; i++) {
        into[i] = deadlineNanos + i * gapNanos;
      }
      return n;
    }

    @Override
    public long arrivals() {
      return arrivals;
    }

    @Override
    public double meanWeight() {
      return 1;
    }

    @Override
    public int workers() {
      return workers;
    }

    @Override
    public int idleWorkers() {
      return idle;
    }

    @Override
    public long nowNanos() {
      return nowNanos;
    }
  }

  private static long gpuLike(int size) {
    return 10 * MILLI + MILLI / 4 * size;
  }

  private static long linear(int size) {
    return MILLI / 10 + MILLI * size;
  }

  private static LearningPolicy policy(long objectiveMillis) {
    BatchPolicy policy = BatchPolicy.adaptive(MAX_SIZE, Duration.ofMillis(objectiveMillis));
    return ((LearningPolicy) policy).forQueue();
  }

  /** A policy that knows the curve. */
  private static LearningPolicy learned(long objectiveMillis) {
    LearningPolicy policy = policy(objectiveMillis);
    for (int i = 1; i < LEARNED; i++) {
      int size = i % MAX_SIZE + 1;
      policy.handled(size, gpuLike(size));
    }
    return policy;
  }

  /** Lets some items a millisecond arrive for a while. */
  private void arrive(LearningPolicy policy, int perMilli) {
    arrive(policy, perMilli, gpuLike(MAX_SIZE));
  }

  /** Lets some items a millisecond arrive while the largest batch is handled. */
  private void arrive(LearningPolicy policy, int perMilli, long handleNanos) {
    for (int i = 0; i < 1_000; i++) {
      queue.nowNanos += MILLI;
      queue.oldestNanos = queue.nowNanos;
      queue.arrivals += perMilli;
      policy.dropBeforeNanos(queue);
    }
    policy.handled(MAX_SIZE, handleNanos);
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThatThrownBy(() -> BatchPolicy.adaptive(0, Duration.ofMillis(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("maxSize is 0, it has to be at least 1");
    assertThatThrownBy(() -> BatchPolicy.adaptive(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("latencyObjective is PT0S, it has to be above zero");
    assertThatThrownBy(() -> BatchPolicy.adaptive(Duration.ofMillis(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("PT-0.001S");
  }

  @Test
  void hasADefaultForTheSize() {
    assertThat(BatchPolicy.adaptive(Duration.ofMillis(1)).maxSize()).isEqualTo(1024);
  }

  /** Items that come together in the time of one would otherwise be late behind small batches. */
  @Test
  void triesCompanyAfterSingleItemsIfThereIsTime() {
    LearningPolicy roomy = policy(40);
    roomy.handled(1, 12 * MILLI);
    queue.waiting = 16;
    assertThat(roomy.decide(queue)).isEqualTo(Decision.send(8));
    LearningPolicy tight = policy(20);
    tight.handled(1, 12 * MILLI);
    assertThat(tight.decide(queue)).isEqualTo(Decision.send(1));
  }

  @Test
  void eachQueueLearnsForItself() {
    LearningPolicy learned = learned(100);
    queue.waiting = 50;
    assertThat(learned.decide(queue)).isEqualTo(Decision.send(50));
    assertThat(learned.forQueue().decide(queue)).isEqualTo(Decision.send(1));
    assertThat(learned.forQueue().maxSize()).isEqualTo(MAX_SIZE);
  }

  @Test
  void knowingNothingItTriesOneItemAndNeitherDropsNorRefuses() {
    LearningPolicy policy = policy(100);
    queue.waiting = 1_000;
    queue.deadlineNanos = 1;
    assertThat(policy.dropBeforeNanos(queue)).isEqualTo(queue.nowNanos);
    assertThat(policy.decide(queue)).isEqualTo(Decision.send(1));
    assertThat(policy.expectedNanos(1_000_000, queue.nowNanos)).isZero();
  }

  @Test
  void sendsWhatWaitsAtOnceIfThereIsTime() {
    LearningPolicy policy = learned(100);
    queue.waiting = 7;
    assertThat(policy.decide(queue)).isEqualTo(Decision.send(7));
    queue.waiting = 1_000;
    assertThat(policy.decide(queue)).isEqualTo(Decision.send(MAX_SIZE));
  }

  @Test
  void doesNotCollectItemsThatGainNothing() {
    LearningPolicy policy = policy(100);
    for (int i = 1; i < LEARNED; i++) {
      policy.handled(i % MAX_SIZE + 1, MILLI * (i % MAX_SIZE + 1));
    }
    queue.waiting = 30;
    assertThat(policy.decide(queue).size()).isBetween(1, 16);
  }

  /** One item a millisecond is a little less than the handler can do, or a little more. */
  @ParameterizedTest
  @CsvSource({"95, 5, 8", "103, 12, 12"})
  void smallBatchesAreEnoughUnlessOverloadLasts(int percent, int smallest, int largest) {
    LearningPolicy policy = policy(30);
    for (int i = 0; i < LEARNED; i++) {
      int size = i % MAX_SIZE + 1;
      policy.handled(size, linear(size) * percent / 100);
    }
    arrive(policy, 1, linear(MAX_SIZE));
    arrive(policy, 1, linear(MAX_SIZE));
    queue.waiting = 12;
    queue.deadlineNanos = queue.nowNanos + 30 * MILLI;
    assertThat(policy.decide(queue).size()).isBetween(smallest, largest);
  }

  @Test
  void makesTheBatchSmallerForAnUrgentItem() {
    LearningPolicy policy = learned(100);
    queue.waiting = MAX_SIZE;
    queue.deadlineNanos = gpuLike(16) + MILLI / 2;
    assertThat(policy.dropBeforeNanos(queue)).isLessThan(queue.deadlineNanos);
    assertThat(policy.decide(queue).size()).isBetween(12, 18);
  }

  @Test
  void dropsTheUrgentItemUnderOverload() {
    LearningPolicy policy = learned(100);
    arrive(policy, 10);
    queue.waiting = 500;
    queue.deadlineNanos = queue.nowNanos + gpuLike(4);
    long dropBefore = policy.dropBeforeNanos(queue) - queue.nowNanos;
    assertThat(dropBefore).isBetween(gpuLike(56), gpuLike(72));
    queue.deadlineNanos = queue.nowNanos + dropBefore + MILLI;
    assertThat(policy.decide(queue).size()).isGreaterThanOrEqualTo(56);
  }

  @Test
  void neverWaits() {
    for (int objectiveMillis : new int[] {20, 40, 100}) {
      LearningPolicy policy = learned(objectiveMillis);
      arrive(policy, 1);
      queue.waiting = 2;
      queue.deadlineNanos = queue.nowNanos + objectiveMillis * MILLI;
      assertThat(policy.decide(queue)).isEqualTo(Decision.send(2));
    }
  }

  /** All items of a large batch end late together. */
  @Test
  void servesABurstInSmallBatchesIfBatchesGainNothing() {
    LearningPolicy policy = policy(30);
    for (int i = 1; i < LEARNED; i++) {
      int size = i % 25 + 1;
      policy.handled(size, linear(size));
    }
    arrive(policy, 0);
    queue.waiting = 40;
    queue.deadlineNanos = queue.nowNanos + 20 * MILLI;
    queue.gapNanos = MILLI / 4;
    int inTime = 0;
    while (queue.waiting > 0) {
      long dropBefore = policy.dropBeforeNanos(queue);
      while (queue.waiting > 0 && queue.deadlineNanos <= dropBefore) {
        queue.leave(1);
      }
      if (queue.waiting > 0) {
        int size = policy.decide(queue).size();
        long endNanos = queue.nowNanos + linear(size);
        for (int i = 0; i < size; i++) {
          inTime += queue.deadlineNanos + i * queue.gapNanos > endNanos ? 1 : 0;
        }
        queue.leave(size);
        queue.nowNanos = endNanos;
        policy.handled(size, linear(size));
      }
    }
    assertThat(inTime).isBetween(26, 29); // 29 at most: the last deadline is 29.75 ms away
  }

  /** A head that fits into the batch which is left by those dropped before it stays. */
  @Test
  void neverSendsWhatIsLateAlready() {
    LearningPolicy policy = policy(30);
    for (int i = 1; i < LEARNED; i++) {
      int size = i % 25 + 1;
      policy.handled(size, linear(size));
    }
    arrive(policy, 2);
    for (int waiting = 1; waiting < 60; waiting++) {
      queue.nowNanos += MILLI;
      queue.waiting = waiting;
      queue.deadlineNanos = queue.nowNanos + 29 * MILLI - waiting * MILLI / 2;
      queue.gapNanos = MILLI / 2;
      long dropBefore = policy.dropBeforeNanos(queue);
      while (queue.waiting > 0 && queue.deadlineNanos <= dropBefore) {
        queue.leave(1);
      }
      if (queue.waiting > 0) {
        int size = policy.decide(queue).size();
        assertThat(queue.deadlineNanos).isGreaterThan(queue.nowNanos + linear(size));
      }
    }
  }

  /** What has no deadline has to be done even if it is late, and most is done in large batches. */
  @Test
  void worksOffABacklogWithoutDeadlinesInLargeBatches() {
    LearningPolicy policy = learned(100);
    arrive(policy, 10);
    queue.waiting = 1_000;
    queue.nowNanos += 1_000 * MILLI;
    queue.deadlineNanos = Long.MAX_VALUE / 4;
    policy.dropBeforeNanos(queue);
    assertThat(policy.decide(queue).size()).isGreaterThanOrEqualTo(56);
  }

  @Test
  void countsFullBatchesAheadForAnArrival() {
    LearningPolicy policy = learned(100);
    long first = policy.expectedNanos(0, 0);
    assertThat(first).isBetween(gpuLike(1) - MILLI, gpuLike(1) + MILLI);
    long later = policy.expectedNanos(2 * MAX_SIZE, 0);
    assertThat(later - first).isBetween(2 * gpuLike(60), 2 * gpuLike(68));
    queue.waiting = MAX_SIZE;
    policy.decide(queue);
    assertThat(policy.expectedNanos(0, 5 * MILLI)) // the batch that runs has begun 5 ms ago
        .isBetween(first + gpuLike(56) - 5 * MILLI, first + gpuLike(72) - 5 * MILLI);
  }

  /** Two of the batches of 64 that are full under overload take 52 ms. */
  @Test
  void countsWhatComesBehindAnArrivalOnceSomethingWasDropped() {
    LearningPolicy policy = learned(100);
    arrive(policy, 5);
    assertThat(policy.expectedNanos(MAX_SIZE, queue.nowNanos))
        .isLessThan(gpuLike(MAX_SIZE) + gpuLike(8));
    queue.waiting = 500;
    queue.deadlineNanos = queue.nowNanos + MILLI;
    assertThat(policy.dropBeforeNanos(queue)).isGreaterThan(queue.deadlineNanos);
    arrive(policy, 5);
    assertThat(policy.expectedNanos(MAX_SIZE, queue.nowNanos))
        .isGreaterThan(gpuLike(MAX_SIZE) + gpuLike(56));
  }

  @Test
  void anyNumberOfBatchesMayRun() {
    LearningPolicy policy = policy(100);
    queue.waiting = 4;
    queue.workers = 100;
    queue.idle = queue.workers;
    for (; queue.idle > 0; queue.idle--) {
      assertThat(policy.decide(queue)).isEqualTo(Decision.send(1));
      queue.nowNanos += 1_000;
    }
  }

  @Test
  void batchesMayBeLargerThanByDefault() {
    int maxSize = 4096;
    LearningPolicy policy =
        ((LearningPolicy) BatchPolicy.adaptive(maxSize, Duration.ofSeconds(1))).forQueue();
    for (int size = 1; size <= maxSize; size *= 2) {
      policy.handled(size, MILLI + size);
    }
    queue.waiting = maxSize;
    assertThat(policy.decide(queue)).isEqualTo(Decision.send(maxSize));
  }

  @Test
  void forgetsWhatItKnowsOfTimesLongAgo() {
    LearningPolicy policy = learned(100);
    queue.waiting = 1;
    policy.decide(queue);
    policy.handled(1, gpuLike(1));
    assertThat(policy.expectedNanos(1_000, 0)).isPositive();
    assertThat(policy.expectedNanos(1_000, 500 * MILLI)).isZero();
  }

  @Test
  void anObjectiveThatNothingMeetsDoesNotStopIt() {
    LearningPolicy policy = learned(1);
    queue.waiting = 10;
    queue.deadlineNanos = MILLI;
    assertThat(policy.dropBeforeNanos(queue)).isEqualTo(queue.nowNanos);
    assertThat(policy.decide(queue).size()).isPositive();
  }

  @Test
  void aStallInTheFirstLargeBatchDoesNotBanLargeBatchesForEver() {
    LearningPolicy policy = policy(100);
    for (int i = 0; i < 200; i++) {
      policy.handled(i % 20 + 1, gpuLike(i % 20 + 1));
    }
    policy.handled(28, 134 * MILLI);
    queue.waiting = 1_000;
    int size = 0;
    for (int i = 0; i < 200; i++) {
      queue.nowNanos += 20 * MILLI;
      queue.oldestNanos = queue.nowNanos;
      queue.deadlineNanos = queue.nowNanos + 100 * MILLI;
      size = policy.decide(queue).size();
      policy.handled(size, gpuLike(size));
    }
    assertThat(size).isEqualTo(MAX_SIZE);
  }

  /** A stall among the first batches is no reason to drop most of the items for long. */
  @Test
  void aStallInOneOfTheFirstBatchesDoesNotKeepBatchesSmall() {
    for (int stalled : new int[] {2, 3, 5, 8}) {
      LearningPolicy policy = policy(100);
      policy.handled(1, gpuLike(1));
      policy.handled(stalled, 8 * gpuLike(stalled));
      queue.waiting = 100;
      int largest = 0;
      for (int i = 0; i < 12; i++) {
        queue.nowNanos += 15 * MILLI;
        queue.oldestNanos = queue.nowNanos;
        queue.arrivals += 15;
        queue.deadlineNanos = queue.nowNanos + 10 * MILLI;
        queue.gapNanos = MILLI;
        policy.dropBeforeNanos(queue);
        int size = policy.decide(queue).size();
        policy.handled(size, gpuLike(size));
        largest = Math.max(largest, size);
      }
      assertThat(largest).as("after a stalled batch of %d", stalled).isGreaterThan(32);
    }
  }

  /** Handlers without noise: three batches are enough to know that an item is late. */
  @Test
  void dropsWhatIsLateAfterThreeBatches() {
    LearningPolicy policy = policy(30);
    policy.handled(1, linear(1));
    policy.handled(3, linear(3));
    queue.waiting = 60;
    queue.deadlineNanos = MILLI / 2;
    assertThat(policy.dropBeforeNanos(queue)).isEqualTo(queue.nowNanos);
    policy.handled(7, linear(7));
    queue.gapNanos = MILLI / 2;
    queue.nowNanos += 1;
    assertThat(policy.dropBeforeNanos(queue)).isGreaterThan(queue.nowNanos + MILLI);
  }
}
