package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A queue that has a bound, with each choice of what happens to items that find it full. */
class QueueBoundTest {
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration ONE_NANO = Duration.ofNanos(1);

  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor stepped = new SteppedExecutor();
  private final Echo<Integer> echo = new Echo<>();

  private Batcher<Integer, Integer> batcher(int capacity, OnFull onFull) {
    return batcher(capacity, onFull, 1, 1);
  }

  private Batcher<Integer, Integer> batcher(
      int capacity, OnFull onFull, int priorities, int workers) {
    return Batcher.builder(echo)
        .batch(BatchPolicy.greedy(2))
        .workers(Workers.executor(stepped, workers))
        .queue(capacity, onFull)
        .priorities(priorities)
        .timeSource(time)
        .build();
  }

  private static List<CompletableFuture<Integer>> submit(
      Batcher<Integer, Integer> batcher, int from, int to) {
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    for (int i = from; i < to; i++) {
      futures.add(batcher.submit(i));
    }
    return futures;
  }

  private static boolean isRefused(CompletableFuture<?> future) {
    return future.isCompletedExceptionally() && future.exceptionNow() instanceof QueueFullException;
  }

  private List<Integer> handled() {
    stepped.runAll();
    return echo.batches.stream().flatMap(List::stream).toList();
  }

  @ParameterizedTest
  @CsvSource({"1, 1 item waits", "2, 2 items wait", "15, 15 items wait"})
  void exactlyAsManyAsItsCapacityWaitAndTheNextFailsAtOnce(int capacity, String waits) {
    var batcher = batcher(capacity, OnFull.fail());
    batcher.submit(-1);
    var futures = submit(batcher, 0, capacity + 5);
    assertThat(futures.subList(0, capacity)).noneMatch(CompletableFuture::isDone);
    assertThat(futures.subList(capacity, capacity + 5)).allMatch(QueueBoundTest::isRefused);
    assertThat(futures.getLast().exceptionNow())
        .hasMessage("the queue of batcher is full: " + waits);
    assertThat(batcher.queued()).isEqualTo(capacity);
    assertThat(handled()).hasSize(capacity + 1);
  }

  @Test
  void ofItemsSubmittedTogetherTheFirstFindRoom() {
    var batcher = batcher(3, OnFull.fail());
    batcher.submit(-1);
    var futures = batcher.submitAll(List.of(0, 1, 2, 3, 4));
    assertThat(futures.subList(0, 3)).noneMatch(CompletableFuture::isDone);
    assertThat(futures.subList(3, 5)).allMatch(QueueBoundTest::isRefused);
    assertThat(batcher.submitAll(List.of(5, 6))).allMatch(QueueBoundTest::isRefused);
    assertThat(handled()).containsExactly(-1, 0, 1, 2);
  }

  static List<OnFull> everyChoice() {
    return List.of(OnFull.fail(), OnFull.await(), OnFull.await(SECOND));
  }

  @ParameterizedTest
  @MethodSource("everyChoice")
  void itemsInABatchDoNotCount(OnFull onFull) {
    var batcher = batcher(2, onFull);
    batcher.submit(-1);
    submit(batcher, 0, 2);
    assertThat(batcher.queued()).isEqualTo(2);
    stepped.runAll();
    assertThat(batcher.queued()).isZero();
    batcher.submit(-2);
    var futures = submit(batcher, 2, 4);
    assertThat(batcher.queued()).isEqualTo(2);
    assertThat(handled()).hasSize(6);
    assertThat(futures.get(1)).isCompletedWithValue(3);
  }

  record Collecting(OnFull onFull, boolean isSorted, int priorities) {}

  static List<Collecting> collecting() {
    List<Collecting> cases = new ArrayList<>();
    for (OnFull onFull : List.of(OnFull.fail(), OnFull.await(), OnFull.await(ONE_NANO))) {
      for (int priorities : new int[] {1, 2}) {
        cases.add(new Collecting(onFull, false, priorities));
        cases.add(new Collecting(onFull, true, priorities));
      }
    }
    return cases;
  }

  /** The batch would wait for 100 items or 50 ms, but only 10 have room and one comes each ms. */
  @ParameterizedTest
  @MethodSource("collecting")
  void aFullQueueGoesAtOnceIfAWorkerIsIdle(Collecting collecting) {
    var builder =
        Batcher.builder(echo)
            .batch(BatchPolicy.fixed(100, Duration.ofMillis(50)))
            .workers(Workers.executor(Runnable::run, 1))
            .queue(10, collecting.onFull)
            .priorities(collecting.priorities)
            .timeSource(time);
    var batcher = (collecting.isSorted ? builder.bucket(_ -> "one") : builder).build();
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      futures.add(batcher.submit(i));
      assertThat(batcher.queued()).isEqualTo((i + 1) % 10);
      time.advance(Duration.ofMillis(1));
    }
    assertThat(futures).allMatch(CompletableFuture::isDone).noneMatch(QueueBoundTest::isRefused);
    assertThat(echo.batches).hasSize(100).allMatch(batch -> batch.size() == 10);
    batcher.submit(-1);
    assertThat(batcher.queued()).as("there is room for more").isEqualTo(1);
    time.advance(Duration.ofMillis(50));
    assertThat(echo.batches).hasSize(101);
  }

  /** Of three buckets only the oldest has to go to make room. */
  @Test
  void ofAFullQueueTheOldestBucketGoes() {
    var batcher =
        Batcher.builder(echo)
            .batch(BatchPolicy.fixed(100, SECOND))
            .workers(Workers.executor(Runnable::run, 1))
            .queue(6, OnFull.fail())
            .bucket(item -> item % 3)
            .timeSource(time)
            .build();
    for (int i = 0; i < 8; i++) {
      batcher.submit(i);
      time.advance(Duration.ofMillis(1));
    }
    assertThat(echo.batches).containsExactly(List.of(0, 3), List.of(1, 4, 7));
    assertThat(batcher.queued()).isEqualTo(3);
  }

  @ParameterizedTest
  @MethodSource("everyChoice")
  void theBoundHoldsForItemsThatWaitForRoomToo(OnFull onFull) {
    var batcher = batcher(3, onFull);
    batcher.submit(-1);
    for (int i = 0; i < 10; i++) {
      batcher.submit(i);
      assertThat(batcher.queued()).isEqualTo(Math.min(3, i + 1));
    }
  }

  @ParameterizedTest
  @MethodSource("everyChoice")
  void cancellationMakesRoomAtOnce(OnFull onFull) {
    var batcher = batcher(2, onFull);
    batcher.submit(-1);
    var futures = submit(batcher, 0, 2);
    futures.get(0).cancel(true);
    assertThat(batcher.queued()).isEqualTo(1);
    var third = batcher.submit(2);
    assertThat(third).isNotDone();
    assertThat(batcher.queued()).isEqualTo(2);
    assertThat(handled()).containsExactly(-1, 1, 2);
  }

  @ParameterizedTest
  @MethodSource("everyChoice")
  void aTimeoutMakesRoomAtOnce(OnFull onFull) {
    var batcher = batcher(2, onFull);
    batcher.submit(-1);
    batcher.submit(0, CallOptions.timeout(Duration.ofMillis(5)));
    batcher.submit(1);
    time.advance(Duration.ofMillis(5));
    assertThat(batcher.queued()).isEqualTo(1);
    batcher.submit(2);
    assertThat(batcher.queued()).isEqualTo(2);
    assertThat(handled()).containsExactly(-1, 1, 2);
  }

  @ParameterizedTest
  @MethodSource("everyChoice")
  void eachPriorityHasTheWholeCapacity(OnFull onFull) {
    var batcher = batcher(2, onFull, 3, 1);
    batcher.submit(-1);
    for (int i = 0; i < 4; i++) {
      for (int p = 0; p < 3; p++) {
        batcher.submit(10 * p + i, CallOptions.priority(p));
      }
    }
    assertThat(batcher.queued()).isEqualTo(6);
    assertThat(handled().subList(0, 7)).startsWith(-1, 20, 21);
    assertThat(echo.batches.stream().flatMap(List::stream).toList()).contains(0, 1, 10, 11, 20, 21);
  }

  @Test
  void waitersGetRoomInTheOrderOfTheirArrival() {
    var batcher = batcher(1, OnFull.await());
    var futures = submit(batcher, 0, 20);
    assertThat(futures).noneMatch(CompletableFuture::isDone);
    assertThat(handled()).containsExactlyElementsOf(IntStream.range(0, 20).boxed().toList());
    assertThat(futures).allMatch(CompletableFuture::isDone);
  }

  @Test
  void aNewcomerDoesNotOvertakeThoseThatWaitForRoom() {
    var batcher = batcher(2, OnFull.await());
    var futures = submit(batcher, 0, 5);
    futures.get(1).cancel(true);
    batcher.submit(5);
    assertThat(handled()).containsExactly(0, 2, 3, 4, 5);
  }

  @Test
  void waitersThatGiveUpLeaveNoHole() {
    var batcher = batcher(2, OnFull.await());
    var futures = submit(batcher, 0, 10); // 0 runs, 1 and 2 have room, the others wait for it
    futures.get(4).cancel(true);
    futures.get(5).complete(55);
    futures.get(6).completeExceptionally(new IllegalStateException());
    assertThat(batcher.queued()).isEqualTo(2);
    assertThat(handled()).containsExactly(0, 1, 2, 3, 7, 8, 9);
    assertThat(futures).allMatch(CompletableFuture::isDone);
  }

  @Test
  void ifAllWaitersGiveUpTheNextOnesAreServed() {
    var batcher = batcher(1, OnFull.await());
    batcher.submit(0);
    for (int round = 0; round < 3; round++) {
      submit(batcher, 1, 200).forEach(future -> future.cancel(false));
    }
    var last = batcher.submit(7);
    assertThat(handled()).containsExactly(0, 7);
    assertThat(last).isCompletedWithValue(7);
  }

  @Test
  void roomThatABatchMakesIsGivenToWaitersBeforeTheBatchIsDone() {
    HeldBatches<Integer> held = new HeldBatches<>();
    var batcher =
        Batcher.asyncBuilder(held)
            .batch(BatchPolicy.greedy(2))
            .workers(Workers.executor(Runnable::run, 1))
            .queue(2, OnFull.await(SECOND))
            .timeSource(time)
            .build();
    var futures = submit(batcher, 0, 5); // 0 runs, 1 and 2 have room, 3 and 4 wait for it
    held.answer();
    assertThat(held.batches).containsExactly(List.of(0), List.of(1, 2));
    assertThat(batcher.queued()).isEqualTo(2);
    time.advance(Duration.ofHours(1));
    held.answerAll();
    assertThat(futures).allMatch(future -> future.state() == Future.State.SUCCESS);
    batcher.close();
  }

  @Test
  void idleWorkersAreGivenBatchesOfWhatWaitsForRoom() {
    var batcher = batcher(2, OnFull.await(), 1, 3);
    batcher.submitAll(IntStream.range(0, 20).boxed().toList());
    assertThat(stepped.pending()).isEqualTo(3);
    assertThat(batcher.queued()).isEqualTo(2);
    assertThat(handled()).hasSize(20);
    assertThat(echo.sizes()).containsOnly(2);
  }

  @Test
  void anItemThatWaitedForRoomTooLongFailsAtExactlyThatTime() {
    var batcher = batcher(1, OnFull.await(SECOND));
    submit(batcher, 0, 2);
    var first = batcher.submit(2);
    time.advance(Duration.ofMillis(400));
    var second = batcher.submit(3);
    time.advance(Duration.ofMillis(600).minus(ONE_NANO));
    assertThat(first).isNotDone();
    time.advance(ONE_NANO);
    assertThat(first).matches(QueueBoundTest::isRefused);
    assertThat(second).isNotDone();
    time.advance(Duration.ofMillis(400).minus(ONE_NANO));
    assertThat(second).isNotDone();
    time.advance(ONE_NANO);
    assertThat(second).matches(QueueBoundTest::isRefused);
    time.advance(Duration.ofHours(1));
    assertThat(handled()).containsExactly(0, 1);
  }

  @Test
  void anItemThatFoundRoomInTimeWaitsForItsBatchAsLongAsItTakes() {
    var batcher = batcher(1, OnFull.await(SECOND));
    var futures = submit(batcher, 0, 2);
    var third = batcher.submit(2);
    time.advance(SECOND.minus(ONE_NANO));
    futures.get(1).cancel(true);
    time.advance(Duration.ofHours(1));
    assertThat(third).isNotDone();
    assertThat(handled()).containsExactly(0, 2);
  }

  @Test
  void aTimeoutOfItsOwnEndsTheWaitForRoom() {
    for (OnFull onFull : List.of(OnFull.await(), OnFull.await(SECOND))) {
      var batcher = batcher(1, onFull);
      submit(batcher, 0, 2);
      var future = batcher.submit(2, CallOptions.timeout(Duration.ofMillis(300)));
      time.advance(Duration.ofMillis(300).minus(ONE_NANO));
      assertThat(future).isNotDone();
      time.advance(ONE_NANO);
      assertThat(future.exceptionNow()).isInstanceOf(DeadlineExceededException.class);
      stepped.runAll();
    }
  }

  @Test
  void theAlarmOfALongWaitDoesNotPileUpBehindShortDelays() {
    var batcher =
        Batcher.builder(echo)
            .batch(BatchPolicy.fixed(10, Duration.ofNanos(1000)))
            .workers(Workers.executor(Runnable::run, 1))
            .queue(1, OnFull.await(Duration.ofHours(1)))
            .timeSource(time)
            .build();
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    for (int i = 0; i < 1000; i++) { // one collects, two wait for room
      futures.add(batcher.submit(i));
      time.advance(Duration.ofNanos(400));
      assertThat(time.alarms()).isLessThanOrEqualTo(1);
    }
    time.advance(Duration.ofNanos(1000));
    assertThat(futures).allMatch(future -> future.state() == Future.State.SUCCESS);
    assertThat(time.alarms()).isZero();
    batcher.close();
  }

  @Test
  void noMoreThanTheCapacityWaitWhenManyThreadsSubmit() throws Exception {
    int capacity = 100;
    int threads = 8;
    var batcher = batcher(capacity, OnFull.fail());
    batcher.submit(-1);
    AtomicInteger refused = new AtomicInteger();
    CountDownLatch go = new CountDownLatch(1);
    List<Thread> submitters = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      submitters.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      go.await();
                    } catch (InterruptedException e) {
                      return;
                    }
                    for (int i = 0; i < 1000; i++) {
                      if (isRefused(batcher.submit(i))) {
                        refused.incrementAndGet();
                      }
                    }
                  }));
    }
    go.countDown();
    for (Thread submitter : submitters) {
      submitter.join();
    }
    assertThat(refused).hasValue(8 * 1000 - capacity);
    assertThat(batcher.queued()).isEqualTo(capacity);
    assertThat(handled()).hasSize(capacity + 1);
  }

  @Test
  void aCallBlocksWhileItWaitsForRoomAndThenGetsItsResult() throws Exception {
    var batcher = batcher(1, OnFull.await());
    submit(batcher, 0, 2);
    CompletableFuture<Integer> result = new CompletableFuture<>();
    Thread caller =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    result.complete(batcher.call(2));
                  } catch (InterruptedException e) {
                    result.completeExceptionally(e);
                  }
                });
    while (caller.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    assertThat(result).isNotDone();
    stepped.runAll();
    assertThat(result.get()).isEqualTo(2);
  }
}
