package io.headrace;

import static io.headrace.FlowProbes.failureOf;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Items that nobody waits for anymore: cancelled, or out of time. */
class FlowWithdrawalTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor one = new SteppedExecutor();
  private final SteppedExecutor two = new SteppedExecutor();
  private final SteppedExecutor three = new SteppedExecutor();
  private final GatedHandler<String> first = GatedHandler.opened();
  private final GatedHandler<String> second = GatedHandler.opened();
  private final GatedHandler<String> third = GatedHandler.opened();
  private Flow<String, String> flow;

  @BeforeEach
  void start() throws InterruptedException {
    flow =
        Flow.<String>builder("withdraw")
            .timeSource(time)
            .step(
                "one",
                first,
                s ->
                    s.batch(BatchPolicy.greedy(2))
                        .workers(Workers.executor(one, 1))
                        .queue(2, OnFull.await()))
            .step(
                "two",
                second,
                s -> s.batch(BatchPolicy.greedy(4)).workers(Workers.executor(two, 1)))
            .step("three", third, s -> s.workers(Workers.executor(three, 1)))
            .build()
            .start();
  }

  @AfterEach
  void drainsAndLeavesNoAlarm() {
    CompletableFuture<Void> close = FlowProbes.aside(flow::close);
    while (!close.isDone()) {
      runAll();
    }
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    while (time.advanceToNext()) {}
    assertThat(time.alarms()).isZero();
  }

  private void runAll() {
    while (one.runAll() + two.runAll() + three.runAll() > 0) {}
  }

  @Test
  void itemOutOfTimeIsHandledByNoFurtherStep() {
    flow.submit("other");
    CompletableFuture<String> brief = flow.submit("brief", CallOptions.timeout(SECOND));
    CompletableFuture<String> patient = flow.submit("patient");
    one.runAll();
    two.runAll();
    time.advance(SECOND);
    runAll();

    assertThat(failureOf(brief))
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("withdraw had no result within PT1S");
    assertThat(patient).isCompletedWithValue("patient");
    assertThat(second.items()).containsExactly("other", "brief", "patient");
    assertThat(third.items()).containsExactly("other", "patient");
  }

  @Test
  void itemOutOfTimeTakesNoPlaceInABatch() {
    flow.submit("taken");
    List<CompletableFuture<String>> brief =
        flow.submitAll(List.of("brief1", "brief2"), CallOptions.timeout(SECOND));
    List<CompletableFuture<String>> patient = flow.submitAll(List.of("a", "b"));
    assertThat(flow.queued("one")).isEqualTo(2);
    time.advance(SECOND.minusNanos(1));
    assertThat(brief).noneMatch(CompletableFuture::isDone);
    time.advance(Duration.ofNanos(1));

    assertThat(brief)
        .allSatisfy(
            future -> assertThat(failureOf(future)).isInstanceOf(DeadlineExceededException.class));
    assertThat(flow.queued("one")).as("those that waited for room have it").isEqualTo(2);
    runAll();
    assertThat(first.batches).containsExactly(List.of("taken"), List.of("a", "b"));
    assertThat(patient).allMatch(CompletableFuture::isDone);
  }

  @Test
  void timeCountsFromTheSubmissionThroughAllSteps() {
    CompletableFuture<String> future = flow.submit("item", CallOptions.timeout(SECOND));
    time.advance(Duration.ofMillis(400));
    one.runAll();
    time.advance(Duration.ofMillis(400));
    two.runAll();
    time.advance(Duration.ofMillis(199));
    assertThat(future).isNotDone();
    time.advance(Duration.ofMillis(1));
    assertThat(failureOf(future)).isInstanceOf(DeadlineExceededException.class);
    runAll();
    assertThat(second.items()).containsExactly("item");
    assertThat(third.items()).as("taken before its time was over").hasSizeLessThanOrEqualTo(1);
  }

  @Test
  void itemThatFinishesInTimeKeepsItsResult() {
    CompletableFuture<String> future = flow.submit("item", CallOptions.timeout(SECOND));
    time.advance(SECOND.minusNanos(1));
    runAll();
    time.advance(SECOND);

    assertThat(future).isCompletedWithValue("item");
    assertThat(time.alarms()).isZero();
  }

  @Test
  void cancelledItemLeavesTheQueue() {
    flow.submit("taken");
    CompletableFuture<String> gone = flow.submit("gone");
    CompletableFuture<String> kept = flow.submit("kept");
    CompletableFuture<String> waitsForRoom = flow.submit("waits for room");
    CompletableFuture<String> lastWaits = flow.submit("last waits");
    assertThat(flow.queued("one")).isEqualTo(2);

    gone.cancel(false);
    assertThat(flow.queued("one")).as("the next one has found room").isEqualTo(2);
    lastWaits.cancel(false);
    runAll();

    assertThat(first.items()).containsExactly("taken", "kept", "waits for room");
    assertThat(kept).isCompletedWithValue("kept");
    assertThat(waitsForRoom).isCompletedWithValue("waits for room");
    assertThat(gone).isCancelled();
    assertThat(lastWaits).isCancelled();
  }

  @Test
  void cancelledItemLeavesTheQueueBetweenSteps() {
    List<CompletableFuture<String>> futures = flow.submitAll(List.of("a", "b", "c", "d"));
    one.runAll();
    assertThat(flow.queued("two")).as("a and b were taken").isEqualTo(2);

    futures.get(2).cancel(false);

    assertThat(flow.queued("two")).isEqualTo(1);
    runAll();
    assertThat(second.items()).containsExactly("a", "b", "d");
  }

  @Test
  void itemCancelledWhileItIsHandledGoesNoFurther() {
    CompletableFuture<String> future = flow.submit("item");
    CompletableFuture<String> other = flow.submit("other");
    future.cancel(true);
    runAll();

    assertThat(second.items()).containsExactly("other");
    assertThat(other).isCompletedWithValue("other");
    assertThat(future).isCancelled();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void futureThatItsCallerCompletesIsWithdrawnToo(boolean exceptionally) {
    flow.submit("taken");
    CompletableFuture<String> future = flow.submit("item");

    boolean first =
        exceptionally ? future.completeExceptionally(new Exception()) : future.complete("mine");

    assertThat(first).isTrue();
    assertThat(flow.queued("one")).isZero();
    runAll();
    assertThat(this.first.items()).containsExactly("taken");
  }

  @Test
  void manyCancelledItemsAreForgotten() {
    flow.submit("taken");
    List<CompletableFuture<String>> futures =
        IntStream.range(0, 10_000).mapToObj(n -> flow.submit("item " + n)).toList();
    for (int i = 0; i < futures.size(); i++) {
      if (i % 1_000 != 0) {
        futures.get(i).cancel(false);
      }
    }
    runAll();

    assertThat(first.items())
        .containsExactlyElementsOf(
            IntStream.range(-1, 10).mapToObj(n -> n < 0 ? "taken" : "item " + n * 1_000).toList());
    assertThat(second.items()).hasSize(11);
  }

  @Test
  void cancellingAllOfABatchThatCollectsLeavesNothingToSend() throws Exception {
    GatedHandler<String> handler = GatedHandler.opened();
    Flow<String, String> timed =
        Flow.<String>builder("timed")
            .timeSource(time)
            .step(
                "only",
                handler,
                s ->
                    s.batch(BatchPolicy.fixed(4, SECOND))
                        .workers(Workers.executor(Runnable::run, 1)))
            .build()
            .start();
    List<CompletableFuture<String>> gone = timed.submitAll(List.of("a", "b", "c"));
    time.advance(Duration.ofMillis(500));
    gone.forEach(future -> future.cancel(false));
    CompletableFuture<String> late = timed.submit("late");
    time.advance(Duration.ofMillis(999));
    assertThat(late).as("the delay counts from the first that still waits").isNotDone();
    time.advance(Duration.ofMillis(1));

    assertThat(late).isCompletedWithValue("late");
    assertThat(handler.batches).containsExactly(List.of("late"));
    timed.close();
  }
}
