package io.headrace;

import static io.headrace.FlowProbes.failureOf;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A step that is slow slows the steps before it, to an exact number of items. */
class FlowBackPressureTest {
  private final VirtualTime time = new VirtualTime();
  private final GatedHandler<Integer> first = GatedHandler.opened();
  private final HeldBatches<Integer> slow = new HeldBatches<>();
  private final SteppedExecutor stepped = new SteppedExecutor();
  private final GatedHandler<Integer> second = GatedHandler.opened();

  private Flow<Integer, Integer> flow(Workers firstWorkers, OnFull onFull) throws Exception {
    return Flow.<Integer>builder("pressure")
        .timeSource(time)
        .step("first", first, s -> s.batch(BatchPolicy.greedy(3)).workers(firstWorkers))
        .asyncStep(
            "slow",
            slow,
            s ->
                s.batch(BatchPolicy.greedy(2))
                    .workers(Workers.executor(Runnable::run, 1))
                    .queue(4, onFull))
        .build()
        .start();
  }

  private static List<CompletableFuture<Integer>> submit(Flow<Integer, Integer> flow, int count) {
    return IntStream.range(0, count).mapToObj(flow::submit).toList();
  }

  @Test
  void workersWaitForRoomAtTheNextStep() throws Exception {
    Flow<Integer, Integer> flow = flow(Workers.executor(Runnable::run, 1), OnFull.await());

    List<CompletableFuture<Integer>> futures = submit(flow, 20);

    // One is being handled by the slow step and four wait for it. The next has been handled by the
    // first step and waits for room, so the first step's only worker takes no further batch.
    assertThat(first.items()).hasSize(6);
    assertThat(flow.queued("slow")).isEqualTo(4);
    assertThat(flow.queued("first")).isEqualTo(14);
    slow.answer();
    // The slow step takes two of the four, and one finds room. The first step's next batch has
    // three: one finds room, two wait for it.
    assertThat(flow.queued("slow")).isEqualTo(4);
    assertThat(first.items()).hasSize(9);
    assertThat(flow.queued("first")).isEqualTo(11);
    slow.answer();
    // Two places, for the two that wait. The first step's next batch of three waits as a whole.
    assertThat(first.items()).hasSize(12);
    slow.answer();
    assertThat(first.items()).as("one of the three still waits").hasSize(12);
    slow.answerAll();
    assertThat(futures).allMatch(CompletableFuture::isDone);
    assertThat(slow.items()).containsExactlyElementsOf(IntStream.range(0, 20).boxed().toList());
    flow.close();
  }

  static Stream<Workers> realWorkers() {
    return Stream.of(
        Workers.threads(2), Workers.virtualThreads(2), Workers.executor(FlowProbes.POOL, 2));
  }

  private Flow<Integer, Integer> steppedFlow(Workers firstWorkers) throws Exception {
    return Flow.<Integer>builder("pressure")
        .step("first", first, s -> s.batch(BatchPolicy.greedy(3)).workers(firstWorkers))
        .step(
            "slow",
            second,
            s ->
                s.batch(BatchPolicy.greedy(2))
                    .workers(Workers.executor(stepped, 1))
                    .queue(4, OnFull.await()))
        .build()
        .start();
  }

  @ParameterizedTest
  @MethodSource("realWorkers")
  void numberOfItemsBehindASlowStepIsBounded(Workers workers) throws Exception {
    Flow<Integer, Integer> flow = steppedFlow(workers);

    List<CompletableFuture<Integer>> futures = submit(flow, 100);
    FlowProbes.awaitThat("the queue of the slow step is full", () -> flow.queued("slow") == 4);

    while (futures.stream().anyMatch(future -> !future.isDone())) {
      int inFlow = first.items().size() - second.items().size();
      assertThat(inFlow)
          .as("2 in the slow step, 4 in its queue, 2 batches of 3 that wait for room")
          .isLessThanOrEqualTo(2 + 4 + 2 * 3);
      stepped.runAll();
    }
    assertThat(second.items()).hasSize(100).doesNotHaveDuplicates();
    assertThat(second.batches).allMatch(batch -> batch.size() <= 2);
    flow.close();
  }

  @Test
  void workerGoesOnWhenWhatItWaitsForIsCancelled() throws Exception {
    Flow<Integer, Integer> flow = flow(Workers.executor(Runnable::run, 1), OnFull.await());
    List<CompletableFuture<Integer>> futures = submit(flow, 20);
    assertThat(first.items()).hasSize(6);

    futures.get(5).cancel(false);

    assertThat(first.items()).as("three more, which wait for room instead").hasSize(9);
    List.of(6, 7).forEach(n -> futures.get(n).cancel(false));
    assertThat(first.items()).hasSize(9);
    futures.get(8).cancel(false);
    assertThat(first.items()).hasSize(12);
    slow.answerAll();
    assertThat(futures).allMatch(CompletableFuture::isDone);
    assertThat(slow.items()).hasSize(16);
    flow.close();
  }

  @Test
  void workerGoesOnWhenWhatItWaitsForIsOutOfTime() throws Exception {
    Flow<Integer, Integer> flow = flow(Workers.executor(Runnable::run, 1), OnFull.await());
    submit(flow, 5);
    CompletableFuture<Integer> brief = flow.submit(5, CallOptions.timeout(Duration.ofSeconds(1)));
    CompletableFuture<Integer> next = flow.submit(6);
    assertThat(first.items()).hasSize(6);

    time.advance(Duration.ofSeconds(1));

    assertThat(failureOf(brief)).isInstanceOf(DeadlineExceededException.class);
    assertThat(first.items()).containsExactly(0, 1, 2, 3, 4, 5, 6);
    slow.answerAll();
    assertThat(next).isCompletedWithValue(6);
    assertThat(slow.items()).doesNotContain(5).hasSize(6);
    flow.close();
  }

  @Test
  void itemsThatWaitTooLongForRoomFail() throws Exception {
    Flow<Integer, Integer> flow =
        flow(Workers.executor(Runnable::run, 1), OnFull.await(Duration.ofSeconds(1)));
    List<CompletableFuture<Integer>> futures = submit(flow, 6);
    time.advance(Duration.ofSeconds(1).minusNanos(1));
    assertThat(futures.get(5)).isNotDone();

    time.advance(Duration.ofNanos(1));

    assertThat(failureOf(futures.get(5)))
        .isInstanceOf(QueueFullException.class)
        .hasMessage("the queue of step slow of pressure is full: 4 items wait");
    CompletableFuture<Integer> next = flow.submit(7);
    assertThat(first.items()).as("the worker is free again").endsWith(7);
    slow.answerAll();
    assertThat(next).isCompletedWithValue(7);
    flow.close();
  }

  @Test
  void itemsThatFindNoRoomBetweenStepsFailAtOnceIfAskedTo() throws Exception {
    Flow<Integer, Integer> flow = flow(Workers.executor(Runnable::run, 1), OnFull.fail());

    List<CompletableFuture<Integer>> futures = submit(flow, 8);

    assertThat(first.items()).hasSize(8);
    assertThat(futures.subList(0, 5)).noneMatch(CompletableFuture::isDone);
    assertThat(futures.subList(5, 8))
        .allSatisfy(future -> assertThat(failureOf(future)).isInstanceOf(QueueFullException.class));
    slow.answerAll();
    assertThat(slow.items()).containsExactly(0, 1, 2, 3, 4);
    assertThat(futures).allMatch(CompletableFuture::isDone);
    flow.close();
  }

  @Test
  void alarmsDoNotPileUp() throws Exception {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("alarms")
            .timeSource(time)
            .step(
                "timed",
                first,
                s ->
                    s.batch(BatchPolicy.fixed(4, Duration.ofMillis(10)))
                        .workers(Workers.executor(Runnable::run, 1))
                        .queue(2, OnFull.await(Duration.ofMillis(30))))
            .build()
            .start();
    int most = 0;
    for (int i = 0; i < 1_000; i++) {
      flow.submitAll(List.of(i, i, i));
      time.advance(Duration.ofMillis(5 + i % 8));
      most = Math.max(most, time.alarms());
    }

    assertThat(most).as("one for the batch, one for the first that waits for room").isLessThan(4);
    flow.close();
    while (time.advanceToNext()) {}
  }

  @Test
  void allWorkersGetBatchesOfItemsThatWaitForRoom() throws Exception {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("narrow")
            .timeSource(time)
            .asyncStep(
                "slow",
                slow,
                s ->
                    s.batch(BatchPolicy.greedy(1))
                        .workers(Workers.executor(Runnable::run, 3))
                        .queue(1, OnFull.await()))
            .build()
            .start();

    flow.submitAll(List.of(0, 1, 2, 3, 4, 5));

    assertThat(slow.items()).containsExactly(0, 1, 2);
    assertThat(flow.queued("slow")).isEqualTo(1);
    slow.answer();
    assertThat(slow.items()).containsExactly(0, 1, 2, 3);
    assertThat(flow.queued("slow")).isEqualTo(1);
    slow.answerAll();
    flow.close();
  }

  @Test
  void pressureGoesThroughInlineStepsAndBackToTheFirst() throws Exception {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("chain")
            .timeSource(time)
            .step(
                "first",
                first,
                s -> s.batch(BatchPolicy.greedy(1)).workers(Workers.executor(Runnable::run, 1)))
            .<Integer>step("inline", items -> items, s -> s.workers(Workers.inline()))
            .<Integer>step(
                "middle",
                items -> items,
                s ->
                    s.batch(BatchPolicy.greedy(1))
                        .workers(Workers.executor(Runnable::run, 1))
                        .queue(1, OnFull.await()))
            .asyncStep(
                "slow",
                slow,
                s ->
                    s.batch(BatchPolicy.greedy(1))
                        .workers(Workers.executor(Runnable::run, 1))
                        .queue(1, OnFull.await()))
            .build()
            .start();

    List<CompletableFuture<Integer>> futures = submit(flow, 20);

    // One in the slow step, one in its queue, one that holds the middle worker, one in its queue,
    // one that holds the first worker.
    assertThat(first.items()).hasSize(5);
    slow.answer();
    assertThat(first.items()).hasSize(6);
    slow.answerAll();
    assertThat(futures).allMatch(CompletableFuture::isDone);
    assertThat(slow.items()).containsExactlyElementsOf(IntStream.range(0, 20).boxed().toList());
    flow.close();
  }
}
