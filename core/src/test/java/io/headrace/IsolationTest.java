package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A batch that fails is executed again in parts, until the items to blame stand alone. */
class IsolationTest {
  private static final int NO_LIMIT = 1_000_000;

  private final VirtualTime time = new VirtualTime();
  private final List<List<Integer>> executions = new ArrayList<>();
  private final Set<Integer> guilty = new TreeSet<>();

  /** How the handler answers. */
  enum Answer {
    NOW,
    STAGE_DONE,
    STAGE_LATER,
    WHEN_READ,
    STAGE_WHEN_READ,
    WRONG_COUNT,
    INLINE,
    INLINE_STAGE_LATER;

    boolean isInline() {
      return this == INLINE || this == INLINE_STAGE_LATER;
    }
  }

  private List<Integer> answer(List<Integer> items, boolean miscounts) {
    executions.add(List.copyOf(items));
    List<Integer> found = items.stream().filter(guilty::contains).toList();
    if (found.isEmpty()) {
      return items;
    }
    if (miscounts) {
      return List.of();
    }
    throw new IllegalStateException("guilty are " + found);
  }

  /** Computes each result when it is read. */
  private List<Integer> computed(List<Integer> items) {
    executions.add(List.copyOf(items));
    return new AbstractList<>() {
      @Override
      public Integer get(int index) {
        if (guilty.contains(items.get(index))) {
          throw new IllegalStateException("guilty is " + items.get(index));
        }
        return items.get(index);
      }

      @Override
      public int size() {
        return items.size();
      }
    };
  }

  private Batcher<Integer, Integer> batcher(Answer answer, int maxTries) {
    BatcherBuilder<Integer, Integer> builder =
        switch (answer) {
          case NOW, INLINE, WRONG_COUNT ->
              Batcher.builder(items -> answer(items, answer == Answer.WRONG_COUNT));
          case WHEN_READ -> Batcher.builder(this::computed);
          case STAGE_WHEN_READ ->
              Batcher.asyncBuilder(
                  items -> CompletableFuture.completedFuture(items).thenApply(this::computed));
          case STAGE_DONE ->
              Batcher.asyncBuilder(
                  items ->
                      CompletableFuture.completedFuture(items).thenApply(i -> answer(i, false)));
          case STAGE_LATER, INLINE_STAGE_LATER ->
              Batcher.asyncBuilder(
                  items ->
                      time.after(items, Duration.ofMillis(1)).thenApply(i -> answer(i, false)));
        };
    return builder
        .batch(BatchPolicy.greedy(100))
        .workers(answer.isInline() ? Workers.inline() : Workers.executor(Runnable::run, 1))
        .isolate(maxTries)
        .timeSource(time)
        .build();
  }

  /** Executes one batch of the numbers below n. */
  private List<CompletableFuture<Integer>> execute(Answer answer, int n, int maxTries) {
    executions.clear();
    Batcher<Integer, Integer> batcher = batcher(answer, maxTries);
    var futures = batcher.submitAll(IntStream.range(0, n).boxed().toList());
    for (int i = 0; i < 10 * n + 10; i++) {
      time.advance(Duration.ofMillis(1));
    }
    assertThat(futures).allMatch(CompletableFuture::isDone);
    Statistics statistics = batcher.statistics();
    assertThat(statistics.ended()).isEqualTo(n);
    assertThat(statistics.failed())
        .isEqualTo(futures.stream().filter(CompletableFuture::isCompletedExceptionally).count());
    assertThat(statistics.steps().getFirst().running()).isZero();
    assertThat(statistics.steps().getFirst().batches()).isEqualTo(1);
    assertThat(statistics.steps().getFirst().retried())
        .isEqualTo(executions.stream().mapToInt(List::size).sum() - n);
    batcher.close();
    return futures;
  }

  private void checkOutcomes(List<CompletableFuture<Integer>> futures, Collection<Integer> failed) {
    for (int i = 0; i < futures.size(); i++) {
      if (failed.contains(i)) {
        assertThat(futures.get(i).exceptionNow())
            .isInstanceOfAny(IllegalStateException.class, BatchSizeMismatchException.class);
      } else {
        assertThat(futures.get(i)).isCompletedWithValue(i);
      }
    }
  }

  private long tries(int item) {
    return executions.stream().filter(items -> items.contains(item)).count();
  }

  private static int log2RoundedUp(int n) {
    return 32 - Integer.numberOfLeadingZeros(n - 1);
  }

  private static int log2RoundedDown(int n) {
    return 31 - Integer.numberOfLeadingZeros(n);
  }

  /**
   * Two more than log2 n: the item to blame alone, and what was put aside on the way to it. For two
   * items it is one more, for nothing is put aside.
   */
  @ParameterizedTest
  @EnumSource(Answer.class)
  void oneGuiltyItemCostsLog2MoreExecutionsAndTwoAtMost(Answer answer) {
    for (int n = 2; n <= 64; n++) {
      int most = 0;
      for (int position = 0; position < n; position++) {
        guilty.clear();
        guilty.add(position);
        checkOutcomes(execute(answer, n, NO_LIMIT), guilty);
        most = Math.max(most, executions.size() - 1);
        assertThat(executions).contains(List.of(position));
        for (int item = 0; item < n; item++) {
          assertThat(tries(item))
              .as("tries of %d of %d", item, n)
              .isBetween(2L, 1L + log2RoundedDown(n));
        }
      }
      assertThat(most)
          .as("executions of %d", n)
          .isBetween(log2RoundedDown(n) + (n == 2 ? 1 : 2), log2RoundedUp(n) + 2);
    }
  }

  @Test
  void theGuiltyItemFailsWithWhatItFailedWithAlone() {
    guilty.add(2);
    guilty.add(5);
    var futures = execute(Answer.NOW, 8, NO_LIMIT);
    assertThat(futures.get(2).exceptionNow()).hasMessage("guilty are [2]");
    assertThat(futures.get(5).exceptionNow()).hasMessage("guilty are [5]");
  }

  @ParameterizedTest
  @EnumSource(Answer.class)
  void anyGuiltyItemsAreFoundAndNobodyElseFails(Answer answer) {
    for (int seed = 0; seed < 300; seed++) {
      Random random = Seeds.random(seed);
      int n = 1 + random.nextInt(40);
      guilty.clear();
      int k = random.nextInt(n + 1);
      IntStream.range(0, k).forEach(i -> guilty.add(random.nextInt(n)));
      checkOutcomes(execute(answer, n, NO_LIMIT), guilty);
      assertThat(executions.size())
          .as("seed %d: %d of %d", seed, guilty.size(), n)
          .isLessThanOrEqualTo(1 + guilty.size() * (log2RoundedUp(Math.max(2, n)) + 2));
    }
  }

  @Test
  void ifAllAreGuiltyEachIsExecutedAloneOnce() {
    for (int n = 1; n <= 64; n++) {
      IntStream.range(0, n).forEach(guilty::add);
      checkOutcomes(execute(Answer.NOW, n, NO_LIMIT), guilty);
      for (int item = 0; item < n; item++) {
        assertThat(executions.stream().filter(List.of(item)::equals)).hasSize(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Answer.class)
  void noItemIsExecutedMoreOftenThanItMayBe(Answer answer) {
    for (int seed = 0; seed < 300; seed++) {
      Random random = Seeds.random(seed);
      int n = 1 + random.nextInt(40);
      int maxTries = 2 + random.nextInt(6);
      guilty.clear();
      IntStream.range(0, random.nextInt(n + 1)).forEach(i -> guilty.add(random.nextInt(n)));
      var futures = execute(answer, n, maxTries);
      for (int item = 0; item < n; item++) {
        int it = item;
        if (futures.get(item).isCompletedExceptionally()) {
          List<Integer> last =
              executions.stream().filter(items -> items.contains(it)).toList().getLast();
          boolean isAlone = last.equals(List.of(item));
          assertThat(tries(item) == maxTries || isAlone).as("seed %d: %d", seed, item).isTrue();
        } else {
          assertThat(guilty).doesNotContain(item);
        }
        assertThat(tries(item)).as("seed %d: %d", seed, item).isLessThanOrEqualTo(maxTries);
      }
    }
  }

  @Test
  void twoTriesMeanOneMoreForEachHalf() {
    guilty.add(1);
    var futures = execute(Answer.NOW, 8, 2);
    assertThat(executions)
        .containsExactly(List.of(0, 1, 2, 3, 4, 5, 6, 7), List.of(0, 1, 2, 3), List.of(4, 5, 6, 7));
    checkOutcomes(futures, List.of(0, 1, 2, 3));
  }

  @Test
  void aHandlerThatFailsOnceHarmsNobody() {
    for (int failing = 1; failing <= 3; failing++) {
      int[] left = {failing};
      var batcher =
          Batcher.<Integer, Integer>builder(
                  items -> {
                    if (left[0]-- > 0) {
                      throw new IllegalStateException("flaky");
                    }
                    return items;
                  })
              .workers(Workers.executor(Runnable::run, 1))
              .isolate(NO_LIMIT)
              .build();
      var futures = batcher.submitAll(IntStream.range(0, 16).boxed().toList());
      checkOutcomes(futures, List.of());
      batcher.close();
    }
  }

  @Test
  void aHandlerThatFailsAtRandomEndsEveryItemWithinItsTries() {
    for (int seed = 0; seed < 500; seed++) {
      Random random = Seeds.random(seed);
      int n = 1 + random.nextInt(30);
      int maxTries = 2 + random.nextInt(20);
      int[] tries = new int[n];
      var batcher =
          Batcher.<Integer, Integer>builder(
                  items -> {
                    items.forEach(item -> tries[item]++);
                    if (random.nextInt(3) == 0) {
                      throw new IllegalStateException("flaky");
                    }
                    return items;
                  })
              .workers(Workers.executor(Runnable::run, 1))
              .isolate(maxTries)
              .build();
      var futures = batcher.submitAll(IntStream.range(0, n).boxed().toList());
      assertThat(futures).allMatch(CompletableFuture::isDone);
      assertThat(Arrays.stream(tries).max().orElse(0)).isLessThanOrEqualTo(maxTries);
      assertThat(batcher.statistics().ended()).isEqualTo(n);
      batcher.close();
    }
  }

  @Test
  void aSingleItemIsNotExecutedAgain() {
    guilty.add(0);
    checkOutcomes(execute(Answer.NOW, 1, NO_LIMIT), guilty);
    assertThat(executions).hasSize(1);
  }

  @Test
  void withoutIsolationABatchFailsAsOne() {
    guilty.add(3);
    var batcher =
        Batcher.<Integer, Integer>builder(items -> answer(items, false))
            .workers(Workers.executor(Runnable::run, 1))
            .build();
    var futures = batcher.submitAll(List.of(1, 2, 3));
    assertThat(futures).allMatch(CompletableFuture::isCompletedExceptionally);
    assertThat(executions).hasSize(1);
    batcher.close();
  }

  @Test
  void outcomesOfPartsFailTheirItemsAtOnce() {
    guilty.add(5);
    var batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  answer(items, false);
                  Outcomes<Integer> outcomes = new Outcomes<>(items.size());
                  for (Integer item : items) {
                    if (item % 2 == 0) {
                      outcomes.add(item);
                    } else {
                      outcomes.addFailure(new IllegalArgumentException("odd"));
                    }
                  }
                  return outcomes;
                })
            .workers(Workers.executor(Runnable::run, 1))
            .isolate(NO_LIMIT)
            .build();
    var futures = batcher.submitAll(IntStream.range(0, 8).boxed().toList());
    for (int i = 0; i < 8; i++) {
      if (i % 2 == 0) {
        assertThat(futures.get(i)).isCompletedWithValue(i);
      } else {
        assertThat(futures.get(i).exceptionNow()).hasMessage(i == 5 ? "guilty are [5]" : "odd");
      }
    }
    assertThat(tries(1)).as("part of the batch and of its first half").isEqualTo(2);
    batcher.close();
  }

  @Test
  void itemsThatEndMeanwhileAreNotExecutedAgain() {
    guilty.add(0);
    var batcher = batcher(Answer.STAGE_LATER, NO_LIMIT);
    var futures = batcher.submitAll(List.of(0, 1, 2, 3));
    batcher.submit(9); // waits for the worker
    time.advance(Duration.ofNanos(500_000));
    futures.get(1).cancel(true);
    futures.get(2).complete(22);
    time.advance(Duration.ofMillis(20));
    assertThat(executions).containsExactly(List.of(0, 1, 2, 3), List.of(0), List.of(3), List.of(9));
    Statistics statistics = batcher.statistics();
    assertThat(statistics.cancelled()).isEqualTo(2);
    assertThat(statistics.failed()).isEqualTo(1);
    assertThat(statistics.completed()).isEqualTo(2);
    batcher.close();
  }

  @Test
  void ifTheGuiltyItemHasEndedTheOthersHaveTheirResults() {
    guilty.add(1);
    var batcher = batcher(Answer.STAGE_LATER, NO_LIMIT);
    batcher.submit(0); // the worker is busy until the others are there
    batcher.submit(1, CallOptions.timeout(Duration.ofNanos(1_500_000)));
    var futures = batcher.submitAll(List.of(2, 3, 4));
    time.advance(Duration.ofMillis(20));
    assertThat(futures).allMatch(future -> future.state() == Future.State.SUCCESS);
    assertThat(batcher.statistics().timedOut()).isEqualTo(1);
    assertThat(executions)
        .containsExactly(List.of(0), List.of(1, 2, 3, 4), List.of(2), List.of(3), List.of(4));
    batcher.close();
  }

  @ParameterizedTest
  @EnumSource(
      value = Answer.class,
      names = {"STAGE_LATER", "INLINE_STAGE_LATER"})
  void aShutdownInTheMiddleEndsTheSearch(Answer answer) {
    for (int millis = 0; millis < 6; millis++) {
      executions.clear();
      guilty.add(6);
      var batcher = batcher(answer, NO_LIMIT);
      var futures = batcher.submitAll(IntStream.range(0, 8).boxed().toList());
      time.advance(Duration.ofMillis(millis));
      batcher.shutdownNow();
      assertThat(futures).allMatch(CompletableFuture::isDone);
      assertThat(futures)
          .allMatch(
              future ->
                  future.state() == Future.State.SUCCESS
                      || future.exceptionNow() instanceof StoppedException
                      || future.exceptionNow() instanceof IllegalStateException);
      int executed = executions.size();
      time.advance(Duration.ofMillis(50));
      assertThat(executions.size() - executed).isLessThanOrEqualTo(1); // what was cancelled
      batcher.close();
      Statistics statistics = batcher.statistics();
      assertThat(statistics.ended()).isEqualTo(8);
      assertThat(statistics.steps().getFirst().running()).isZero();
    }
  }

  @Test
  void aShutdownFromWithinAnExecutionFailsWhatIsLeft() {
    List<Batcher<Integer, Integer>> self = new ArrayList<>();
    var batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  executions.add(List.copyOf(items));
                  if (executions.size() == 3) {
                    self.getFirst().shutdownNow();
                  }
                  return answer(items, false);
                })
            .workers(Workers.executor(Runnable::run, 1))
            .isolate(NO_LIMIT)
            .build();
    self.add(batcher);
    guilty.add(1);
    var futures = batcher.submitAll(IntStream.range(0, 8).boxed().toList());
    assertThat(futures).allMatch(CompletableFuture::isDone);
    assertThat(futures.get(7).exceptionNow()).isInstanceOf(StoppedException.class);
    assertThat(batcher.statistics().ended()).isEqualTo(8);
    batcher.close();
  }

  @Test
  void aCloseWaitsForTheSearch() {
    guilty.add(3);
    var batcher = batcher(Answer.NOW, NO_LIMIT);
    var futures = batcher.submitAll(IntStream.range(0, 8).boxed().toList());
    batcher.close();
    checkOutcomes(futures, guilty);
  }

  @Test
  void platformThreadsSearchToo() throws Exception {
    guilty.add(77);
    try (Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  if (items.contains(77)) {
                    throw new IllegalStateException("guilty");
                  }
                  return items;
                })
            .workers(Workers.threads(2))
            .batch(BatchPolicy.fixed(50, Duration.ofMillis(1)))
            .isolate(NO_LIMIT)
            .build()) {
      var futures = batcher.submitAll(IntStream.range(0, 100).boxed().toList());
      for (int i = 0; i < 100; i++) {
        if (i == 77) {
          assertThat(FlowProbes.failureOf(futures.get(i))).hasMessage("guilty");
        } else {
          assertThat(FlowProbes.valueOf(futures.get(i))).isEqualTo(i);
        }
      }
    }
  }

  @Test
  void stagesThatAreDoneAtOnceDoNotOverflowTheStack() {
    int n = 5_000;
    SteppedExecutor stepped = new SteppedExecutor();
    var all =
        Batcher.<Integer, Integer>asyncBuilder(
                items -> CompletableFuture.failedFuture(new IllegalStateException()))
            .batch(BatchPolicy.greedy(n))
            .workers(Workers.executor(stepped, 1))
            .isolate(NO_LIMIT)
            .build();
    var futures = all.submitAll(IntStream.range(0, n).boxed().toList());
    stepped.runAll();
    assertThat(futures).allMatch(CompletableFuture::isCompletedExceptionally);
    all.close();
  }

  @Test
  void anIsolatingStepLeadsResultsToTheNextStep() throws Exception {
    guilty.add(3);
    Echo<Integer> next = new Echo<>();
    var flow =
        Flow.<Integer>builder("flow")
            .step(
                "first",
                (List<Integer> items) -> answer(items, false),
                step -> step.workers(Workers.executor(Runnable::run, 1)).isolate(NO_LIMIT))
            .step("second", next, step -> step.workers(Workers.executor(Runnable::run, 1)))
            .build()
            .start();
    var futures = flow.submitAll(IntStream.range(0, 8).boxed().toList());
    checkOutcomes(futures, guilty);
    assertThat(next.items()).containsExactlyInAnyOrder(0, 1, 2, 4, 5, 6, 7);
    assertThat(flow.statistics().failed()).isEqualTo(1);
    flow.close();
  }

  @Test
  void aSecondSettingIsRefused() {
    assertThatThrownBy(() -> Batcher.builder(new Echo<>()).isolate(2).isolate(3))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("isolate is set to 3, it was set to 2 before");
  }
}
