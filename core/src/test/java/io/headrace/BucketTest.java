package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.headrace.BatchPolicy.Decision;
import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Items that share a batch only with their like; here those with the same first letter. */
class BucketTest {
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration ONE_NANO = Duration.ofNanos(1);

  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor stepped = new SteppedExecutor();
  private final Echo<String> echo = new Echo<>();

  private BatcherBuilder<String, String> builder(BatchPolicy policy) {
    return Batcher.builder(echo)
        .batch(policy)
        .workers(Workers.executor(stepped, 1))
        .bucket(item -> item.substring(0, 1))
        .timeSource(time);
  }

  private static List<CompletableFuture<String>> submit(
      Batcher<String, String> batcher, String... items) {
    return batcher.submitAll(List.of(items));
  }

  private void advance(long millis) {
    time.advance(Duration.ofMillis(millis));
  }

  @Test
  void onlyItemsOfOneBucketShareABatch() {
    var batcher = builder(BatchPolicy.greedy(3)).build();
    submit(batcher, "a1", "b1", "a2", "c1", "b2", "a3", "a4", "b3");
    stepped.runAll();
    assertThat(echo.batches)
        .containsExactly(
            List.of("a1", "a2", "a3"), List.of("b1", "b2", "b3"), List.of("c1"), List.of("a4"));
  }

  @Test
  void bucketsThatAreEqualAreOneBucket() {
    var batcher =
        Batcher.builder(echo)
            .workers(Workers.executor(stepped, 1))
            .bucket(item -> List.of(item.toLowerCase(Locale.ROOT)))
            .build();
    submit(batcher, "x", "a", "A", "b", "a");
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of("x"), List.of("a", "A", "a"), List.of("b"));
  }

  @Test
  void aRareBucketIsServedByTheAgeOfItsOldestHoweverHotAnotherIs() {
    HeldBatches<String> held = new HeldBatches<>();
    var batcher =
        Batcher.asyncBuilder(held)
            .batch(BatchPolicy.greedy(2))
            .workers(Workers.executor(Runnable::run, 1))
            .bucket(item -> item.charAt(0))
            .timeSource(time)
            .build();
    submit(batcher, "h0");
    for (int i = 1; i <= 9; i++) {
      advance(1);
      submit(batcher, "h" + i);
      if (i == 4) {
        submit(batcher, "r1");
      }
    }
    for (int i = 10; i < 13; i++) { // the hot one stays hot
      held.answer();
      advance(1);
      submit(batcher, "h" + i);
    }
    held.answerAll();
    assertThat(held.batches)
        .containsExactly(
            List.of("h0"),
            List.of("h1", "h2"),
            List.of("h3", "h4"),
            List.of("r1"),
            List.of("h5", "h6"),
            List.of("h7", "h8"),
            List.of("h9", "h10"),
            List.of("h11", "h12"));
  }

  @Test
  void fixedDelaysCountFromTheFirstItemOfEachBucket() {
    var batcher = builder(BatchPolicy.fixed(10, Duration.ofMillis(10))).build();
    submit(batcher, "a1");
    advance(4);
    submit(batcher, "b1", "a2");
    advance(5);
    submit(batcher, "b2");
    time.advance(Duration.ofMillis(1).minus(ONE_NANO));
    assertThat(stepped.pending()).isZero();
    time.advance(ONE_NANO);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of("a1", "a2"));
    time.advance(Duration.ofMillis(4).minus(ONE_NANO));
    assertThat(stepped.pending()).isZero();
    time.advance(ONE_NANO);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of("a1", "a2"), List.of("b1", "b2"));
    assertThat(time.alarms()).isZero();
  }

  @Test
  void aFullBucketGoesAtOnceWhileAnotherWaits() {
    var batcher = builder(BatchPolicy.fixed(3, SECOND)).build();
    submit(batcher, "a1", "b1", "a2", "b2", "b3");
    assertThat(stepped.pending()).isEqualTo(1);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of("b1", "b2", "b3"));
    time.advance(SECOND);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of("b1", "b2", "b3"), List.of("a1", "a2"));
  }

  /** While the worker was busy one bucket came due and another, younger, became full. */
  @Test
  void ofBucketsThatMayGoTheOldestGoesFirstHoweverItBecameDue() {
    var batcher = builder(BatchPolicy.fixed(2, Duration.ofMillis(10))).build();
    submit(batcher, "a1");
    advance(5);
    submit(batcher, "h1", "h2");
    advance(1);
    submit(batcher, "h3", "h4", "h5", "h6");
    advance(6);
    stepped.runAll();
    assertThat(echo.batches)
        .containsExactly(
            List.of("h1", "h2"), List.of("a1"), List.of("h3", "h4"), List.of("h5", "h6"));
  }

  @Test
  void prioritiesHoldWithinABucketAndAgeBetweenBuckets() {
    var batcher = builder(BatchPolicy.greedy(2)).priorities(3).build();
    submit(batcher, "x");
    int at = 0;
    for (String item : List.of("a0", "b1", "a2", "b0", "b2", "a1")) {
      advance(1);
      batcher.submit(item + at++, CallOptions.priority(item.charAt(1) - '0'));
    }
    stepped.runAll();
    assertThat(echo.batches)
        .containsExactly(
            List.of("x"),
            List.of("a22", "a15"),
            List.of("a00"),
            List.of("b24", "b11"),
            List.of("b03"));
  }

  @Test
  void severalWorkersTakeDifferentBucketsAtOnce() {
    var batcher =
        Batcher.builder(echo)
            .batch(BatchPolicy.greedy(2))
            .workers(Workers.executor(stepped, 3))
            .bucket(item -> item.charAt(0))
            .build();
    submit(batcher, "a1", "b1", "c1", "a2", "d1");
    assertThat(stepped.pending()).isEqualTo(3);
    stepped.runAll();
    assertThat(echo.batches)
        .containsExactlyInAnyOrder(
            List.of("a1", "a2"), List.of("b1"), List.of("c1"), List.of("d1"));
  }

  @Test
  void aNullBucketFailsItsItemAndSaysSo() {
    var batcher =
        Batcher.builder(echo)
            .name("b")
            .workers(Workers.executor(stepped, 1))
            .bucket(item -> item.isEmpty() ? null : item)
            .build();
    var futures = submit(batcher, "a", "", "a");
    assertThat(futures.get(1).exceptionNow())
        .isInstanceOf(NullPointerException.class)
        .hasMessage("the bucket of an item of b is null");
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of("a", "a"));
    assertThat(batcher.statistics().failed()).isEqualTo(1);
  }

  @Test
  void aBucketFunctionThatThrowsFailsItsItem() {
    var batcher = builder(BatchPolicy.greedy(2)).build();
    var futures = submit(batcher, "a", "", "b");
    assertThat(futures.get(1).exceptionNow()).isInstanceOf(StringIndexOutOfBoundsException.class);
    stepped.runAll();
    assertThat(echo.items()).containsExactly("a", "b");
  }

  @Test
  void inlineWorkersAreRefused() {
    assertThatThrownBy(() -> builderOf(Workers.inline()).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("workers of batcher are inline, weights and buckets need a queue");
  }

  private BatcherBuilder<String, String> builderOf(Workers workers) {
    return Batcher.builder(echo).bucket(item -> item).workers(workers).timeSource(time);
  }

  @Test
  void aPolicyThatWantsToLookAgainAtOnceDoesNotHoldTheDrain() {
    for (long offsetNanos : new long[] {0, -1, -1_000_000_000}) {
      echo.batches.clear();
      int[] asked = {0};
      var batcher =
          builder(
                  new Deciding(
                      2,
                      queue ->
                          asked[0]++ < 10
                              ? Decision.lookAgain(queue.nowNanos() + offsetNanos, 9)
                              : Decision.send(2)))
              .build();
      submit(batcher, "a1", "b1");
      assertThat(asked[0]).isLessThan(10);
      time.advance(Duration.ofMillis(1));
      stepped.runAll();
      time.advance(Duration.ofMillis(1));
      stepped.runAll();
      assertThat(echo.items()).containsExactlyInAnyOrder("a1", "b1");
    }
  }

  static List<OnFull> everyChoice() {
    return List.of(OnFull.fail(), OnFull.await(), OnFull.await(SECOND));
  }

  @ParameterizedTest
  @MethodSource("everyChoice")
  void theBoundHoldsForAllBucketsTogether(OnFull onFull) {
    var batcher = builder(BatchPolicy.greedy(2)).queue(3, onFull).build();
    submit(batcher, "x");
    var futures = submit(batcher, "a1", "b1", "c1", "d1", "a2");
    assertThat(batcher.queued()).isEqualTo(3);
    if (onFull.waitNanos == 0) {
      assertThat(futures.subList(3, 5))
          .allMatch(future -> future.exceptionNow() instanceof QueueFullException);
    }
    futures.get(1).cancel(true);
    var last = batcher.submit("z");
    assertThat(last).isNotDone();
    assertThat(batcher.queued()).isEqualTo(3);
    stepped.runAll();
    assertThat(last).isCompletedWithValue("z");
    assertThat(batcher.queued()).isZero();
    assertThat(echo.items())
        .containsExactlyElementsOf(
            onFull.waitNanos == 0
                ? List.of("x", "a1", "c1", "z")
                : List.of("x", "a1", "c1", "d1", "a2", "z"));
  }

  @Test
  void anItemThatWaitedForRoomTooLongFailsAtExactlyThatTime() {
    var batcher = builder(BatchPolicy.greedy(2)).queue(1, OnFull.await(SECOND)).build();
    var futures = submit(batcher, "x", "a", "b");
    time.advance(SECOND.minus(ONE_NANO));
    assertThat(futures.get(2)).isNotDone();
    time.advance(ONE_NANO);
    assertThat(futures.get(2).exceptionNow()).isInstanceOf(QueueFullException.class);
    stepped.runAll();
    assertThat(futures.get(1)).isCompletedWithValue("a");
  }

  @ParameterizedTest
  @MethodSource("everyChoice")
  void cancelledAndExpiredItemsLeaveTheirBucketsAndTheCount(OnFull onFull) {
    var batcher = builder(BatchPolicy.greedy(9)).queue(6, onFull).build();
    submit(batcher, "x");
    var futures = submit(batcher, "a1", "b1", "a2");
    batcher.submit("c1", CallOptions.timeout(Duration.ofMillis(5)));
    batcher.submit("a3", CallOptions.timeout(Duration.ofMillis(7)));
    futures.get(0).cancel(true);
    futures.get(1).complete("by the caller");
    assertThat(batcher.queued()).isEqualTo(3);
    advance(5);
    assertThat(batcher.queued()).isEqualTo(2);
    advance(2);
    assertThat(batcher.queued()).isEqualTo(1);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of("x"), List.of("a2"));
    Statistics statistics = batcher.statistics();
    assertThat(statistics.cancelled()).isEqualTo(2);
    assertThat(statistics.timedOut()).isEqualTo(2);
    assertThat(statistics.completed()).isEqualTo(2);
    batcher.close();
    assertThat(time.alarms()).isZero();
  }

  @Test
  void theDelayOfABucketWhoseFirstItemIsCancelledCountsFromTheNext() {
    var batcher = builder(BatchPolicy.fixed(9, Duration.ofMillis(10))).build();
    var first = batcher.submit("a1");
    advance(3);
    submit(batcher, "a2");
    first.cancel(true);
    advance(9);
    assertThat(stepped.pending()).isZero();
    advance(1);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of("a2"));
  }

  @ParameterizedTest
  @MethodSource("everyChoice")
  void closeDrainsEveryBucketAtOnce(OnFull onFull) {
    var batcher =
        Batcher.builder(echo)
            .batch(BatchPolicy.fixed(3, SECOND))
            .workers(Workers.executor(Runnable::run, 1))
            .bucket(item -> item.charAt(0))
            .queue(4, onFull)
            .timeSource(time)
            .build();
    var futures = submit(batcher, "a1", "b1", "a2", "c1");
    batcher.close();
    assertThat(futures).allMatch(future -> future.state() == Future.State.SUCCESS);
    assertThat(echo.batches).containsExactly(List.of("a1", "a2"), List.of("b1"), List.of("c1"));
    assertThat(time.alarms()).isZero();
  }

  @ParameterizedTest
  @MethodSource("everyChoice")
  void shutdownFailsWhatWaitsInBuckets(OnFull onFull) {
    var batcher = builder(BatchPolicy.fixed(3, SECOND)).queue(4, onFull).build();
    var futures = new ArrayList<>(submit(batcher, "a1", "b1", "a2", "c1"));
    futures.addAll(onFull.waitNanos == 0 ? List.of() : submit(batcher, "d1", "e1"));
    futures.get(1).cancel(true);
    batcher.shutdownNow();
    futures.remove(1);
    assertThat(futures).allMatch(future -> future.exceptionNow() instanceof StoppedException);
    batcher.close();
    assertThat(batcher.statistics().rejected()).isEqualTo(futures.size());
    assertThat(batcher.queued()).isZero();
    assertThat(time.alarms()).isZero();
  }

  enum Way {
    HANDLED,
    CANCELLED,
    SHUT_DOWN
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void aMillionBucketsLeaveNoMemory(Way way) {
    int n = 1_000_000;
    List<WeakReference<Object>> some = new ArrayList<>();
    List<CompletableFuture<Object>> futures = new ArrayList<>();
    var batcher =
        Batcher.<Object, Object>builder(items -> items)
            .workers(Workers.executor(stepped, 1))
            .bucket(item -> item)
            .build();
    batcher.submit(new Object());
    for (int i = 0; i < n; i++) {
      Object item = new Object();
      if (i % 10_000 == 0) {
        some.add(new WeakReference<>(item));
      }
      futures.add(batcher.submit(item));
    }
    batcher.flush(); // sorts what waits
    switch (way) {
      case HANDLED -> stepped.runAll();
      case CANCELLED -> futures.forEach(future -> future.complete(""));
      case SHUT_DOWN -> batcher.shutdownNow();
    }
    assertThat(futures).allMatch(CompletableFuture::isDone);
    assertThat(batcher.queued()).isZero();
    futures.clear();
    await()
        .atMost(Duration.ofSeconds(20))
        .until(
            () -> {
              System.gc();
              return some.stream().allMatch(reference -> reference.get() == null);
            });
    assertThat(batcher.statistics().steps().getFirst().queued()).isZero();
  }

  @Test
  void bucketsThatAreLeftWhenMostHaveGoneAreFoundStill() {
    int n = 10_000;
    List<List<Integer>> batches = new ArrayList<>();
    var batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  batches.add(List.copyOf(items));
                  return items;
                })
            .batch(BatchPolicy.fixed(2, SECOND))
            .workers(Workers.executor(Runnable::run, 1))
            .bucket(item -> item % n)
            .timeSource(time)
            .build();
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      futures.add(batcher.submit(i));
    }
    for (int i = 3; i < n; i++) {
      futures.get(i).cancel(true);
    }
    for (int i = 0; i < 3; i++) {
      batcher.submit(n + i).join();
    }
    assertThat(batches).containsExactly(List.of(0, n), List.of(1, n + 1), List.of(2, n + 2));
    assertThat(batcher.queued()).isZero();
    batcher.close();
  }

  @Test
  void manyBucketsThatBecomeFullCostNoMoreThanFew() {
    int n = 100_000;
    var batcher =
        Batcher.<Integer, Integer>builder(items -> items)
            .batch(BatchPolicy.fixed(2, SECOND))
            .workers(Workers.executor(Runnable::run, 1))
            .bucket(item -> item)
            .timeSource(time)
            .build();
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < n; i++) {
        futures.add(batcher.submit(round == 0 ? i : n - 1 - i)); // the youngest becomes full first
      }
    }
    assertThat(futures).allMatch(future -> future.state() == Future.State.SUCCESS);
    assertThat(batcher.statistics().steps().getFirst().meanBatchSize()).isEqualTo(2);
    batcher.close();
  }

  /** A bucket whose methods are as they are set. */
  private static final class Moody {
    private final int hash;
    private boolean hashes = true;
    private boolean compares = true;

    Moody(int hash) {
      this.hash = hash;
    }

    @Override
    public int hashCode() {
      if (!hashes) {
        throw new IllegalStateException("no hash");
      }
      return hash;
    }

    @Override
    public boolean equals(Object other) {
      if (!compares) {
        throw new IllegalStateException("no comparison");
      }
      return this == other;
    }
  }

  private Batcher<Moody, Moody> moody(Echo<Moody> echo) {
    return Batcher.builder(echo)
        .batch(BatchPolicy.fixed(2, SECOND))
        .workers(Workers.executor(stepped, 1))
        .bucket(item -> item)
        .timeSource(time)
        .build();
  }

  @Test
  void aBucketThatCannotBeHashedOrComparedFailsItsItemAlone() {
    Echo<Moody> moods = new Echo<>();
    try (var batcher = moody(moods)) {
      Moody good = new Moody(1);
      Moody noHash = new Moody(2);
      noHash.hashes = false;
      Moody noComparison = new Moody(1);
      noComparison.compares = false;
      var futures = batcher.submitAll(List.of(good, noHash, noComparison, good, new Moody(3)));
      assertThat(futures.get(1).exceptionNow()).hasMessage("no hash");
      assertThat(futures.get(2).exceptionNow()).hasMessage("no comparison");
      stepped.runAll();
      assertThat(futures.get(3)).isCompletedWithValue(good);
      advance(1000);
      stepped.runAll();
      assertThat(futures.get(4)).isCompleted();
      assertThat(batcher.queued()).isZero();
      assertThat(batcher.statistics().failed()).isEqualTo(2);
    }
  }

  @Test
  void aBucketThatCannotBeHashedAnymoreLosesNoItem() {
    Echo<Moody> moods = new Echo<>();
    try (var batcher = moody(moods)) {
      Moody bucket = new Moody(1);
      var sent = batcher.submit(bucket);
      bucket.hashes = false;
      advance(1000);
      stepped.runAll();
      assertThat(sent).isCompletedWithValue(bucket);

      bucket.hashes = true;
      var cancelled = batcher.submit(bucket);
      bucket.hashes = false;
      cancelled.cancel(true);
      assertThat(batcher.queued()).isZero();

      bucket.hashes = true;
      var last = batcher.submit(bucket);
      advance(1000);
      stepped.runAll();
      assertThat(last).isCompletedWithValue(bucket);
      assertThat(batcher.statistics().ended()).isEqualTo(3);
    }
  }

  @Test
  void aRejectionThatABucketFunctionThrowsIsAFailure() {
    RejectedException failure = new RejectedException("of another", null);
    var batcher =
        Batcher.builder(echo)
            .workers(Workers.executor(stepped, 1))
            .bucket(
                item -> {
                  throw failure;
                })
            .build();
    assertThat(batcher.submit("a").exceptionNow()).isSameAs(failure);
    assertThat(batcher.statistics().failed()).isEqualTo(1);
  }

  @Test
  void resultsThatAreNullHaveAWeightAndABucket() throws Exception {
    try (Flow<Integer, List<Object>> flow =
        Flow.<Integer>builder("nulls")
            .<Object>step("first", items -> null)
            .<List<Object>>step(
                "second",
                items -> items.stream().<List<Object>>map(Collections::singletonList).toList(),
                s ->
                    s.bucket(item -> item == null ? "none" : "some")
                        .weight(item -> item == null ? 1 : 2))
            .build()
            .start()) {
      assertThat(flow.call(1)).containsExactly((Object) null);
    }
  }
}
