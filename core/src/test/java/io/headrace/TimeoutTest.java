package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Timeouts of calls, in virtual time. */
class TimeoutTest {
  private static final Duration ONE_NANO = Duration.ofNanos(1);

  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor stepped = new SteppedExecutor();
  private final Echo<Integer> echo = new Echo<>();
  private final HeldBatches<Integer> held = new HeldBatches<>();

  private Batcher<Integer, Integer> stepped(BatchPolicy policy) {
    return Batcher.builder(echo)
        .batch(policy)
        .workers(Workers.executor(stepped, 1))
        .priorities(2)
        .timeSource(time)
        .build();
  }

  private Batcher<Integer, Integer> held() {
    return Batcher.asyncBuilder(held)
        .workers(Workers.executor(Runnable::run, 1))
        .timeSource(time)
        .build();
  }

  private static CallOptions millis(long millis) {
    return CallOptions.timeout(Duration.ofMillis(millis));
  }

  private static boolean isTimedOut(CompletableFuture<?> future) {
    return future.isCompletedExceptionally()
        && future.exceptionNow() instanceof DeadlineExceededException;
  }

  @Test
  void aCallThatNamesNoTimeoutHasThatOfTheBatcher() {
    var batcher =
        Batcher.asyncBuilder(held)
            .workers(Workers.executor(Runnable::run, 1))
            .timeSource(time)
            .timeout(Duration.ofMillis(50))
            .priorities(2)
            .build();
    var none = batcher.submit(1);
    var both = batcher.submitAll(List.of(2, 3), CallOptions.priority(1));
    var shorter = batcher.submit(4, millis(10));
    var longer = batcher.submit(5, millis(100));
    Coalescer<Integer, Integer> coalescer =
        Coalescer.aroundBuilder(batcher).timeSource(time).build();
    var execution = coalescer.submit(6, millis(100));
    time.advance(Duration.ofMillis(50).minus(ONE_NANO));
    assertThat(isTimedOut(shorter)).isTrue();
    assertThat(none).isNotDone();
    time.advance(ONE_NANO);
    assertThat(none.exceptionNow())
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("batcher had no result within PT0.05S");
    assertThat(both).allMatch(TimeoutTest::isTimedOut);
    assertThat(isTimedOut(execution)).isTrue();
    assertThat(longer).isNotDone();
    time.advance(Duration.ofMillis(50));
    assertThat(isTimedOut(longer)).isTrue();
    held.answerAll();
    batcher.close();
  }

  @Test
  void aCallThatNamesNoTimeoutHasThatOfTheFlow() throws Exception {
    var flow =
        Flow.<Integer>builder("flow")
            .asyncStep("one", held, step -> step.workers(Workers.executor(Runnable::run, 1)))
            .asyncStep("two", held, step -> step.workers(Workers.executor(Runnable::run, 1)))
            .timeSource(time)
            .timeout(Duration.ofMillis(50))
            .build()
            .start();
    var future = flow.submit(1);
    time.advance(Duration.ofMillis(49));
    held.answer();
    time.advance(Duration.ofMillis(1));
    assertThat(isTimedOut(future)).isTrue();
    held.answerAll();
    flow.close();
    assertThat(flow.statistics().timedOut()).isOne();
  }

  @Test
  void anItemThatWaitsFailsAtExactlyItsTimeoutAndLeavesTheQueue() {
    var batcher = stepped(BatchPolicy.greedy(10));
    batcher.submit(0);
    var future = batcher.submit(1, millis(50));
    batcher.submit(2);
    time.advance(Duration.ofMillis(50).minus(ONE_NANO));
    assertThat(future).isNotDone();
    assertThat(batcher.queued()).isEqualTo(2);
    time.advance(ONE_NANO);
    assertThat(future.exceptionNow())
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("batcher had no result within PT0.05S");
    assertThat(batcher.queued()).isEqualTo(1);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(0), List.of(2));
  }

  @Test
  void anItemThatIsHandledFailsAtExactlyItsTimeoutAndItsLateResultIsDropped() {
    var batcher = held();
    var future = batcher.submit(1, millis(50));
    time.advance(Duration.ofMillis(50).minus(ONE_NANO));
    assertThat(future).isNotDone();
    time.advance(ONE_NANO);
    assertThat(future).matches(TimeoutTest::isTimedOut);
    held.answer();
    assertThat(future).matches(TimeoutTest::isTimedOut);
    var next = batcher.submit(2);
    held.answer();
    assertThat(next).isCompletedWithValue(2);
    batcher.close();
  }

  @Test
  void theOthersOfItsBatchGetTheirResults() {
    var batcher = held();
    batcher.submit(0);
    var patient = batcher.submit(1);
    var hasty = batcher.submit(2, millis(50));
    var last = batcher.submit(3, millis(100));
    held.answer();
    assertThat(held.batches).containsExactly(List.of(0), List.of(1, 2, 3));
    time.advance(Duration.ofMillis(50));
    assertThat(hasty).matches(TimeoutTest::isTimedOut);
    held.answer();
    assertThat(patient).isCompletedWithValue(1);
    assertThat(last).isCompletedWithValue(3);
    batcher.close();
  }

  @Test
  void aResultInTimeIsNotDisturbedWhenTheTimeoutIsOver() {
    var batcher = held();
    var future = batcher.submit(1, millis(50));
    time.advance(Duration.ofMillis(50).minus(ONE_NANO));
    held.answer();
    time.advance(Duration.ofSeconds(1));
    assertThat(future).isCompletedWithValue(1);
    batcher.close();
  }

  @Test
  void theTimeoutCountsFromTheSubmissionThroughQueueAndHandler() {
    var batcher = held();
    batcher.submit(0);
    time.advance(Duration.ofMillis(7));
    var future = batcher.submit(1, millis(50));
    time.advance(Duration.ofMillis(30));
    held.answer(); // now it is handled
    time.advance(Duration.ofMillis(20).minus(ONE_NANO));
    assertThat(future).isNotDone();
    time.advance(ONE_NANO);
    assertThat(future).matches(TimeoutTest::isTimedOut);
    held.answerAll();
    batcher.close();
  }

  @Test
  void anItemWhoseTimeoutIsTheDelayOfItsBatchIsNotHandled() {
    var batcher = stepped(BatchPolicy.fixed(10, Duration.ofMillis(50)));
    var future = batcher.submit(1, millis(50));
    time.advance(Duration.ofMillis(50));
    stepped.runAll();
    assertThat(future).matches(TimeoutTest::isTimedOut);
    assertThat(echo.batches).isEmpty();
    assertThat(batcher.submitAll(List.of(2, 3))).noneMatch(CompletableFuture::isDone);
    time.advance(Duration.ofMillis(50));
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(2, 3));
  }

  @Test
  void expiredItemsOfHighPriorityTakeNoPlaceInABatch() {
    var batcher = stepped(BatchPolicy.greedy(2));
    batcher.submit(0);
    for (int i = 1; i < 5; i++) {
      batcher.submit(i, millis(10).withPriority(1));
    }
    var low = batcher.submitAll(List.of(10, 11));
    var high = batcher.submit(5, CallOptions.priority(1));
    time.advance(Duration.ofMillis(10));
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(0), List.of(5, 10), List.of(11));
    assertThat(low).allMatch(CompletableFuture::isDone);
    assertThat(high).isDone();
  }

  @Test
  void eachItemSubmittedTogetherHasItsTimeout() {
    var batcher = stepped(BatchPolicy.greedy(2));
    batcher.submit(0);
    var futures = batcher.submitAll(List.of(1, 2, 3), millis(5));
    time.advance(Duration.ofMillis(5));
    assertThat(futures).allMatch(TimeoutTest::isTimedOut);
    assertThat(batcher.queued()).isZero();
    stepped.runAll();
  }

  @Test
  void theTinyTimeoutIsExactToo() {
    var batcher = stepped(BatchPolicy.greedy(2));
    batcher.submit(0);
    var future = batcher.submit(1, CallOptions.timeout(ONE_NANO));
    assertThat(future).isNotDone();
    time.advance(ONE_NANO);
    assertThat(future).matches(TimeoutTest::isTimedOut);
    stepped.runAll();
  }

  @Test
  void theHugeTimeoutIsNeverOver() {
    var batcher = stepped(BatchPolicy.greedy(2));
    batcher.submit(0);
    var future = batcher.submit(1, CallOptions.timeout(Duration.ofSeconds(Long.MAX_VALUE)));
    time.advance(Duration.ofDays(365 * 50));
    assertThat(future).isNotDone();
    stepped.runAll();
    assertThat(future).isCompletedWithValue(1);
  }

  @ParameterizedTest
  @ValueSource(
      longs = {
        Long.MAX_VALUE,
        Long.MAX_VALUE - 100_000_000,
        Long.MAX_VALUE - 250_000_000,
        Long.MIN_VALUE,
        -1,
        0
      })
  void everythingHoldsThroughTheWrapOfTheClock(long startNanos) {
    VirtualTime wrapping = new VirtualTime(startNanos);
    List<Long> batchMillis = new ArrayList<>();
    var batcher =
        Batcher.<Integer, Integer>asyncBuilder(
                items -> {
                  batchMillis.add((wrapping.nanoTime() - startNanos) / 1_000_000);
                  return echo.handle(items, wrapping, Duration.ofMillis(500));
                })
            .batch(BatchPolicy.fixed(3, Duration.ofMillis(200)))
            .workers(Workers.executor(Runnable::run, 1))
            .queue(2, OnFull.await(Duration.ofMillis(150)))
            .timeSource(wrapping)
            .build();
    batcher.submit(1); // collects from 0 to 200, is handled until 700
    wrapping.advance(Duration.ofMillis(210));
    var last = batcher.submitAll(List.of(2, 3)); // collect until 410 and wait for the worker
    var noRoom = batcher.submit(4); // waits for room from 210 to 360
    var timedOut = batcher.submit(5, millis(100)); // from 210 to 310
    wrapping.advance(Duration.ofMillis(100).minus(ONE_NANO));
    assertThat(timedOut).isNotDone();
    wrapping.advance(ONE_NANO);
    assertThat(timedOut).matches(TimeoutTest::isTimedOut);
    wrapping.advance(Duration.ofMillis(50).minus(ONE_NANO));
    assertThat(noRoom).isNotDone();
    wrapping.advance(ONE_NANO);
    assertThat(noRoom.exceptionNow()).isInstanceOf(QueueFullException.class);
    wrapping.advance(Duration.ofMillis(840));
    assertThat(last).allMatch(future -> future.state() == Future.State.SUCCESS);
    assertThat(echo.batches).containsExactly(List.of(1), List.of(2, 3));
    assertThat(batchMillis).containsExactly(200L, 700L);
  }

  @Test
  void aTimeoutOfZeroOrLessIsRefused() {
    for (Duration wrong : List.of(Duration.ZERO, Duration.ofMillis(-5))) {
      assertThatThrownBy(() -> CallOptions.timeout(wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("timeout is " + wrong + ", it has to be above zero");
    }
  }

  @Test
  void aBlockedCallerIsToldAtItsTimeout() throws Exception {
    try (Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>asyncBuilder(items -> new CompletableFuture<>()).build()) {
      assertThatThrownBy(() -> batcher.call(1, millis(20)))
          .isInstanceOf(DeadlineExceededException.class);
      batcher.shutdownNow();
    }
  }

  @Test
  void whatIsOverWhenItsTurnComesInlineIsNotExecuted() {
    List<Integer> handled = new ArrayList<>();
    Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  handled.addAll(items);
                  time.advance(Duration.ofMillis(20));
                  return items;
                })
            .batch(BatchPolicy.greedy(1))
            .workers(Workers.inline())
            .timeSource(time)
            .build();
    var futures = batcher.submitAll(List.of(1, 2, 3), millis(10));
    assertThat(handled).containsExactly(1);
    assertThat(futures.getFirst()).isCompletedWithValue(1);
    assertThat(futures.getLast().exceptionNow())
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("batcher had no result within PT0.01S");
    assertThat(batcher.statistics().timedOut()).isEqualTo(2);
  }
}
