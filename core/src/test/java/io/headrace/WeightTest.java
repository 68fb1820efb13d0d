package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy.Decision;
import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Items that take more than one place of a batch; here each weighs as much as it says. */
class WeightTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor stepped = new SteppedExecutor();
  private final Echo<Integer> echo = new Echo<>();

  private BatcherBuilder<Integer, Integer> builder(BatchPolicy policy) {
    return Batcher.builder(echo)
        .batch(policy)
        .workers(Workers.executor(stepped, 1))
        .weight(item -> item)
        .timeSource(time);
  }

  private static int sum(List<Integer> batch) {
    return batch.stream().mapToInt(Integer::intValue).sum();
  }

  @Test
  void aBatchTakesWhatFitsInTheOrderOfArrival() {
    var batcher = builder(BatchPolicy.greedy(10)).build();
    batcher.submitAll(List.of(4, 6, 3, 3, 3, 3, 10, 1, 9, 1));
    stepped.runAll();
    assertThat(echo.batches)
        .containsExactly(
            List.of(4, 6), List.of(3, 3, 3), List.of(3), List.of(10), List.of(1, 9), List.of(1));
  }

  @Test
  void whatIsLighterDoesNotOvertake() {
    var batcher = builder(BatchPolicy.greedy(10)).build();
    batcher.submitAll(List.of(7, 8, 1, 2));
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(7), List.of(8, 1), List.of(2));
  }

  @Test
  void fixedSendsAtTheWeightAndNotAtTheNumberOfItems() {
    var batcher = builder(BatchPolicy.fixed(10, SECOND)).build();
    batcher.submitAll(List.of(1, 1, 1, 1, 1));
    batcher.submit(4);
    assertThat(stepped.pending()).isZero();
    batcher.submit(1);
    assertThat(stepped.pending()).isEqualTo(1);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(1, 1, 1, 1, 1, 4, 1));
  }

  @Test
  void whatDidNotFitWaitsForItsOwnDelay() {
    var batcher = builder(BatchPolicy.fixed(10, SECOND)).build();
    batcher.submit(3);
    time.advance(Duration.ofMillis(400));
    batcher.submit(8);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(3));
    time.advance(SECOND.minusNanos(1));
    assertThat(stepped.pending()).isZero();
    time.advance(Duration.ofNanos(1));
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(3), List.of(8));
  }

  @Test
  void thePolicySeesWeights() {
    List<Integer> seen = new ArrayList<>();
    var batcher =
        builder(
                new Deciding(
                    10,
                    queue -> {
                      seen.add(queue.waiting());
                      return queue.waiting() < 7
                          ? Decision.lookAgain(queue.nowNanos() + 1_000_000, 7)
                          : Decision.send(5);
                    }))
            .build();
    batcher.submit(3);
    batcher.submit(1);
    batcher.submit(4);
    stepped.runAll();
    time.advance(Duration.ofMillis(1));
    assertThat(seen).containsExactly(3, 8, 4, 4);
    assertThat(echo.batches).containsExactly(List.of(3, 1));
  }

  @Test
  void anItemHeavierThanThePolicyWantsNowGoesAlone() {
    var batcher = builder(new Deciding(10, queue -> Decision.send(2))).build();
    batcher.submitAll(List.of(9, 1, 1, 1));
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(9), List.of(1, 1), List.of(1));
  }

  enum Policy {
    GREEDY {
      @Override
      BatchPolicy of(int maxSize, Random random) {
        return BatchPolicy.greedy(maxSize);
      }
    },
    FIXED {
      @Override
      BatchPolicy of(int maxSize, Random random) {
        return BatchPolicy.fixed(maxSize, maxSize == 1 ? Duration.ZERO : Duration.ofMillis(5));
      }
    },
    OWN {
      @Override
      BatchPolicy of(int maxSize, Random random) {
        return new Deciding(
            maxSize,
            queue ->
                random.nextInt(3) == 0
                    ? Decision.lookAgain(queue.nowNanos() + random.nextInt(5_000_000), 3)
                    : Decision.send(1 + random.nextInt(3 * maxSize)));
      }
    };

    abstract BatchPolicy of(int maxSize, Random random);
  }

  @ParameterizedTest
  @EnumSource(Policy.class)
  void noBatchIsHeavierThanTheMaximum(Policy policy) {
    for (int seed = 0; seed < 200; seed++) {
      Random random = Seeds.random(seed);
      int maxSize = 1 + random.nextInt(20);
      echo.batches.clear();
      var batcher = builder(policy.of(maxSize, random)).priorities(2).build();
      List<Integer> items = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        items.add(1 + random.nextInt(maxSize));
        batcher.submit(items.getLast(), CallOptions.priority(random.nextInt(2)));
        if (random.nextInt(3) == 0) {
          time.advance(Duration.ofNanos(random.nextInt(3_000_000)));
        }
        if (random.nextInt(3) == 0 && stepped.pending() > 0) {
          stepped.runNext();
        }
      }
      for (int i = 0; i < 5_000 && batcher.statistics().completed() < 60; i++) {
        stepped.runAll();
        time.advance(Duration.ofMillis(1));
      }
      assertThat(echo.batches).as("seed %d", seed).allMatch(batch -> sum(batch) <= maxSize);
      assertThat(echo.batches.stream().flatMap(List::stream))
          .as("seed %d", seed)
          .containsExactlyInAnyOrderElementsOf(items);
      assertThat(batcher.statistics().completed()).isEqualTo(60);
    }
  }

  @Test
  void sumsDoNotOverflow() {
    var batcher = builder(BatchPolicy.greedy(Integer.MAX_VALUE)).build();
    batcher.submit(1);
    batcher.submitAll(List.of(Integer.MAX_VALUE, Integer.MAX_VALUE, 1, Integer.MAX_VALUE - 1, 1));
    stepped.runAll();
    assertThat(echo.batches)
        .containsExactly(
            List.of(1),
            List.of(Integer.MAX_VALUE),
            List.of(Integer.MAX_VALUE),
            List.of(1, Integer.MAX_VALUE - 1),
            List.of(1));
  }

  @Test
  void anItemHeavierThanABatchIsRejectedAlone() {
    var batcher = builder(BatchPolicy.greedy(10)).name("b").build();
    var futures = batcher.submitAll(List.of(10, 11, 5));
    assertThat(futures.get(1).exceptionNow())
        .isExactlyInstanceOf(RejectedException.class)
        .hasMessage("the weight of an item of b is 11, a batch takes at most 10");
    stepped.runAll();
    assertThat(futures.get(0)).isCompletedWithValue(10);
    assertThat(futures.get(2)).isCompletedWithValue(5);
    assertThat(batcher.statistics().rejected()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, Integer.MIN_VALUE})
  void aWeightBelowOneFailsItsItemAndSaysSo(int weight) {
    var batcher = builder(BatchPolicy.greedy(10)).name("b").build();
    var futures = batcher.submitAll(List.of(3, weight, 4));
    assertThat(futures.get(1).exceptionNow())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the weight of an item of b is " + weight + ", it has to be at least 1");
    stepped.runAll();
    assertThat(echo.items()).containsExactly(3, 4);
    assertThat(batcher.statistics().failed()).isEqualTo(1);
  }

  @SuppressWarnings("unchecked") // it is thrown whatever it is
  private static <T extends Throwable> RuntimeException sneaky(Throwable failure) throws T {
    throw (T) failure;
  }

  @Test
  void aWeightThatThrowsFailsItsItemWithWhatItThrew() {
    for (Throwable failure : List.of(new IllegalStateException("x"), new AssertionError("y"))) {
      ToIntFunction<Integer> weight =
          item -> {
            if (item == 2) {
              throw WeightTest.<RuntimeException>sneaky(failure);
            }
            return item;
          };
      var batcher =
          Batcher.builder(echo)
              .workers(Workers.executor(stepped, 1))
              .queue(2, OnFull.fail())
              .weight(weight)
              .build();
      var futures = batcher.submitAll(List.of(1, 2, 3));
      assertThat(futures.get(1).exceptionNow()).isSameAs(failure);
      assertThat(batcher.submit(2).exceptionNow()).isSameAs(failure);
      stepped.runAll();
      assertThat(futures.get(2)).isCompletedWithValue(3);
      assertThat(batcher.queued()).isZero();
      batcher.close();
    }
  }

  @Test
  void theQueueStillCountsItems() {
    var batcher = builder(BatchPolicy.greedy(10)).queue(2, OnFull.fail()).build();
    batcher.submit(10); // is being executed
    List<CompletableFuture<Integer>> futures = batcher.submitAll(List.of(10, 10, 1));
    assertThat(futures.get(2).exceptionNow()).isInstanceOf(QueueFullException.class);
    assertThat(batcher.queued()).isEqualTo(2);
    stepped.runAll();
    assertThat(futures.get(1).state()).isEqualTo(Future.State.SUCCESS);
  }

  @Test
  void itemsThatWaitForRoomKeepTheirWeights() {
    var batcher = builder(BatchPolicy.greedy(10)).queue(2, OnFull.await()).build();
    batcher.submit(10);
    batcher.submitAll(List.of(4, 4, 4, 9, 1, 8));
    assertThat(batcher.queued()).isEqualTo(2);
    stepped.runAll();
    assertThat(echo.items()).containsExactly(10, 4, 4, 4, 9, 1, 8);
    assertThat(echo.batches).allMatch(batch -> sum(batch) <= 10);
  }

  @Test
  void cancelledWeightCountsNoMore() {
    var batcher = builder(BatchPolicy.fixed(10, SECOND)).build();
    var futures = batcher.submitAll(List.of(5, 4));
    futures.get(0).cancel(true);
    batcher.submit(5);
    assertThat(stepped.pending()).isZero();
    batcher.submit(1);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(4, 5, 1));
  }

  @Test
  void higherPrioritiesGoFirstAndLowerOnesFillTheRest() {
    var batcher = builder(BatchPolicy.greedy(10)).priorities(2).build();
    batcher.submit(10);
    batcher.submitAll(List.of(3, 2));
    batcher.submitAll(List.of(4, 3), CallOptions.priority(1));
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(10), List.of(4, 3, 3), List.of(2));
  }

  @Test
  void eachStepOfAFlowHasItsOwnWeights() throws Exception {
    List<List<String>> batches = new ArrayList<>();
    var flow =
        Flow.<Integer>builder("flow")
            .step(
                "double",
                Handler.each(i -> "x".repeat(2 * i)),
                step -> step.workers(Workers.executor(Runnable::run, 1)).weight(i -> i))
            .step(
                "second",
                (List<String> items) -> {
                  batches.add(items);
                  return items;
                },
                step ->
                    step.workers(Workers.executor(stepped, 1))
                        .batch(BatchPolicy.greedy(8))
                        .weight(String::length))
            .build()
            .start();
    var futures = flow.submitAll(List.of(4, 1, 2, 3, 5));
    assertThat(futures.get(4).exceptionNow())
        .isExactlyInstanceOf(RejectedException.class)
        .hasMessage("the weight of an item of step second of flow is 10, a batch takes at most 8");
    stepped.runAll();
    assertThat(batches.stream().map(batch -> batch.stream().map(String::length).toList()))
        .containsExactly(List.of(8), List.of(2, 4), List.of(6));
    assertThat(flow.statistics().rejected()).isEqualTo(1);
    flow.close();
  }

  @Test
  void inlineWorkersHaveNoQueueAndAreRefused() {
    assertThatThrownBy(() -> Batcher.builder(echo).weight(i -> 1).workers(Workers.inline()).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("workers of batcher are inline, weights and buckets need a queue");
  }

  @Test
  void noWeightIsTheSameAsOne() {
    var batcher =
        Batcher.builder(echo)
            .batch(BatchPolicy.greedy(3))
            .workers(Workers.executor(stepped, 1))
            .weight(item -> 1)
            .build();
    batcher.submitAll(IntStream.range(0, 10).boxed().toList());
    stepped.runAll();
    assertThat(echo.sizes()).containsExactly(3, 3, 3, 1);
  }

  /** It may be that of a service that the function asks; the item was not refused by this one. */
  @Test
  void aRejectionThatAWeightThrowsIsAFailure() {
    RejectedException failure = new RejectedException("of another", null);
    var batcher =
        Batcher.<Integer, Integer>builder(echo)
            .workers(Workers.executor(stepped, 1))
            .weight(
                item -> {
                  throw failure;
                })
            .build();
    assertThat(batcher.submit(1).exceptionNow()).isSameAs(failure);
    assertThat(batcher.statistics().failed()).isEqualTo(1);
    assertThat(batcher.statistics().rejected()).isZero();
  }
}
