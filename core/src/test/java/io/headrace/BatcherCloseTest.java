package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The end of a batcher: nobody is forgotten, and nothing is polled for. */
class BatcherCloseTest {
  private final VirtualTime time = new VirtualTime();
  private final HeldBatches<Integer> held = new HeldBatches<>();

  enum Place {
    THREADS {
      @Override
      Workers workers() {
        return Workers.threads(2);
      }
    },
    VIRTUAL_THREADS {
      @Override
      Workers workers() {
        return Workers.virtualThreads(2);
      }
    },
    UNLIMITED {
      @Override
      Workers workers() {
        return Workers.unlimited();
      }
    };

    abstract Workers workers();
  }

  private BatcherBuilder<Integer, Integer> held() {
    return Batcher.asyncBuilder(held)
        .batch(BatchPolicy.greedy(2))
        .workers(Workers.executor(Runnable::run, 1))
        .timeSource(time);
  }

  /** A thread that closes, and has nothing to do anymore but to wait for the end. */
  private static Thread closing(Runnable close) {
    Thread thread = Thread.ofPlatform().start(close);
    while (thread.getState() != Thread.State.WAITING) {
      assertThat(thread.isAlive()).isTrue();
      Thread.onSpinWait();
    }
    return thread;
  }

  @Test
  void runsFromTheStartAndStopsAtOnceWhenIdle() {
    var batcher = held().build();
    assertThat(batcher.state()).isEqualTo(Flow.State.RUNNING);
    batcher.close();
    assertThat(batcher.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(time.alarms()).isZero();
    batcher.close();
    batcher.shutdownNow();
  }

  @ParameterizedTest
  @EnumSource(Place.class)
  void waitsForTheBatchesThatRunAndForTheQueue(Place place) throws Exception {
    CountDownLatch entered = new CountDownLatch(2);
    CountDownLatch release = new CountDownLatch(1);
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  entered.countDown();
                  release.await();
                  return items;
                })
            .batch(BatchPolicy.greedy(1))
            .workers(place.workers())
            .build();
    for (int i = 0; i < 7; i++) {
      futures.add(batcher.submit(i));
    }
    entered.await();
    Thread closing = closing(batcher::close);
    assertThat(futures).noneMatch(CompletableFuture::isDone);
    assertThat(closing.isAlive()).isTrue();
    release.countDown();
    closing.join();
    for (int i = 0; i < 7; i++) {
      assertThat(futures.get(i)).isCompletedWithValue(i);
    }
  }

  @Test
  void aBatchThatIsCollectedGoesAtOnce() {
    Echo<Integer> echo = new Echo<>();
    var batcher =
        Batcher.builder(echo)
            .batch(BatchPolicy.fixed(10, Duration.ofHours(1)))
            .workers(Workers.executor(Runnable::run, 1))
            .timeSource(time)
            .build();
    var futures = batcher.submitAll(List.of(1, 2, 3));
    batcher.close();
    assertThat(futures.get(2)).isCompletedWithValue(3);
    assertThat(echo.batches).containsExactly(List.of(1, 2, 3));
    assertThat(time.alarms()).as("alarms that would keep the batcher in memory").isZero();
  }

  @Test
  void itemsThatWaitForRoomAreWorkedOffToo() throws Exception {
    var batcher = held().queue(1, OnFull.await()).build();
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      futures.add(batcher.submit(i));
    }
    Thread closing = closing(batcher::close);
    assertThat(batcher.submit(9).exceptionNow())
        .isInstanceOf(StoppedException.class)
        .hasMessage("batcher is DRAINING");
    held.answerAll();
    closing.join();
    assertThat(futures).allMatch(future -> future.state() == CompletableFuture.State.SUCCESS);
  }

  @Test
  void afterTheCloseItemsFailAndSayWhy() {
    var batcher = held().name("b").build();
    batcher.close();
    assertThat(batcher.submit(1).exceptionNow())
        .isInstanceOf(StoppedException.class)
        .hasMessage("b is STOPPED");
    for (var future : batcher.submitAll(List.of(1, 2))) {
      assertThat(future.exceptionNow()).isInstanceOf(StoppedException.class);
    }
  }

  @Test
  void aShutdownCompletesWhatRunsAndWhatWaitsAndWhatWaitsForRoom() {
    var batcher = held().queue(2, OnFull.await()).build();
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      futures.add(batcher.submit(i));
    }
    batcher.shutdownNow();
    for (var future : futures) {
      assertThat(future.exceptionNow())
          .isInstanceOf(StoppedException.class)
          .hasMessage("batcher was shut down");
    }
    batcher.close();
    assertThat(batcher.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void aCloseWithATimeoutGivesUpAtThatTimeAndFailsTheRest() throws Exception {
    var batcher = held().build();
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      futures.add(batcher.submit(i));
    }
    AtomicReference<Boolean> inTime = new AtomicReference<>();
    Thread closing = closing(() -> inTime.set(batcher.close(Duration.ofSeconds(1))));
    held.answer();
    time.advance(Duration.ofSeconds(1));
    closing.join();
    assertThat(inTime).hasValue(false);
    assertThat(futures.get(0)).isCompletedWithValue(0);
    for (var future : futures.subList(1, 5)) {
      assertThat(future.exceptionNow()).isInstanceOf(StoppedException.class);
    }
    assertThat(held().build().close(Duration.ofSeconds(1))).isTrue();
  }

  @Test
  void aContinuationOfAFailedItemMayCloseTheBatcher() {
    var batcher = held().build();
    List<String> closed = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      batcher
          .submit(i)
          .whenComplete(
              (result, failure) -> {
                batcher.close();
                closed.add(failure.getMessage());
              });
    }
    batcher.shutdownNow();
    assertThat(closed).hasSize(3).containsOnly("batcher was shut down");
  }

  @Test
  void canBeUsedFromThreadsThatHaveEndedSince() throws Exception {
    try (Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(items -> items).build()) {
      for (int i = 0; i < 3; i++) {
        int item = i;
        AtomicReference<CompletableFuture<Integer>> future = new AtomicReference<>();
        Thread.ofPlatform().start(() -> future.set(batcher.submit(item))).join();
        assertThat(future.get().get()).isEqualTo(item);
      }
    }
  }

  @Test
  void whatExpiresInTheQueueIsFailedBeforeTheEnd() {
    var batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  time.advance(Duration.ofMillis(20)); // its alarms find this thread at work
                  return items;
                })
            .batch(BatchPolicy.greedy(1))
            .workers(Workers.executor(Runnable::run, 1))
            .timeSource(time)
            .build();
    var futures = batcher.submitAll(List.of(1, 2, 3), CallOptions.timeout(Duration.ofMillis(10)));
    batcher.close();
    assertThat(futures.getFirst()).isCompletedWithValue(1);
    for (var future : futures.subList(1, 3)) {
      assertThat(future.exceptionNow())
          .isInstanceOf(DeadlineExceededException.class)
          .hasMessage("batcher had no result within PT0.01S");
    }
    assertThat(batcher.statistics().timedOut()).isEqualTo(2);
  }

  /** Drops everything that has a timeout. */
  private static final class DropAll extends SendsAll {
    DropAll() {
      super(1);
    }

    @Override
    public long dropBeforeNanos(QueueState queue) {
      return queue.nowNanos() + Duration.ofHours(1).toNanos();
    }
  }

  @Test
  void theEndIsToldAfterWhatIsDroppedWasFailed() {
    var batcher =
        Batcher.asyncBuilder(held)
            .batch(new DropAll())
            .workers(Workers.executor(Runnable::run, 1))
            .timeSource(time)
            .build();
    batcher.submit(0);
    List<Flow.State> states = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      var _ =
          batcher
              .submit(i, CallOptions.timeout(Duration.ofMinutes(1)))
              .whenComplete((_, _) -> states.add(batcher.state()));
    }
    batcher.beginClose();
    held.answer();
    assertThat(states).containsExactly(Flow.State.DRAINING, Flow.State.DRAINING);
    assertThat(batcher.state()).isEqualTo(Flow.State.STOPPED);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void noTimeoutKeepsAClosedBatcher(boolean isShutDown) {
    var batcher = held().build();
    CallOptions hour = CallOptions.timeout(Duration.ofHours(1));
    batcher.submit(0, hour);
    batcher.submit(1, hour);
    if (isShutDown) {
      batcher.shutdownNow();
    } else {
      batcher.beginClose();
      held.answerAll();
    }
    batcher.close();
    assertThat(time.alarms()).isZero();
  }
}
