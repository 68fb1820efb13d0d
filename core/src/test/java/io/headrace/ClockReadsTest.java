package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The clock is read where the time counts, and only there. */
class ClockReadsTest {
  private final HandTime time = new HandTime();
  private final CountingTime counting = new CountingTime(time);
  private final HeldBatches<Integer> held = new HeldBatches<>();

  /** Waits for two items, notes the time, and does not care when they arrived. */
  private static final class Pairs implements BatchPolicy {
    final List<Long> seenNanos = new ArrayList<>();

    @Override
    public Decision decide(QueueState queue) {
      seenNanos.add(queue.nowNanos());
      return queue.waiting() >= 2
          ? Decision.send(2)
          : Decision.lookAgain(queue.nowNanos() + 1_000_000_000, 2);
    }

    @Override
    public int maxSize() {
      return 2;
    }

    @Override
    public boolean usesArrivalTimes() {
      return false;
    }
  }

  private Batcher<Integer, Integer> batcher(BatchPolicy policy, OnFull onFull) {
    return Batcher.asyncBuilder(held)
        .batch(policy)
        .queue(100, onFull)
        .workers(Workers.executor(Runnable::run, 1))
        .timeSource(counting)
        .build();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void itemsThatWaitForAWorkerOnlyNeedNoTime(boolean awaitsRoom) {
    OnFull onFull = awaitsRoom ? OnFull.await() : OnFull.fail();
    Batcher<Integer, Integer> batcher = batcher(BatchPolicy.greedy(2), onFull);
    counting.readings = 0;
    List<CompletableFuture<Integer>> futures = batcher.submitAll(List.of(1, 2, 3, 4, 5));
    held.answerAll();
    assertThat(futures).allMatch(CompletableFuture::isDone);
    assertThat(counting.readings).isZero();
  }

  @Test
  void aCallWithoutATimeoutChangesNothing() {
    CallListener listener = (step, batchSize, queueNanos, handleNanos) -> {};
    Batcher<Integer, Integer> batcher = batcher(BatchPolicy.greedy(2), OnFull.fail());
    var _ = batcher.submit(1, CallOptions.DEFAULT.withListener(listener));
    held.answerAll();
    counting.readings = 0;
    CompletableFuture<Integer> next = batcher.submit(2);
    held.answerAll();
    assertThat(next).isCompletedWithValue(2);
    assertThat(counting.readings).isZero();
  }

  @Test
  void theFirstItemWithATimeoutTakesNoPlaceInABatchThoughItsAlarmIsLate() {
    Batcher<Integer, Integer> batcher = batcher(BatchPolicy.greedy(2), OnFull.fail());
    CompletableFuture<Integer> first = batcher.submit(1);
    time.pass(Duration.ofSeconds(1)); // long after the drain before that item
    CompletableFuture<Integer> late = batcher.submit(2, CallOptions.timeout(Duration.ofMillis(1)));
    List<CompletableFuture<Integer>> others = batcher.submitAll(List.of(3, 4));
    time.pass(Duration.ofMillis(1));
    held.answerAll();
    assertThat(first).isCompletedWithValue(1);
    assertThatThrownBy(late::join).hasCauseInstanceOf(DeadlineExceededException.class);
    assertThat(others).allMatch(CompletableFuture::isDone);
    assertThat(held.batches).containsExactly(List.of(1), List.of(3, 4));
  }

  @Test
  void aPolicyThatAsksForTheTimeIsToldThatOfEachDrain() {
    Pairs pairs = new Pairs();
    Batcher<Integer, Integer> batcher = batcher(pairs, OnFull.fail());
    time.pass(Duration.ofNanos(5));
    CompletableFuture<Integer> first = batcher.submit(1);
    time.pass(Duration.ofNanos(7));
    CompletableFuture<Integer> second = batcher.submit(2);
    held.answerAll();
    assertThat(first).isCompletedWithValue(1);
    assertThat(second).isCompletedWithValue(2);
    assertThat(pairs.seenNanos).containsExactly(5L, 12L);
  }
}
