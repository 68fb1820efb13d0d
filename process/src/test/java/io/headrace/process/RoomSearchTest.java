package io.headrace.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a search for room waits for before it collects garbage. */
class RoomSearchTest {
  private final CountDownLatch closed = new CountDownLatch(1);
  private final CountDownLatch isOver = new CountDownLatch(1);
  private final RoomSearch search = new RoomSearch(closed, isOver::countDown);
  private final Execution batch = new Execution(List.of(1), Map.of());
  private final AtomicInteger glances = new AtomicInteger();
  private final AtomicInteger crowds = new AtomicInteger();

  @AfterEach
  void close() {
    closed.countDown();
  }

  private void search(BooleanSupplier isComing) throws InterruptedException {
    batch.lacksRoom(true);
    search.begin(
        batch,
        () -> {
          glances.incrementAndGet();
          return isComing.getAsBoolean();
        },
        crowds::incrementAndGet);
    assertThat(isOver.await(60, TimeUnit.SECONDS)).as("the end of the search").isTrue();
  }

  private void assertCollections(int count) {
    assertThat(search.collections()).isEqualTo(count);
    assertThat(search.looks()).isEqualTo(count);
    assertThat(crowds).hasValue(count);
  }

  @Test
  void forABatchThatFindsRoomMeanwhileNothingIsCollected() throws InterruptedException {
    search(
        () -> {
          batch.lacksRoom(glances.get() < 3);
          return true;
        });
    assertCollections(0);
    assertThat(glances).hasValue(3);
  }

  @Test
  void norForOneThatNobodyWaitsForAnymore() throws InterruptedException {
    search(() -> batch.cancel(false));
    assertCollections(0);
  }

  @Test
  void whatDoesNotComeIsNotWaitedForLong() throws InterruptedException {
    search(() -> true);
    assertCollections(1);
    assertThat(glances).hasValueGreaterThan(1);
  }

  @Test
  void whereNothingComesItIsCollectedAtOnce() throws InterruptedException {
    search(() -> false);
    assertCollections(1);
    assertThat(glances).hasValue(1);
  }
}
