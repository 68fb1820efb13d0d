package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Batch functions that answer with a stage. */
class AsyncHandlerTest {
  private final AtomicReference<AsyncHandler<Integer, Object>> behaviour = new AtomicReference<>();
  private final Batcher<Integer, Object> batcher =
      Batcher.<Integer, Object>asyncBuilder(items -> behaviour.get().handle(items))
          .batch(BatchPolicy.greedy(100))
          .workers(Workers.executor(Runnable::run, 1))
          .build();

  private List<CompletableFuture<Object>> two(AsyncHandler<Integer, Object> handler) {
    behaviour.set(handler);
    return batcher.submitAll(List.of(0, 1));
  }

  private void expectFailure(Throwable failure, AsyncHandler<Integer, Object> handler) {
    for (var future : two(handler)) {
      AtomicReference<Throwable> told = new AtomicReference<>();
      future.whenComplete((result, thrown) -> told.set(thrown));
      assertThat(told.get()).isSameAs(failure);
    }
  }

  private static CompletableFuture<List<Object>> done(List<?> results) {
    return CompletableFuture.completedFuture(List.copyOf(results));
  }

  @AfterEach
  void goesOn() {
    behaviour.set(AsyncHandlerTest::done);
    assertThat(batcher.submit(7)).isCompletedWithValue(7);
    batcher.close();
  }

  @Test
  void whatItThrowsAtOnceReachesEveryCaller() {
    IOException failure = new IOException();
    expectFailure(
        failure,
        items -> {
          throw failure;
        });
    AssertionError error = new AssertionError();
    expectFailure(
        error,
        items -> {
          throw error;
        });
  }

  @Test
  void aFailedStageReachesEveryCallerWithoutTheWrappingOfStages() {
    IOException failure = new IOException();
    expectFailure(failure, items -> CompletableFuture.failedFuture(failure));
    expectFailure(
        failure, items -> CompletableFuture.failedFuture(new CompletionException(failure)));
    expectFailure(
        failure,
        items -> CompletableFuture.<List<Object>>failedFuture(failure).thenApply(List::copyOf));
    expectFailure(failure, items -> CompletableFuture.failedStage(failure));
  }

  @Test
  void aWrappingWithoutACauseReachesEveryCallerAsItIs() {
    CompletionException bare = new CompletionException("no cause", null);
    expectFailure(bare, items -> CompletableFuture.failedFuture(bare));
  }

  @Test
  void aCancelledStageCancelsTheCallers() {
    var futures =
        two(
            items -> {
              CompletableFuture<List<Object>> stage = new CompletableFuture<>();
              stage.cancel(true);
              return stage;
            });
    assertThat(futures).allMatch(CompletableFuture::isCancelled);
    expectFailureType(CancellationException.class, futures);
  }

  private static void expectFailureType(
      Class<? extends Throwable> type, List<CompletableFuture<Object>> futures) {
    for (var future : futures) {
      AtomicReference<Throwable> told = new AtomicReference<>();
      future.whenComplete((result, thrown) -> told.set(thrown));
      assertThat(told.get()).isInstanceOf(type);
    }
  }

  @Test
  void aNullStageFailsTheBatchAndSaysSo() {
    for (var future : two(items -> null)) {
      assertThat(future.exceptionNow())
          .isInstanceOf(NullPointerException.class)
          .hasMessage("the stage that the handler returned");
    }
  }

  /** A stage of a library that does not turn into a future. */
  private static CompletableFuture<List<Object>> odd(CompletableFuture<List<Object>> itself) {
    return new CompletableFuture<>() {
      @Override
      public CompletableFuture<List<Object>> toCompletableFuture() {
        if (itself == null) {
          return null;
        }
        throw new UnsupportedOperationException("not a future");
      }
    };
  }

  @Test
  void aStageThatDoesNotTurnIntoAFutureFailsTheBatch() {
    expectFailureType(
        UnsupportedOperationException.class, two(items -> odd(new CompletableFuture<>())));
    expectFailureType(NullPointerException.class, two(items -> odd(null)));
  }

  @Test
  void theListOfTheStageFollowsTheSameRules() {
    for (var future : two(items -> CompletableFuture.completedFuture(null))) {
      assertThat(future).isCompletedWithValue(null);
    }
    expectFailureType(BatchSizeMismatchException.class, two(items -> done(List.of("a"))));
    var futures =
        two(
            items -> {
              Outcomes<Object> outcomes = new Outcomes<>(2);
              outcomes.addFailure(new IOException());
              outcomes.add("b");
              return CompletableFuture.completedFuture(outcomes);
            });
    assertThat(futures.get(0).exceptionNow()).isInstanceOf(IOException.class);
    assertThat(futures.get(1)).isCompletedWithValue("b");
  }

  @Test
  void theThreadIsFreeButTheWorkerIsBusyUntilTheStageCompletes() {
    List<CompletableFuture<List<Object>>> stages = new ArrayList<>();
    AsyncHandler<Integer, Object> handler =
        items -> {
          CompletableFuture<List<Object>> stage = new CompletableFuture<>();
          stages.add(stage);
          return stage;
        };
    var first = two(handler);
    var second = batcher.submit(2);
    assertThat(stages).hasSize(1);
    stages.get(0).complete(List.of("a", "b"));
    assertThat(first.get(1)).isCompletedWithValue("b");
    assertThat(stages).hasSize(2);
    assertThat(second).isNotDone();
    stages.get(1).complete(List.of("c"));
    assertThat(second).isCompletedWithValue("c");
  }

  @Test
  void theStageMayCompleteOnAnotherThread() throws Exception {
    var futures =
        two(
            items -> {
              CompletableFuture<List<Object>> stage = new CompletableFuture<>();
              Thread.ofVirtual().start(() -> stage.complete(List.copyOf(items)));
              return stage;
            });
    assertThat(futures.get(1).get()).isEqualTo(1);
    behaviour.set(AsyncHandlerTest::done);
    assertThat(batcher.submit(3).get()).isEqualTo(3);
  }

  @Test
  void completingTheStageTwiceChangesNothing() {
    CompletableFuture<List<Object>> stage = new CompletableFuture<>();
    var futures = two(items -> stage);
    stage.complete(List.of("a", "b"));
    stage.complete(List.of("x", "y"));
    stage.completeExceptionally(new IOException());
    assertThat(futures.get(0)).isCompletedWithValue("a");
  }

  @Test
  void manyBatchesThatAreDoneAtOnceDoNotOverflowTheStack() {
    AtomicInteger batches = new AtomicInteger();
    try (Batcher<Integer, Integer> small =
        Batcher.<Integer, Integer>asyncBuilder(
                items -> {
                  batches.incrementAndGet();
                  return CompletableFuture.completedFuture(items);
                })
            .batch(BatchPolicy.greedy(1))
            .workers(Workers.executor(Runnable::run, 1))
            .build()) {
      var futures = small.submitAll(IntStream.range(0, 100_000).boxed().toList());
      assertThat(futures.getLast()).isCompletedWithValue(99_999);
      assertThat(batches).hasValue(100_000);
    }
  }

  @Test
  void theDefaultWorkersCompleteStagesInVirtualTime() throws Exception {
    VirtualTime time = new VirtualTime();
    CompletableFuture<CompletionStage<List<Integer>>> stage = new CompletableFuture<>();
    try (Batcher<Integer, Integer> threaded =
        Batcher.<Integer, Integer>asyncBuilder(
                items -> {
                  var answer = time.after(List.copyOf(items), Duration.ofSeconds(1));
                  stage.complete(answer);
                  return answer;
                })
            .timeSource(time)
            .build()) {
      var future = threaded.submit(5);
      assertThat(stage.get()).isNotNull();
      time.advance(Duration.ofSeconds(1));
      assertThat(future.get()).isEqualTo(5);
    }
  }

  @Test
  void aShutdownCancelsTheStageSoThatNobodyWaitsForIt() {
    CompletableFuture<List<Integer>> never = new CompletableFuture<>();
    Batcher<Integer, Integer> stuck =
        Batcher.<Integer, Integer>asyncBuilder(items -> never)
            .workers(Workers.executor(Runnable::run, 1))
            .build();
    var running = stuck.submit(0);
    var waiting = stuck.submit(1);
    stuck.shutdownNow();
    assertThat(running.exceptionNow()).isInstanceOf(StoppedException.class);
    assertThat(waiting.exceptionNow()).isInstanceOf(StoppedException.class);
    assertThat(never).isCancelled();
    stuck.close();
    assertThat(stuck.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void aStageThatIsReturnedAfterTheShutdownIsCancelledToo() {
    CompletableFuture<List<Integer>> never = new CompletableFuture<>();
    CompletableFuture<Batcher<Integer, Integer>> self = new CompletableFuture<>();
    Batcher<Integer, Integer> stuck =
        Batcher.<Integer, Integer>asyncBuilder(
                items -> {
                  self.join().shutdownNow();
                  return never;
                })
            .workers(Workers.executor(Runnable::run, 1))
            .build();
    self.complete(stuck);
    assertThat(stuck.submit(0).exceptionNow()).isInstanceOf(StoppedException.class);
    assertThat(never).isCancelled();
    stuck.close();
  }

  @Test
  void closingWaitsForAStageThatAnInlineBatchBegan() throws Exception {
    CompletableFuture<List<Integer>> stage = new CompletableFuture<>();
    Batcher<Integer, Integer> inline =
        Batcher.<Integer, Integer>asyncBuilder(items -> stage).workers(Workers.inline()).build();
    AtomicReference<CompletableFuture<Integer>> future = new AtomicReference<>();
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  future.set(inline.submit(1));
                  inline.close();
                });
    while (thread.getState() != Thread.State.WAITING) {
      assertThat(thread.isAlive()).isTrue();
      Thread.onSpinWait();
    }
    assertThat(future.get()).isNotDone();
    stage.complete(List.of(1));
    thread.join();
    assertThat(future.get()).isCompletedWithValue(1);
  }

  @Test
  void closingInAContinuationOnTheThreadThatCompletesTheStageDoesNotBlock() {
    CompletableFuture<List<Object>> stage = new CompletableFuture<>();
    try (Batcher<Integer, Object> other =
        Batcher.<Integer, Object>asyncBuilder(items -> stage)
            .workers(Workers.executor(Runnable::run, 1))
            .build()) {
      var closed = other.submit(0).thenRun(other::close);
      stage.complete(List.of("a"));
      assertThat(closed).isCompleted();
      other.close();
      assertThat(other.state()).isEqualTo(Flow.State.STOPPED);
    }
  }

  /** A stage that cannot be cancelled, and says so. */
  private static final class Uncancellable extends CompletableFuture<List<Integer>> {
    final CountDownLatch isCancelled = new CountDownLatch(1);

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      isCancelled.countDown();
      throw new UnsupportedOperationException("told to throw");
    }
  }

  @Test
  void aStageThatCannotBeCancelledDoesNotKeepAShutdownFromTheOthers() {
    for (Workers workers : List.of(Workers.executor(Runnable::run, 3), Workers.inline())) {
      List<Uncancellable> stages = new ArrayList<>();
      try (LogCapture log = new LogCapture()) {
        Batcher<Integer, Integer> stuck =
            Batcher.<Integer, Integer>asyncBuilder(
                    items -> {
                      stages.add(new Uncancellable());
                      return stages.getLast();
                    })
                .workers(workers)
                .batch(BatchPolicy.greedy(1))
                .build();
        List<CompletableFuture<Integer>> futures = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          futures.add(stuck.submit(i));
        }
        stuck.shutdownNow();
        for (var future : futures) {
          assertThat(future.exceptionNow()).isInstanceOf(StoppedException.class);
        }
        assertThat(log.messages()).singleElement().asString().contains("of batcher failed");
        stages.forEach(stage -> stage.complete(List.of(0)));
        stuck.close();
      }
    }
  }

  @Test
  void aStageThatCannotBeCancelledAfterTheShutdownDoesNotEndItsWorker() throws Exception {
    Uncancellable stage = new Uncancellable();
    CompletableFuture<Batcher<Integer, Integer>> self = new CompletableFuture<>();
    try (LogCapture _ = new LogCapture()) {
      Batcher<Integer, Integer> stuck =
          Batcher.<Integer, Integer>asyncBuilder(
                  items -> {
                    self.join().shutdownNow();
                    return stage;
                  })
              .build();
      self.complete(stuck);
      var future = stuck.submit(0);
      stage.isCancelled.await();
      stage.complete(List.of(0));
      stuck.close(Duration.ofSeconds(20));
      assertThat(stuck.state()).isEqualTo(Flow.State.STOPPED);
      assertThat(future.exceptionNow()).isInstanceOf(StoppedException.class);
    }
  }

  /** Each item has a stage of its own, and what is wrong with one touches no other. */
  @Test
  void stagesOfSingleItems() {
    IOException failure = new IOException();
    Map<Integer, CompletableFuture<Object>> stages = new HashMap<>();
    behaviour.set(
        AsyncHandler.each(
            n -> {
              if (n == 3) {
                throw new IllegalArgumentException("no three");
              }
              return switch (n) {
                case 4 -> none();
                case 5 -> new WithoutFuture();
                default -> stages.computeIfAbsent(n, _ -> new CompletableFuture<>());
              };
            }));
    List<CompletableFuture<Object>> answers = batcher.submitAll(List.of(0, 1, 2, 3, 4, 5));
    assertThat(stages).containsOnlyKeys(0, 1, 2);
    stages.get(1).complete("one");
    stages.get(0).completeExceptionally(new CompletionException(failure));
    assertThat(answers).noneMatch(CompletableFuture::isDone);
    stages.get(2).cancel(true);
    assertThat(answers.get(0)).isCompletedExceptionally();
    assertThat(answers.get(0).exceptionNow()).isSameAs(failure);
    assertThat(answers.get(1)).isCompletedWithValue("one");
    assertThat(answers.get(2)).isCancelled();
    assertThat(answers.get(3).exceptionNow()).hasMessage("no three");
    assertThat(answers.get(4).exceptionNow()).hasMessage("the stage that the function returned");
    assertThat(answers.get(5).exceptionNow()).hasMessage("the future of the stage");
  }

  private static final class WithoutFuture extends CompletableFuture<Object> {
    @Override
    public CompletableFuture<Object> toCompletableFuture() {
      return none();
    }
  }

  @SuppressWarnings("NullAway") // what a client may do
  private static CompletableFuture<Object> none() {
    return null;
  }

  @Test
  void aShutdownCancelsTheStagesOfSingleItems() {
    List<CompletableFuture<Object>> stages =
        List.of(new CompletableFuture<>(), new CompletableFuture<>());
    try (Batcher<Integer, Object> doomed =
        Batcher.<Integer, Object>asyncBuilder(AsyncHandler.each(stages::get))
            .workers(Workers.executor(Runnable::run, 1))
            .batch(BatchPolicy.fixed(2, Duration.ofDays(1)))
            .build()) {
      doomed.submitAll(List.of(0, 1));
      stages.get(0).complete("zero");
      doomed.shutdownNow();
      assertThat(stages.get(1)).isCancelled();
    }
  }
}
