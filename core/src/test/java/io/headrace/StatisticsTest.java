package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The numbers of a batcher: each call is counted once, by the way it ended. */
class StatisticsTest {
  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor stepped = new SteppedExecutor();

  private BatcherBuilder<Integer, Integer> builder() {
    return Batcher.<Integer, Integer>builder(
            items -> {
              if (items.contains(-1)) {
                throw new IllegalStateException();
              }
              return items;
            })
        .name("b")
        .batch(BatchPolicy.greedy(2))
        .workers(Workers.executor(stepped, 1))
        .timeSource(time);
  }

  private static List<Long> ways(Statistics statistics) {
    return List.of(
        statistics.completed(),
        statistics.failed(),
        statistics.timedOut(),
        statistics.cancelled(),
        statistics.rejected());
  }

  /** A step that has lost nothing. */
  private static Statistics.Step step(int queued, long running, long batches, long items) {
    return new Statistics.Step("b", 1, queued, running, batches, items, 0, 0, 0, 0, 0);
  }

  /** Whether the calls of a batcher that had no result are found at its step. */
  private static boolean isFoundAtTheStep(Statistics statistics) {
    Statistics.Step step = statistics.steps().getFirst();
    return step.failed() == statistics.failed()
        && step.timedOut() == statistics.timedOut()
        && step.cancelled() == statistics.cancelled()
        && step.rejected() <= statistics.rejected(); // without those after the close
  }

  private static void checkAtRest(Statistics statistics, long submitted) {
    assertThat(statistics.ended()).as("%s", statistics).isEqualTo(submitted);
    Statistics.Step step = statistics.steps().getFirst();
    assertThat(step.queued()).isZero();
    assertThat(step.running()).isZero();
    assertThat(isFoundAtTheStep(statistics)).as("%s", statistics).isTrue();
  }

  @Test
  void aNewBatcherHasDoneNothing() {
    try (var batcher = builder().build()) {
      Statistics statistics = batcher.statistics();
      assertThat(statistics.name()).isEqualTo("b");
      assertThat(statistics.state()).isEqualTo(Flow.State.RUNNING);
      assertThat(ways(statistics)).containsExactly(0L, 0L, 0L, 0L, 0L);
      assertThat(statistics.steps()).containsExactly(step(0, 0, 0, 0));
      assertThat(statistics.steps().getFirst().meanBatchSize()).isZero();
    }
  }

  @Test
  void tellsWhatWaitsAndWhatRuns() {
    var batcher = builder().build();
    batcher.submit(1);
    batcher.submitAll(List.of(2, 3, 4));
    assertThat(batcher.statistics().steps()).containsExactly(step(3, 1, 1, 1));
    stepped.runAll();
    assertThat(batcher.statistics().steps()).containsExactly(step(0, 0, 3, 4));
    assertThat(batcher.statistics().steps().getFirst().meanBatchSize()).isEqualTo(4.0 / 3);
    checkAtRest(batcher.statistics(), 4);
  }

  @Test
  void countsEveryWayACallCanEnd() {
    var batcher = builder().queue(6, OnFull.fail()).build();
    batcher.submit(0); // completes
    batcher.submitAll(List.of(-1, 1)); // fail as a batch
    batcher.submit(2, CallOptions.timeout(Duration.ofMillis(1)));
    batcher.submit(3).cancel(true);
    batcher.submit(4).complete(44);
    batcher.submit(5).completeExceptionally(new IllegalStateException());
    batcher.submitAll(List.of(6, 7, 8, 9, 10)); // three find room
    time.advance(Duration.ofMillis(1));
    stepped.runAll();
    Statistics statistics = batcher.statistics();
    assertThat(ways(statistics)).containsExactly(4L, 2L, 1L, 3L, 2L);
    assertThat(statistics.steps().getFirst().rejected()).isEqualTo(2);
    checkAtRest(statistics, 12);
  }

  /** Outcomes of another service, with which callers complete the futures of this one. */
  @Test
  void whatACallerCompletesIsCountedAsCancelledWhateverItCompletesItWith() {
    List<Exception> failures =
        List.of(
            new DeadlineExceededException("of another"),
            new QueueFullException("of another"),
            new RejectedException("of another", null),
            new StoppedException("of another"),
            new IllegalStateException());
    HeldBatches<Integer> held = new HeldBatches<>();
    var batcher = Batcher.asyncBuilder(held).workers(Workers.executor(Runnable::run, 1)).build();
    for (Exception failure : failures) {
      batcher.submit(1).completeExceptionally(failure); // while its batch runs
      batcher.submit(2).completeExceptionally(failure); // while it waits
      held.answer();
    }
    assertThat(ways(batcher.statistics())).containsExactly(0L, 0L, 0L, 10L, 0L);
    batcher.close();
  }

  @Test
  void aCallThatEndsWhileItsBatchRunsIsCountedAsItEnded() {
    HeldBatches<Integer> held = new HeldBatches<>();
    var batcher =
        Batcher.asyncBuilder(held)
            .workers(Workers.executor(Runnable::run, 1))
            .timeSource(time)
            .build();
    batcher.submit(1).cancel(true);
    batcher.submit(2, CallOptions.timeout(Duration.ofMillis(1)));
    batcher.submit(3);
    assertThat(ways(batcher.statistics())).containsExactly(0L, 0L, 0L, 1L, 0L);
    held.answer();
    time.advance(Duration.ofMillis(1));
    assertThat(ways(batcher.statistics())).containsExactly(0L, 0L, 1L, 1L, 0L);
    assertThat(batcher.statistics().steps().getFirst().running()).isEqualTo(2);
    held.answer();
    assertThat(ways(batcher.statistics())).containsExactly(1L, 0L, 1L, 1L, 0L);
    checkAtRest(batcher.statistics(), 3);
    batcher.close();
  }

  /** With observers and without: the numbers agree with what observers are told, at any moment. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatIsCountedIsWhatObserversAreTold(boolean isObserved) {
    List<Observer.Outcome> told = new ArrayList<>();
    Observer observer =
        new Observer() {
          @Override
          public void onCallEnd(String service, Outcome outcome, long nanos, Object call) {
            told.add(outcome);
          }
        };
    HeldBatches<Integer> held = new HeldBatches<>();
    var builder =
        Flow.<Integer>builder("f")
            .asyncStep("first", held, step -> step.workers(Workers.executor(Runnable::run, 1)))
            .asyncStep("second", held, step -> step.workers(Workers.inline()))
            .timeSource(time);
    Flow<Integer, Integer> flow = (isObserved ? builder.observer(observer) : builder).build();
    try (flow) {
      flow.start();
      flow.submit(1).cancel(true); // in the batch of the first step
      var second = flow.submit(2);
      held.answer();
      held.answer(); // of the first step; it is in that of the second now
      flow.submit(3).complete(33);
      flow.submit(4).cancel(true); // waits
      second.completeExceptionally(new IllegalStateException());
      assertThat(flow.statistics().cancelled()).isEqualTo(4);
      flow.submit(5, CallOptions.timeout(Duration.ofMillis(1)));
      time.advance(Duration.ofMillis(1));
      assertThat(flow.statistics().timedOut()).isOne();
      assertThat(told).hasSize(isObserved ? 5 : 0);
      held.answerAll();
      assertThat(ways(flow.statistics())).containsExactly(0L, 0L, 1L, 4L, 0L);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** What a shutdown fails in a batch that ends later. */
  @Test
  void whatAShutdownFailsIsCountedAtOnce() {
    CompletableFuture<List<Integer>> stubborn =
        new CompletableFuture<>() {
          @Override
          public boolean cancel(boolean mayInterruptIfRunning) {
            return false;
          }
        };
    var batcher =
        Batcher.<Integer, Integer>asyncBuilder(_ -> stubborn)
            .workers(Workers.executor(Runnable::run, 1))
            .build();
    batcher.submit(1);
    batcher.shutdownNow();
    assertThat(ways(batcher.statistics())).containsExactly(0L, 0L, 0L, 0L, 1L);
    stubborn.complete(List.of(1));
    batcher.close();
    assertThat(ways(batcher.statistics())).containsExactly(0L, 0L, 0L, 0L, 1L);
    checkAtRest(batcher.statistics(), 1);
  }

  @Test
  void callsAfterTheCloseAreRejected() {
    var batcher = builder().build();
    batcher.submit(1);
    stepped.runAll();
    batcher.close();
    batcher.submit(2);
    batcher.submitAll(List.of(3, 4));
    assertThat(ways(batcher.statistics())).containsExactly(1L, 0L, 0L, 0L, 3L);
    assertThat(batcher.statistics().state()).isEqualTo(Flow.State.STOPPED);
    checkAtRest(batcher.statistics(), 4);
  }

  @Test
  void callsThatAShutdownFailsAreRejected() {
    HeldBatches<Integer> held = new HeldBatches<>();
    for (OnFull onFull : List.of(OnFull.fail(), OnFull.await())) {
      var batcher =
          Batcher.asyncBuilder(held)
              .queue(3, onFull)
              .workers(Workers.executor(Runnable::run, 1))
              .build();
      var futures = batcher.submitAll(IntStream.range(0, 5).boxed().toList());
      batcher.submitAll(IntStream.range(5, 8).boxed().toList());
      futures.get(0).cancel(true);
      batcher.shutdownNow();
      batcher.close();
      assertThat(batcher.statistics().cancelled()).isEqualTo(1);
      assertThat(batcher.statistics().rejected()).isEqualTo(7);
      checkAtRest(batcher.statistics(), 8);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void inlineWorkersCountToo(boolean fails) {
    try (var batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  if (fails) {
                    throw new IllegalStateException();
                  }
                  return items;
                })
            .workers(Workers.inline())
            .build()) {
      batcher.submit(1);
      batcher.submitAll(List.of(2, 3));
      assertThat(ways(batcher.statistics()))
          .containsExactly(fails ? 0L : 3L, fails ? 3L : 0L, 0L, 0L, 0L);
      Statistics.Step step = batcher.statistics().steps().getFirst();
      assertThat(step.batches()).isEqualTo(2);
      assertThat(step.workers()).isEqualTo(Integer.MAX_VALUE);
      checkAtRest(batcher.statistics(), 3);
    }
  }

  /** What is drawn at random for each of many batchers that real threads use at once. */
  @Test
  void theSumIsRightWhateverManyThreadsDo() throws Exception {
    for (int seed = 0; seed < 30; seed++) {
      stress(Seeds.random(seed));
    }
  }

  private static void stress(Random random) throws Exception {
    boolean fails = random.nextBoolean();
    BatcherBuilder<Integer, Integer> builder =
        Batcher.<Integer, Integer>builder(
                items -> {
                  if (fails && items.getFirst() % 17 == 0) {
                    throw new IllegalStateException();
                  }
                  return items;
                })
            .priorities(2)
            .batch(
                random.nextBoolean()
                    ? BatchPolicy.greedy(8)
                    : BatchPolicy.fixed(8, Duration.ofNanos(random.nextInt(300_000))))
            .workers(random.nextBoolean() ? Workers.threads(2) : Workers.virtualThreads(3))
            .queue(
                1 + random.nextInt(200),
                List.of(OnFull.fail(), OnFull.await(), OnFull.await(Duration.ofMillis(1)))
                    .get(random.nextInt(3)));
    if (random.nextBoolean()) {
      builder.bucket(item -> item % 5);
    }
    if (random.nextBoolean()) {
      builder.weight(item -> 1 + item % 9); // 9 is too heavy
    }
    if (random.nextBoolean()) {
      builder.isolate(2 + random.nextInt(4));
    }
    Batcher<Integer, Integer> batcher = builder.build();
    AtomicLong submitted = new AtomicLong();
    List<CompletableFuture<Void>> threads = new ArrayList<>();
    CountDownLatch half = new CountDownLatch(3);
    for (int t = 0; t < 3; t++) {
      Random own = new Random(random.nextLong());
      threads.add(FlowProbes.aside(() -> submit(batcher, own, submitted, half)));
    }
    half.await();
    if (random.nextBoolean()) {
      batcher.shutdownNow();
    } else if (random.nextBoolean()) {
      batcher.flush();
    }
    for (CompletableFuture<Void> thread : threads) {
      thread.get();
    }
    batcher.close();
    // A shutdown of another thread may still be failing what it has stopped.
    FlowProbes.awaitThat(
        "every call is counted: " + batcher.statistics(),
        () ->
            batcher.statistics().ended() >= submitted.get()
                && isFoundAtTheStep(batcher.statistics()));
    checkAtRest(batcher.statistics(), submitted.get());
  }

  private static void submit(
      Batcher<Integer, Integer> batcher, Random random, AtomicLong submitted, CountDownLatch half) {
    for (int i = 0; i < 2_000; i++) {
      CallOptions options = CallOptions.priority(random.nextInt(2));
      if (random.nextInt(4) == 0) {
        options = options.withTimeout(Duration.ofNanos(1 + random.nextInt(500_000)));
      }
      submitted.incrementAndGet();
      var future = batcher.submit(random.nextInt(1_000), options);
      if (random.nextInt(4) == 0) {
        future.cancel(true);
      }
      if (i == 1_000) {
        half.countDown();
      }
    }
  }
}
