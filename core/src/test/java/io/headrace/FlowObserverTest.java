package io.headrace;

import static io.headrace.FlowProbes.aside;
import static io.headrace.FlowProbes.awaitThat;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What observers and listeners are told, with exact numbers in virtual time. */
class FlowObserverTest {
  private static final long MS = 1_000_000;

  private final VirtualTime time = new VirtualTime();

  /** Writes down what it is told, times in milliseconds. */
  private static final class Recorder implements Observer {
    final List<String> batches = new CopyOnWriteArrayList<>();
    final List<String> calls = new CopyOnWriteArrayList<>();
    final List<Flow.State> states = new CopyOnWriteArrayList<>();
    final List<String> lost = new CopyOnWriteArrayList<>();

    @Override
    public void onRetry(String service, String step, int items) {
      lost.add(service + "/" + step + " retried " + items);
    }

    @Override
    public void onDrop(String service, String step, Outcome outcome) {
      lost.add(service + "/" + step + " " + outcome);
    }

    @Override
    public void onBatch(BatchEvent batch) {
      batches.add(
          String.format(
              "%s/%s size %d failed %d handle %d queue %s left %d",
              batch.service(),
              batch.step(),
              batch.size(),
              batch.failed(),
              batch.handleNanos() / MS,
              Arrays.toString(Arrays.stream(batch.queueNanos()).map(n -> n / MS).toArray()),
              batch.queueLength()));
    }

    @Override
    public void onCallEnd(String service, Outcome outcome, long nanos, @Nullable Object call) {
      calls.add(service + " " + outcome + " " + nanos / MS);
    }

    @Override
    public void onState(String service, Flow.State state) {
      states.add(state);
    }
  }

  private final Recorder recorder = new Recorder();

  /** Answers each batch after some time; an item that is negative fails, zero fails the batch. */
  static AsyncHandler<Integer, Integer> taking(VirtualTime time, long millis) {
    return items -> {
      Outcomes<Integer> outcomes = new Outcomes<>(items.size());
      for (int item : items) {
        if (item < 0) {
          outcomes.addFailure(new IOException("negative"));
        } else {
          outcomes.add(item + 1);
        }
      }
      CompletionStage<Outcomes<Integer>> answer = time.after(outcomes, Duration.ofMillis(millis));
      return items.contains(0)
          ? answer.thenApply(
              o -> {
                throw new IllegalStateException("zero");
              })
          : answer;
    };
  }

  private Flow<Integer, Integer> flow(Observer... observers) throws InterruptedException {
    FlowBuilder<Integer, Integer> builder = Flow.<Integer>builder("f").timeSource(time);
    for (Observer observer : observers) {
      builder.observer(observer);
    }
    Workers worker = Workers.executor(Runnable::run, 1);
    return builder
        .asyncStep(
            "a",
            taking(time, 10),
            s -> s.batch(BatchPolicy.greedy(2)).workers(worker).queue(4, OnFull.fail()))
        .asyncStep("b", taking(time, 30), s -> s.batch(BatchPolicy.greedy(4)).workers(worker))
        .build()
        .start();
  }

  private void advance(long millis) {
    time.advance(Duration.ofMillis(millis));
  }

  @Test
  void batchesAreReportedWithTheirTimesAndSizes() throws Exception {
    Flow<Integer, Integer> flow = flow(recorder);
    flow.submit(1);
    advance(4);
    flow.submitAll(List.of(2, 3, 4));
    advance(100);

    assertThat(recorder.batches)
        .containsExactly(
            "f/a size 1 failed 0 handle 10 queue [0] left 0",
            "f/a size 2 failed 0 handle 10 queue [6, 6] left 1",
            "f/a size 1 failed 0 handle 10 queue [16] left 0",
            "f/b size 1 failed 0 handle 30 queue [0] left 0",
            "f/b size 3 failed 0 handle 30 queue [20, 20, 10] left 0");
    assertThat(recorder.calls)
        .containsExactly("f COMPLETED 40", "f COMPLETED 66", "f COMPLETED 66", "f COMPLETED 66");
    flow.close();
  }

  @Test
  void collectingIsTheWaitOfTheOldestItem() throws Exception {
    List<Duration> collecting = new ArrayList<>();
    Observer observer =
        new Observer() {
          @Override
          public void onBatch(BatchEvent batch) {
            collecting.add(batch.collecting());
          }
        };
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("f")
            .timeSource(time)
            .observer(observer)
            .<Integer>step(
                "timed",
                items -> items,
                s ->
                    s.batch(BatchPolicy.fixed(3, Duration.ofMillis(50)))
                        .workers(Workers.executor(Runnable::run, 1)))
            .build()
            .start();
    flow.submit(1);
    advance(20);
    flow.submit(2);
    advance(30);
    flow.submit(3);
    advance(5);
    flow.submit(4);
    advance(7);
    flow.submit(5);

    assertThat(collecting).containsExactly(Duration.ofMillis(50), Duration.ofMillis(12));
    flow.close();
  }

  @Test
  void failuresAreCountedPerItem() throws Exception {
    Flow<Integer, Integer> flow = flow(recorder);
    flow.submit(-1);
    flow.submitAll(List.of(1, -1));
    advance(100);
    flow.submit(7);
    flow.submitAll(List.of(0, 1));
    advance(100);

    assertThat(recorder.batches)
        .containsExactly(
            "f/a size 1 failed 1 handle 10 queue [0] left 0",
            "f/a size 2 failed 1 handle 10 queue [10, 10] left 0",
            "f/b size 1 failed 0 handle 30 queue [0] left 0",
            "f/a size 1 failed 0 handle 10 queue [0] left 0",
            "f/a size 2 failed 2 handle 10 queue [10, 10] left 0",
            "f/b size 1 failed 0 handle 30 queue [0] left 0");
    assertThat(recorder.calls)
        .containsExactly(
            "f FAILED 10",
            "f FAILED 20",
            "f COMPLETED 50",
            "f FAILED 20",
            "f FAILED 20",
            "f COMPLETED 40");
    flow.close();
  }

  @Test
  void batchWithTheWrongNumberOfResultsIsReportedAsFailed() throws Exception {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("f")
            .timeSource(time)
            .observer(recorder)
            .<Integer>step("s", items -> List.of(), s -> s.workers(Workers.inline()))
            .build()
            .start();

    flow.submitAll(List.of(1, 2));

    assertThat(recorder.batches)
        .containsExactly("f/s size 2 failed 2 handle 0 queue [0, 0] left 0");
    assertThat(recorder.calls).containsExactly("f FAILED 0", "f FAILED 0");
    flow.close();
  }

  @Test
  void everyCallEndsOnceWithItsOutcome() throws Exception {
    Flow<Integer, Integer> flow = flow(recorder);
    flow.submit(1);
    flow.submit(2, CallOptions.timeout(Duration.ofMillis(3)));
    CompletableFuture<Integer> cancelled = flow.submit(3);
    CompletableFuture<Integer> completed = flow.submit(4);
    flow.submit(5);
    flow.submit(6); // finds the queue full
    assertThat(recorder.calls).containsExactly("f REJECTED 0");
    advance(2);
    cancelled.cancel(false);
    cancelled.cancel(false);
    assertThat(cancelled.complete(9)).isFalse();
    completed.complete(8);
    advance(1);
    CompletableFuture<Integer> timed = flow.submit(7).orTimeout(1, TimeUnit.HOURS);
    timed.completeExceptionally(new IOException());
    advance(100);
    flow.close();
    flow.submit(8);

    assertThat(recorder.calls)
        .containsExactly(
            "f REJECTED 0",
            "f CANCELLED 2",
            "f CANCELLED 2",
            "f TIMED_OUT 3",
            "f CANCELLED 0",
            "f COMPLETED 40",
            "f COMPLETED 70",
            "f REJECTED 0");
  }

  /** The steps take 10 and 30 ms for a batch. */
  @Test
  void theStepWhereAnItemIsLostTellsIt() throws Exception {
    Flow<Integer, Integer> flow = flow(recorder);
    flow.submit(1);
    advance(10);
    flow.submit(2, CallOptions.timeout(Duration.ofMillis(25))); // in the queue of b then
    flow.submitAll(List.of(3, 4)).getFirst().cancel(false); // in the queue of a
    flow.submitAll(List.of(5, 6, 7, 8)); // of which the last finds the queue full
    assertThat(recorder.lost).containsExactly("f/a CANCELLED", "f/a REJECTED");
    advance(25);
    assertThat(recorder.lost).hasSize(3).endsWith("f/b TIMED_OUT");
    advance(5); // 1 is done, and all others wait for b, of which it takes four
    flow.submit(9, CallOptions.timeout(Duration.ofMillis(5))); // in the batch of a
    advance(10);
    assertThat(recorder.lost).hasSize(4).endsWith("f/a TIMED_OUT");
    flow.shutdownNow();
    assertThat(recorder.lost).hasSize(8);
    assertThat(recorder.lost.subList(4, 8)).containsOnly("f/b REJECTED");
    Statistics statistics = flow.statistics();
    assertThat(statistics.steps().get(0))
        .returns(1L, Statistics.Step::timedOut)
        .returns(1L, Statistics.Step::cancelled)
        .returns(1L, Statistics.Step::rejected);
    assertThat(statistics.steps().get(1))
        .returns(1L, Statistics.Step::timedOut)
        .returns(0L, Statistics.Step::cancelled)
        .returns(4L, Statistics.Step::rejected);
    assertThat(statistics.completed()).isEqualTo(1);
  }

  /** The ways of the branches end with the call, or with that of the other branch. */
  @Test
  void branchesAreLostAsTheirCallEnds() throws Exception {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("f")
            .timeSource(time)
            .observer(recorder)
            .<Integer, Integer, Integer>parallel(
                b -> b.asyncStep("a", taking(time, 10), s -> s.workers(Workers.inline())),
                b -> b.asyncStep("b", taking(time, 30), s -> s.workers(Workers.inline())),
                Integer::sum)
            .build()
            .start();
    flow.submit(1, CallOptions.timeout(Duration.ofMillis(20))); // a is done before
    advance(40);
    assertThat(recorder.lost).containsExactly("f/b TIMED_OUT");
    flow.submit(2).cancel(false);
    advance(40);
    assertThat(recorder.lost).hasSize(3).endsWith("f/a CANCELLED", "f/b CANCELLED");
    flow.submit(-3);
    advance(40);
    assertThat(recorder.lost).as("of b, which fails, too, but later").hasSize(4);
    assertThat(flow.statistics().steps().getFirst().failed()).isEqualTo(1);
    flow.close();
  }

  @Test
  void whatIsExecutedAgainIsTold() throws Exception {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("f")
            .timeSource(time)
            .observer(recorder)
            .asyncStep("s", taking(time, 7), s -> s.workers(Workers.inline()).isolate(8))
            .build()
            .start();
    flow.submitAll(List.of(1, 2, 3, 0));
    advance(100);
    assertThat(recorder.lost).containsExactly("f/s retried 2", "f/s retried 1", "f/s retried 1");
    flow.close();
  }

  @Test
  void callsOfConditionsAndShutdownsEndOnceToo() throws Exception {
    HeldBatches<Integer> held = new HeldBatches<>();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("f")
            .timeSource(time)
            .observer(recorder)
            .stepIf(
                n -> 10 / n > 1, "small", Handler.each(n -> n), s -> s.workers(Workers.inline()))
            .asyncStep(
                "held",
                held,
                s -> s.batch(BatchPolicy.greedy(1)).workers(Workers.executor(Runnable::run, 1)))
            .build()
            .start();
    flow.submit(0);
    assertThat(recorder.calls).containsExactly("f FAILED 0");
    flow.submitAll(List.of(1, 2));
    advance(5);
    flow.shutdownNow();
    held.answerAll();

    assertThat(recorder.calls).containsExactly("f FAILED 0", "f REJECTED 5", "f REJECTED 5");
    assertThat(recorder.states)
        .containsExactly(
            Flow.State.STARTING, Flow.State.RUNNING, Flow.State.DRAINING, Flow.State.STOPPED);
  }

  @Test
  void executorThatRejectsIsARejection() throws Exception {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("f")
            .timeSource(time)
            .observer(recorder)
            .<Integer>step(
                "s",
                items -> items,
                s ->
                    s.workers(
                        Workers.executor(
                            task -> {
                              throw new RejectedExecutionException("full");
                            },
                            2)))
            .build()
            .start();

    List<CompletableFuture<Integer>> futures = flow.submitAll(List.of(1, 2));
    futures.forEach(
        future ->
            assertThat(future.exceptionNow())
                .isInstanceOf(RejectedException.class)
                .hasMessage(
                    "the executor of step s of f rejected a batch:"
                        + " java.util.concurrent.RejectedExecutionException: full"));
    assertThat(recorder.calls).containsExactly("f REJECTED 0", "f REJECTED 0");
    flow.close();
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
  }

  static Stream<Workers> everyKind() {
    return FlowCloseTest.everyKind();
  }

  /** Throws from every method, unchecked exceptions and errors. */
  private static final class Thrower implements Observer, CallListener {
    @Override
    public void onBatch(BatchEvent batch) {
      throw new StackOverflowError("on batch");
    }

    @Override
    public void onCallEnd(String service, Outcome outcome, long nanos, @Nullable Object call) {
      throw new IllegalStateException("on call end");
    }

    @Override
    public void onState(String service, Flow.State state) {
      throw new AssertionError("on state");
    }

    @Override
    public void onStep(String step, int batchSize, long queueNanos, long handleNanos) {
      throw new NoClassDefFoundError("on step");
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void observersThatThrowTouchNothing(Workers workers) throws Exception {
    LogCapture log = new LogCapture();
    Thrower thrower = new Thrower();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("thrower")
            .observer(thrower)
            .observer(recorder)
            .<Integer>step("one", items -> items, s -> s.workers(workers))
            .<Integer>step("two", items -> items, s -> s.workers(workers))
            .build()
            .start();
    CallOptions options = CallOptions.DEFAULT.withListener(thrower);

    for (int i = 0; i < 10; i++) {
      assertThat(valueOf(flow.submit(i, options))).isEqualTo(i);
    }
    valueOf(aside(flow::close));
    log.close();
    assertThat(log.messages()).as("reported once").hasSize(1);

    awaitThat("all calls are reported", () -> recorder.calls.size() == 10);
    assertThat(recorder.calls).allMatch(call -> call.startsWith("thrower COMPLETED"));
    assertThat(recorder.batches).hasSize(20);
    assertThat(recorder.states).endsWith(Flow.State.DRAINING, Flow.State.STOPPED);
  }

  @Test
  void startThatFailsIsReported() {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("f")
            .observer(recorder)
            .<Integer>stepPerWorker(
                "s",
                () -> {
                  throw new IllegalStateException("no");
                },
                s -> {})
            .build();

    valueOf(aside(flow::start).handle((done, failure) -> "ended"));

    assertThat(recorder.states).containsExactly(Flow.State.STARTING, Flow.State.FAILED);
  }

  @Test
  void inlineBatchesAreReportedToo() throws Exception {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("f")
            .timeSource(time)
            .observer(recorder)
            .asyncStep(
                "s", taking(time, 7), s -> s.batch(BatchPolicy.greedy(2)).workers(Workers.inline()))
            .build()
            .start();

    flow.submitAll(List.of(1, 2, 3));
    advance(7);

    assertThat(recorder.batches)
        .containsExactly(
            "f/s size 2 failed 0 handle 7 queue [0, 0] left 0",
            "f/s size 1 failed 0 handle 7 queue [0] left 0");
    assertThat(recorder.calls).containsExactly("f COMPLETED 7", "f COMPLETED 7", "f COMPLETED 7");
    flow.close();
  }

  @Test
  void statesAreToldInOrderThoughAnObserverIsSlow() throws Exception {
    CountDownLatch told = new CountDownLatch(1);
    CountDownLatch gate = new CountDownLatch(1);
    Observer slow =
        new Observer() {
          @Override
          public void onState(String service, Flow.State state) {
            if (state == Flow.State.RUNNING) {
              told.countDown();
              FlowProbes.awaitLatch("the observer may go on", gate);
            }
          }
        };
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("f")
            .observer(slow)
            .observer(recorder)
            .<Integer>step("s", items -> items)
            .build();
    CompletableFuture<Void> start = aside(flow::start);
    FlowProbes.awaitLatch("the flow runs", told);

    valueOf(aside(flow::close));
    gate.countDown();

    valueOf(start);
    assertThat(recorder.states)
        .containsExactly(
            Flow.State.STARTING, Flow.State.RUNNING, Flow.State.DRAINING, Flow.State.STOPPED);
  }
}
