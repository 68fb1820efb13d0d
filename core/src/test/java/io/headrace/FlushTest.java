package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What waits goes at once when a batcher is flushed. */
class FlushTest {
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration MILLI = Duration.ofMillis(1);

  private final VirtualTime time = new VirtualTime();
  private final HeldBatches<String> held = new HeldBatches<>();

  private Batcher<String, String> batcher(
      int maxSize, UnaryOperator<BatcherBuilder<String, String>> options) {
    return options
        .apply(
            Batcher.asyncBuilder(held)
                .batch(BatchPolicy.fixed(maxSize, SECOND))
                .workers(Workers.executor(Runnable::run, 1))
                .timeSource(time))
        .build();
  }

  @Test
  void sendsWhatWaitsWhateverThePolicySays() {
    var batcher = batcher(10, builder -> builder);
    batcher.submitAll(List.of("a", "b"));
    assertThat(held.batches).isEmpty();
    batcher.flush();
    assertThat(held.batches).containsExactly(List.of("a", "b"));
    assertThat(batcher.queued()).isZero();
  }

  @Test
  void sendsItemsOfEveryPriority() {
    var batcher = batcher(10, builder -> builder.priorities(2));
    batcher.submit("high", CallOptions.priority(1));
    batcher.flush();
    assertThat(held.batches).containsExactly(List.of("high"));
  }

  @Test
  void whatComesLaterWaitsAsBefore() {
    var batcher = batcher(10, builder -> builder);
    batcher.flush();
    batcher.submit("a");
    time.advance(SECOND.minusNanos(1));
    assertThat(held.batches).isEmpty();
    batcher.flush();
    held.answerAll();
    time.advance(MILLI);
    batcher.submit("b");
    time.advance(SECOND.minusNanos(1));
    assertThat(held.batches).containsExactly(List.of("a"));
    time.advance(Duration.ofNanos(1));
    assertThat(held.batches).containsExactly(List.of("a"), List.of("b"));
  }

  @Test
  void waitsForAWorkerAndThenGoesInSeveralBatches() {
    var batcher = batcher(2, builder -> builder);
    batcher.submitAll(List.of("a", "b"));
    batcher.submitAll(List.of("c", "d", "e"));
    batcher.flush();
    assertThat(held.batches).hasSize(1);
    time.advance(MILLI);
    held.answerAll();
    assertThat(held.batches).containsExactly(List.of("a", "b"), List.of("c", "d"), List.of("e"));
  }

  @Test
  void whatWaitsForRoomGoesTooThoughMoreComesMeanwhile() {
    var batcher = batcher(10, builder -> builder.queue(2, OnFull.await()));
    batcher.submit("x");
    batcher.flush();
    batcher.submitAll(List.of("a", "b", "c", "d", "e"));
    batcher.flush();
    batcher.submitAll(List.of("f", "g", "h", "i", "j", "k"));
    held.answerAll();
    assertThat(held.items()).startsWith("x", "a", "b", "c", "d", "e");
    assertThat(batcher.queued()).isPositive();
  }

  @Test
  void sendsEveryBucket() {
    var batcher = batcher(10, builder -> builder.bucket(item -> item.charAt(0)));
    batcher.submitAll(List.of("a1", "b1", "a2", "c1"));
    batcher.flush();
    held.answerAll();
    assertThat(held.batches).containsExactly(List.of("a1", "a2"), List.of("b1"), List.of("c1"));
  }

  /** A bucket that goes with items of later does not use up the flush of the others. */
  @Test
  void sendsEveryBucketThoughMoreComesForSome() {
    var batcher = batcher(10, builder -> builder.bucket(item -> item.charAt(0)));
    batcher.submit("x");
    batcher.flush();
    time.advance(MILLI);
    batcher.submitAll(List.of("a1", "b1"));
    batcher.flush();
    time.advance(MILLI);
    batcher.submitAll(List.of("a2", "a3", "a4", "c1"));
    held.answerAll();
    assertThat(held.batches)
        .containsExactly(List.of("x"), List.of("a1", "a2", "a3", "a4"), List.of("b1"));
    time.advance(SECOND.minus(MILLI));
    assertThat(held.batches).hasSize(3);
    time.advance(MILLI);
    assertThat(held.batches).hasSize(4).last().isEqualTo(List.of("c1"));
  }

  @Test
  void sendsWhatWeighsTooLittle() {
    var batcher = batcher(10, builder -> builder.weight(String::length));
    batcher.submitAll(List.of("aaa", "bb"));
    batcher.flush();
    assertThat(held.batches).containsExactly(List.of("aaa", "bb"));
  }

  @Test
  void withdrawnItemsDoNotUseUpTheFlush() {
    var batcher = batcher(2, builder -> builder.bucket(item -> item.charAt(0)));
    batcher.submit("x");
    batcher.flush();
    batcher.submitAll(List.of("a1", "b1", "c1"));
    batcher.flush();
    time.advance(MILLI);
    var later = batcher.submitAll(List.of("d1", "d2", "d3"));
    later.forEach(future -> future.cancel(true));
    held.answerAll();
    assertThat(held.items()).containsExactly("x", "a1", "b1", "c1");
  }

  @Test
  void afterTheEndItDoesNothing() {
    var batcher = batcher(2, builder -> builder);
    batcher.close();
    batcher.flush();
    assertThat(batcher.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void flushesEachStepOfAFlow() throws Exception {
    Echo<String> echo = new Echo<>();
    var flow =
        Flow.<String>builder("flow")
            .step(
                "one",
                echo,
                step ->
                    step.batch(BatchPolicy.fixed(10, SECOND))
                        .workers(Workers.executor(Runnable::run, 1)))
            .timeSource(time)
            .build()
            .start();
    var future = flow.submit("a");
    flow.flush();
    assertThat(future).isCompletedWithValue("a");
    flow.close();
  }

  private Batcher<String, String> busy(UnaryOperator<BatcherBuilder<String, String>> options) {
    var batcher = batcher(2, options);
    batcher.submitAll(List.of("x", "y"));
    return batcher;
  }

  @Test
  void whatComesLaterAndIsWithdrawnDoesNotUseUpTheFlush() {
    var batcher = busy(builder -> builder);
    batcher.submit("a");
    batcher.flush();
    batcher.submit("b").cancel(true);
    batcher.submit("c", CallOptions.timeout(MILLI));
    time.advance(MILLI);
    held.answerAll();
    assertThat(held.items()).containsExactly("x", "y", "a");
  }

  @Test
  void whatComesLaterAndGoesFirstDoesNotUseUpTheFlush() {
    var batcher = busy(builder -> builder.priorities(2));
    batcher.submit("a");
    batcher.flush();
    batcher.submit("h1", CallOptions.priority(1));
    batcher.submit("h2", CallOptions.priority(1));
    held.answerAll();
    assertThat(held.batches).containsExactly(List.of("x", "y"), List.of("h1", "h2"), List.of("a"));
  }

  /** So many are withdrawn that they are swept out of the queue, or from those that have room. */
  @ParameterizedTest
  @ValueSource(ints = {Integer.MAX_VALUE, 500, 2})
  void aSweepDoesNotUseUpTheFlush(int capacity) {
    var batcher = busy(builder -> builder.queue(capacity, OnFull.await()));
    List<CompletableFuture<String>> withdrawn = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      withdrawn.add(batcher.submit("-"));
    }
    batcher.submitAll(List.of("a", "b", "c"));
    batcher.flush();
    for (int i = 0; i < 100; i++) {
      withdrawn.add(batcher.submit("-"));
    }
    withdrawn.forEach(future -> future.cancel(true));
    held.answerAll();
    assertThat(held.batches).containsExactly(List.of("x", "y"), List.of("a", "b"), List.of("c"));
    batcher.submit("d");
    assertThat(held.batches).hasSize(3);
  }

  @Test
  void theFlushIsOverWhenAllIsWithdrawnThatCameBefore() {
    for (OnFull onFull : List.of(OnFull.fail(), OnFull.await())) {
      var batcher = busy(builder -> builder.queue(5, onFull));
      var before = batcher.submitAll(List.of("a", "b", "c"));
      batcher.flush();
      batcher.submit("d");
      before.forEach(future -> future.cancel(true));
      held.answerAll();
      assertThat(held.items()).containsExactly("x", "y");
      held.batches.clear();
    }
  }

  @Test
  void ofTwoAtOnceTheLaterOneCounts() {
    HookedTime hooked = new HookedTime(time);
    var batcher =
        Batcher.asyncBuilder(held)
            .batch(BatchPolicy.fixed(2, SECOND))
            .bucket(item -> item)
            .workers(Workers.executor(Runnable::run, 1))
            .timeSource(hooked)
            .build();
    batcher.submitAll(List.of("x", "x"));
    batcher.submit("a");
    hooked.atNextReads(
        () -> {}, // by the drain that the flush makes
        () -> { // by the flush
          time.advance(MILLI);
          batcher.submit("b");
          batcher.flush();
        });
    batcher.flush();
    held.answerAll();
    assertThat(held.items()).containsExactly("x", "x", "a", "b");
  }
}
