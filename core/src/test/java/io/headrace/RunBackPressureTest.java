package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Lazy sources and bounded results. */
class RunBackPressureTest {
  /** Endless, and counts what was taken. */
  private static final class Counting implements Iterator<Integer> {
    final AtomicInteger pulled = new AtomicInteger();
    private final AtomicInteger inside = new AtomicInteger();
    volatile boolean overlapped;

    @Override
    public boolean hasNext() {
      return true;
    }

    @Override
    public Integer next() {
      overlapped |= inside.getAndIncrement() != 0;
      int next = pulled.getAndIncrement();
      inside.decrementAndGet();
      return next;
    }
  }

  /** At most one item ahead of the running tasks: the one that waits for a permit. */
  @Test
  void oneInputIsPulledAheadOfTheRunningTasks() throws Exception {
    Counting source = new Counting();
    CountDownLatch hold = new CountDownLatch(1);
    Throttle throttle = Throttle.atMost(3);
    Permit taken = throttle.acquire();
    Results<Integer> results =
        throttle
            .over(source)
            .map(
                i -> {
                  hold.await();
                  return i;
                });
    await("the third input waits for a permit").until(() -> throttle.waiting() == 1);
    assertThat(source.pulled).hasValue(3);
    taken.close();
    await().until(() -> throttle.waiting() == 0);
    assertThat(source.pulled.get()).isLessThanOrEqualTo(4);
    hold.countDown();
    results.close();
    assertThat(source.overlapped).isFalse();
  }

  /** A slow consumer slows the tasks; the bound is exact. */
  @ParameterizedTest
  @CsvSource({"1, 1", "2, 1", "2, 5", "10, 3", "10, 40"})
  void noMoreResultsWaitThanTheRunAhead(int atOnce, int runAhead) {
    for (boolean async : new boolean[] {false, true}) {
      Counting source = new Counting();
      AtomicLong done = new AtomicLong();
      Throttle throttle = Throttle.atMost(atOnce);
      Task<Integer, Long> task =
          async
              ? Task.async(_ -> CompletableFuture.completedFuture(done.incrementAndGet()))
              : _ -> done.incrementAndGet();
      try (Results<Long> results = throttle.over(source).runAhead(runAhead).map(task)) {
        for (int taken = 0; taken < 100; taken++) {
          if (taken % 10 == 0) {
            int expected = taken + runAhead;
            if (taken == 0) {
              await("the window fills").until(() -> done.get() == expected);
            }
            assertThat(done.get()).isLessThanOrEqualTo(expected);
            assertThat(source.pulled.get()).isLessThanOrEqualTo(expected + 1);
          }
          results.next();
        }
      }
      assertThat(source.overlapped).isFalse();
    }
  }

  @Test
  void theDefaultIsTwiceTheLimitAndAtLeastSixteen() {
    for (int atOnce : new int[] {1, 8, 20}) {
      AtomicInteger done = new AtomicInteger();
      try (Results<Integer> results =
          Throttle.atMost(atOnce).over(new Counting()).map(_ -> done.incrementAndGet())) {
        int expected = Math.max(16, 2 * atOnce);
        await().until(() -> done.get() == expected);
        assertThat(results.hasNext()).isTrue();
        assertThat(done).hasValue(expected);
      }
    }
  }

  /** With no limit at once, an endless source is bounded all the same. */
  @Test
  void runAheadBoundsTheRunningTasksWhereTheThrottleDoesNot() throws Exception {
    for (boolean async : new boolean[] {false, true}) {
      AtomicInteger running = new AtomicInteger();
      CountDownLatch hold = new CountDownLatch(1);
      CompletableFuture<Integer> stage = new CompletableFuture<>();
      Task<Integer, Integer> task =
          async
              ? Task.async(
                  _ -> {
                    running.incrementAndGet();
                    return stage;
                  })
              : _ -> {
                running.incrementAndGet();
                hold.await();
                return 1;
              };
      Counting source = new Counting();
      Thread caller =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      Throttle.unlimited().over(source).runAhead(7).runOnEach(task);
                    } catch (InterruptedException e) {
                      // it is how this run ends
                    }
                  });
      await().until(() -> running.get() == 7);
      caller.interrupt();
      caller.join();
      assertThat(running).hasValue(7);
      assertThat(source.pulled.get()).isLessThanOrEqualTo(8);
    }
  }

  /** Where no result waits to be taken, a stage makes room as soon as it completes. */
  @Test
  void stagesThatCompleteMakeRoomForMoreThanTheRunAhead() throws Exception {
    AtomicInteger done = new AtomicInteger();
    Throttle.unlimited()
        .over(List.of(0, 1, 2, 3, 4))
        .runAhead(2)
        .runOnEach(Task.async(_ -> CompletableFuture.supplyAsync(done::incrementAndGet)));
    assertThat(done).hasValue(5);
  }

  /** An endless source in constant memory: far more inputs and results than the heap would hold. */
  @Test
  void anEndlessSourceWorksInConstantMemory() {
    int size = 1 << 20;
    long count = 3 * Runtime.getRuntime().maxMemory() / size / 2;
    try (Results<byte[]> results =
        Throttle.atMost(4)
            .over(LongStream.iterate(0, i -> i + 1).mapToObj(_ -> new byte[size]))
            .map(bytes -> new byte[bytes.length])) {
      long sum = 0;
      for (long i = 0; i < count; i++) {
        sum += results.next().length;
      }
      assertThat(sum).isEqualTo(count * size);
    }
  }

  @Test
  void aSourceThatWaitsHoldsNoPermit() throws Exception {
    Throttle throttle = Throttle.atMost(1);
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch hold = new CountDownLatch(1);
    Iterator<Integer> waiting =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            asked.countDown();
            try {
              hold.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
            return false;
          }

          @Override
          public Integer next() {
            throw new AssertionError("there is none");
          }
        };
    Results<Integer> results = throttle.over(waiting).map(i -> i);
    asked.await();
    assertThat(throttle.running()).isZero();
    assertThat(throttle.runAll(List.of(() -> "another"))).containsExactly("another");
    results.close();
  }
}
