package io.headrace;

import static java.util.stream.Collectors.toList;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which items share a batch, and when it goes. */
class BatchFormingTest {
  private final VirtualTime time = new VirtualTime();
  private final long startNanos = time.nanoTime();
  private final SteppedExecutor stepped = new SteppedExecutor();
  private final Echo<Integer> echo = new Echo<>();
  private final List<Long> batchMillis = new ArrayList<>();

  private long nowMillis() {
    return Duration.ofNanos(time.nanoTime() - startNanos).toMillis();
  }

  private static Duration millis(long millis) {
    return Duration.ofMillis(millis);
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().collect(toList());
  }

  /** Workers whose batches take no time, and that note when each came. */
  private Batcher<Integer, Integer> instant(BatchPolicy policy) {
    return Batcher.<Integer, Integer>builder(
            items -> {
              batchMillis.add(nowMillis());
              return echo.handle(items);
            })
        .batch(policy)
        .workers(Workers.executor(Runnable::run, 1))
        .timeSource(time)
        .build();
  }

  /** Workers that take some virtual time for each batch. */
  private Batcher<Integer, Integer> taking(Duration duration, BatchPolicy policy, int workers) {
    return Batcher.<Integer, Integer>asyncBuilder(
            items -> {
              batchMillis.add(nowMillis());
              return echo.handle(items, time, duration);
            })
        .batch(policy)
        .workers(Workers.executor(Runnable::run, workers))
        .timeSource(time)
        .build();
  }

  private Batcher<Integer, Integer> stepped(BatchPolicy policy, int workers) {
    return Batcher.builder(echo)
        .batch(policy)
        .workers(Workers.executor(stepped, workers))
        .timeSource(time)
        .build();
  }

  @Test
  void tenItemsFormOneBatchAndEachCallerGetsItsOwnResult() {
    var batcher = instant(BatchPolicy.fixed(100, millis(10)));
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      futures.add(batcher.submit(i));
    }
    time.advance(millis(10));
    assertThat(echo.batches).containsExactly(range(0, 10));
    for (int i = 0; i < 10; i++) {
      assertThat(futures.get(i)).isCompletedWithValue(i);
    }
  }

  @Test
  void twentyFiveItemsFormBatchesOfTenTenAndFive() {
    var batcher = instant(BatchPolicy.fixed(10, millis(10)));
    for (int i = 0; i < 25; i++) {
      batcher.submit(i);
    }
    time.advance(millis(10));
    assertThat(echo.batches).containsExactly(range(0, 10), range(10, 20), range(20, 25));
    assertThat(batchMillis).containsExactly(0L, 0L, 10L);
  }

  /** Items 0-4 arrive at 0 s, 5-24 at 0.25 s, 25-29 at 0.4 s. */
  private List<CompletableFuture<Integer>> arrive(Batcher<Integer, Integer> batcher) {
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    range(0, 5).forEach(i -> futures.add(batcher.submit(i)));
    time.advance(millis(250));
    range(5, 25).forEach(i -> futures.add(batcher.submit(i)));
    time.advance(millis(150));
    range(25, 30).forEach(i -> futures.add(batcher.submit(i)));
    return futures;
  }

  @Test
  void arrivalsInThreeBurstsFormExactlyFourBatches() {
    var futures = arrive(instant(BatchPolicy.fixed(10, millis(200))));
    time.advance(millis(200));
    assertThat(echo.batches)
        .containsExactly(range(0, 5), range(5, 15), range(15, 25), range(25, 30));
    assertThat(batchMillis).containsExactly(200L, 250L, 250L, 600L);
    assertThat(futures).allMatch(CompletableFuture::isDone);
  }

  @ParameterizedTest
  @CsvSource({"1, 4200", "2, 2250", "3, 2200", "2147483647, 1600"})
  void theSameArrivalsWithBatchesOfOneSecondTakeExactly(int workers, long totalMillis) {
    var futures = arrive(taking(millis(1000), BatchPolicy.fixed(10, millis(200)), workers));
    while (!futures.stream().allMatch(CompletableFuture::isDone)) {
      assertThat(time.advanceToNext()).isTrue();
    }
    assertThat(nowMillis()).isEqualTo(totalMillis);
    assertThat(echo.batches)
        .containsExactly(range(0, 5), range(5, 15), range(15, 25), range(25, 30));
  }

  @Test
  void aFullBatchDoesNotWaitForTheDelay() {
    var batcher = instant(BatchPolicy.fixed(3, Duration.ofHours(1)));
    batcher.submit(0);
    batcher.submit(1);
    assertThat(echo.batches).isEmpty();
    assertThat(batcher.submit(2)).isCompletedWithValue(2);
    assertThat(nowMillis()).isZero();
  }

  @Test
  void aLoneItemWaitsForTheDelayAndNotLonger() {
    var future = instant(BatchPolicy.fixed(10, millis(10))).submit(1);
    time.advance(Duration.ofNanos(9_999_999));
    assertThat(future).isNotDone();
    time.advance(Duration.ofNanos(1));
    assertThat(future).isCompletedWithValue(1);
  }

  @Test
  void aLoneItemDoesNotWaitAtAllIfThePolicyIsGreedy() {
    assertThat(instant(BatchPolicy.greedy(10)).submit(1)).isCompletedWithValue(1);
    assertThat(instant(BatchPolicy.fixed(10, Duration.ZERO)).submit(2)).isCompletedWithValue(2);
  }

  @Test
  void theDelayCountsFromTheFirstItemHoweverManyFollow() {
    var batcher = instant(BatchPolicy.fixed(100, millis(200)));
    batcher.submit(0);
    for (int i = 1; i < 20; i++) {
      time.advance(millis(10));
      batcher.submit(i);
    }
    assertThat(echo.batches).isEmpty();
    time.advance(millis(10));
    assertThat(batchMillis).containsExactly(200L);
    assertThat(echo.batches).containsExactly(range(0, 20));
  }

  @Test
  void anItemThatComesAtTheLastMomentDoesNotProlongTheDelay() {
    var batcher = instant(BatchPolicy.fixed(100, millis(200)));
    batcher.submit(0);
    time.advance(Duration.ofNanos(199_999_999));
    batcher.submit(1);
    time.advance(Duration.ofNanos(1));
    assertThat(echo.batches).containsExactly(range(0, 2));
  }

  @Test
  void timeSpentWaitingForAWorkerCountsAsCollecting() {
    var batcher = taking(millis(1000), BatchPolicy.fixed(10, millis(200)), 1);
    batcher.submit(0); // its batch runs from 200 to 1200 ms
    time.advance(millis(300));
    batcher.submit(1);
    batcher.submit(2);
    time.advance(millis(900));
    assertThat(batchMillis).containsExactly(200L, 1200L);
    assertThat(echo.batches).containsExactly(range(0, 1), range(1, 3));
  }

  @Test
  void anItemThatWaitedForAWorkerOnlyForAWhileCollectsForTheRestOfTheDelay() {
    var batcher = taking(millis(1000), BatchPolicy.fixed(10, millis(200)), 1);
    batcher.submit(0); // its batch runs from 200 to 1200 ms
    time.advance(millis(1100));
    batcher.submit(1);
    time.advance(millis(150));
    batcher.submit(2);
    time.advance(millis(50));
    assertThat(batchMillis).containsExactly(200L, 1300L);
    assertThat(echo.batches).containsExactly(range(0, 1), range(1, 3));
  }

  @Test
  void noBatchIsFormedWhileAllWorkersAreBusySoTheNextOneIsLarger() {
    var batcher = stepped(BatchPolicy.greedy(10), 2);
    batcher.submit(0);
    batcher.submit(1);
    range(2, 27).forEach(batcher::submit);
    assertThat(stepped.pending()).isEqualTo(2);
    assertThat(batcher.queued()).isEqualTo(25);
    stepped.runNext();
    assertThat(echo.batches)
        .containsExactly(range(0, 1), range(2, 12), range(12, 22), range(22, 27));
    stepped.runNext();
    assertThat(echo.sizes()).containsExactly(1, 10, 10, 5, 1);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 19})
  void neverMoreBatchesRunThanThereAreWorkers(int workers) {
    var batcher = taking(millis(1000), BatchPolicy.greedy(1), workers);
    range(0, 20).forEach(batcher::submit);
    int rounds = (20 + workers - 1) / workers;
    for (int round = 1; round <= rounds; round++) {
      assertThat(batchMillis).hasSize(Math.min(20, round * workers));
      time.advance(millis(1000));
    }
    assertThat(batchMillis).hasSize(20);
    assertThat(nowMillis()).isEqualTo(rounds * 1000L);
  }

  @Test
  void workersWithoutALimitRunEveryBatchAtOnce() throws Exception {
    CountDownLatch allRun = new CountDownLatch(20);
    try (var batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  allRun.countDown();
                  allRun.await();
                  return items;
                })
            .batch(BatchPolicy.greedy(1))
            .workers(Workers.unlimited())
            .build()) {
      var futures = batcher.submitAll(range(0, 20));
      for (int i = 0; i < 20; i++) {
        assertThat(futures.get(i).get()).isEqualTo(i);
      }
    }
  }

  @Test
  void aBatchWithoutALimitTakesEverythingThatWaits() {
    var batcher = instant(BatchPolicy.fixed(Integer.MAX_VALUE, millis(10)));
    range(0, 5000).forEach(batcher::submit);
    time.advance(millis(10));
    assertThat(echo.batches).containsExactly(range(0, 5000));
  }

  @Test
  void itemsSubmittedTogetherWaitLikeItemsSubmittedAlone() {
    var batcher = instant(BatchPolicy.fixed(10, millis(10)));
    batcher.submit(0);
    batcher.submitAll(range(1, 22));
    batcher.submit(22);
    time.advance(millis(10));
    assertThat(echo.batches).containsExactly(range(0, 10), range(10, 20), range(20, 23));
    assertThat(batcher.submitAll(List.of())).isEmpty();
  }

  @Test
  void inlineWorkersMakeBatchesOfWhatIsSubmittedTogether() {
    try (var batcher =
        Batcher.builder(echo).batch(BatchPolicy.greedy(10)).workers(Workers.inline()).build()) {
      var futures = batcher.submitAll(range(0, 25));
      assertThat(futures).allMatch(CompletableFuture::isDone);
      assertThat(echo.batches).containsExactly(range(0, 10), range(10, 20), range(20, 25));
      assertThat(batcher.submit(25)).isCompletedWithValue(25);
    }
  }

  @Test
  void aCancelledItemIsNotPassedToTheBatchFunction() {
    var batcher = stepped(BatchPolicy.greedy(10), 1);
    batcher.submit(0);
    var futures = batcher.submitAll(range(1, 6));
    futures.get(0).cancel(true);
    futures.get(2).cancel(false);
    futures.get(4).cancel(true);
    assertThat(batcher.queued()).isEqualTo(2);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(range(0, 1), List.of(2, 4));
  }

  @Test
  void withoutTheCancelledFirstItemTheDelayCountsFromTheNext() {
    var batcher = instant(BatchPolicy.fixed(10, millis(200)));
    var first = batcher.submit(0);
    time.advance(millis(100));
    batcher.submit(1);
    first.cancel(true);
    time.advance(millis(199));
    assertThat(echo.batches).isEmpty();
    time.advance(millis(1));
    assertThat(echo.batches).containsExactly(range(1, 2));
    assertThat(batchMillis).containsExactly(300L);
  }

  @Test
  void ifAllThatWasCollectedIsCancelledNoBatchGoes() {
    var batcher = instant(BatchPolicy.fixed(10, millis(200)));
    batcher.submitAll(range(0, 3)).forEach(future -> future.cancel(true));
    time.advance(millis(1000));
    assertThat(echo.batches).isEmpty();
    batcher.submit(7);
    time.advance(millis(200));
    assertThat(echo.batches).containsExactly(List.of(7));
  }

  @Test
  void anIdleBatcherSetsNoAlarms() {
    var batcher = instant(BatchPolicy.fixed(10, millis(10)));
    assertThat(time.alarms()).isZero();
    batcher.submit(1);
    assertThat(time.alarms()).isEqualTo(1);
    time.advance(millis(10));
    assertThat(time.alarms()).isZero();
    batcher.close();
    assertThat(time.alarms()).isZero();
  }

  @Test
  void aSteadyStreamSetsOneAlarmAtATime() {
    var batcher = instant(BatchPolicy.fixed(4, millis(10)));
    for (int i = 0; i < 1000; i++) {
      batcher.submit(i);
      time.advance(millis(1));
      assertThat(time.alarms()).isLessThanOrEqualTo(1);
    }
    assertThat(echo.sizes()).hasSize(250).containsOnly(4);
  }
}
