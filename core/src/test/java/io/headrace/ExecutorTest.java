package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.SteppedExecutor;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Workers that run as tasks of an executor. */
class ExecutorTest {
  private static final List<Integer> MANY = IntStream.range(0, 100_000).boxed().toList();

  private final Echo<Integer> echo = new Echo<>();

  private Batcher<Integer, Integer> batcher(Executor executor, int workers) {
    return Batcher.<Integer, Integer>builder(items -> items)
        .batch(BatchPolicy.greedy(1))
        .workers(Workers.executor(executor, workers))
        .build();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, Integer.MAX_VALUE})
  void theCallingThreadHandlesManyItemsWithoutRecursion(int workers) {
    try (var batcher = batcher(Runnable::run, workers)) {
      var futures = batcher.submitAll(MANY);
      assertThat(futures).allMatch(CompletableFuture::isDone);
      assertThat(futures.getLast()).isCompletedWithValue(99_999);
      assertThat(batcher.submit(1)).isCompletedWithValue(1);
    }
  }

  @Test
  void theChainOfAnItemThatTheHandlerSubmitsDoesNotGrowTheStack() {
    AtomicInteger left = new AtomicInteger(100_000);
    CompletableFuture<Batcher<Integer, Integer>> self = new CompletableFuture<>();
    try (Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  if (left.decrementAndGet() > 0) {
                    self.join().submit(left.get());
                  }
                  return items;
                })
            .workers(Workers.executor(Runnable::run, 1))
            .build()) {
      self.complete(batcher);
      batcher.submit(0);
      assertThat(left).hasValue(0);
    }
  }

  @Test
  void aRejectedBatchFailsAndSaysWhyAndLaterOnesAreHandled() {
    AtomicBoolean full = new AtomicBoolean(true);
    RejectedExecutionException rejection = new RejectedExecutionException("pool is full");
    try (var batcher =
        batcher(
            task -> {
              if (full.get()) {
                throw rejection;
              }
              task.run();
            },
            1)) {
      for (var future : batcher.submitAll(List.of(1, 2, 3))) {
        assertThat(future.exceptionNow())
            .isInstanceOf(RejectedException.class)
            .hasMessage("the executor of batcher rejected a batch: " + rejection)
            .hasCause(rejection);
      }
      full.set(false);
      assertThat(batcher.submit(4)).isCompletedWithValue(4);
    }
  }

  @Test
  void manyRejectionsDoNotOverflowTheStack() {
    try (var batcher =
        batcher(
            task -> {
              throw new RejectedExecutionException();
            },
            1)) {
      assertThat(batcher.submitAll(MANY.subList(0, 20_000)))
          .allMatch(CompletableFuture::isCompletedExceptionally);
    }
  }

  @Test
  void anExecutorThatFailsWithAnErrorRejectsTheBatch() {
    try (var batcher =
        batcher(
            task -> {
              throw new OutOfMemoryError("no thread");
            },
            2)) {
      assertThat(batcher.submit(1).exceptionNow())
          .isInstanceOf(RejectedException.class)
          .hasCauseInstanceOf(OutOfMemoryError.class);
    }
  }

  @Test
  void anExecutorThatWasShutDownRejectsWhatComesLater() {
    var executor = Executors.newSingleThreadExecutor();
    try (var batcher = batcher(executor, 1)) {
      assertThat(batcher.submit(1).join()).isEqualTo(1);
      executor.close();
      assertThat(batcher.submit(2).exceptionNow()).isInstanceOf(RejectedException.class);
    }
  }

  @Test
  void aTaskGoesFromBatchToBatchAndEndsWhenNothingIsLeft() {
    SteppedExecutor stepped = new SteppedExecutor();
    var batcher =
        Batcher.builder(echo)
            .batch(BatchPolicy.greedy(2))
            .workers(Workers.executor(stepped, 2))
            .build();
    assertThat(stepped.pending()).isZero();
    batcher.submitAll(List.of(1, 2, 3, 4, 5, 6, 7));
    assertThat(stepped.pending()).isEqualTo(2);
    stepped.runNext();
    assertThat(echo.batches).containsExactly(List.of(1, 2), List.of(5, 6), List.of(7));
    assertThat(stepped.pending()).isEqualTo(1);
    stepped.runNext();
    assertThat(stepped.pending()).isZero();
    batcher.close();
  }

  @Test
  void theExecutorStaysTheCallersToClose() {
    try (var executor = Executors.newFixedThreadPool(2)) {
      batcher(executor, 2).close();
      assertThat(executor.isShutdown()).isFalse();
    }
  }

  @Test
  void anInterruptThatABatchLeavesIsNotForTheNextOne() throws Exception {
    List<Boolean> interrupted = new CopyOnWriteArrayList<>();
    SteppedExecutor stepped = new SteppedExecutor();
    try (var batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  interrupted.add(Thread.currentThread().isInterrupted());
                  Thread.currentThread().interrupt();
                  return items;
                })
            .batch(BatchPolicy.greedy(1))
            .workers(Workers.executor(stepped, 1))
            .build()) {
      batcher.submitAll(List.of(1, 2, 3));
      stepped.runNext();
      assertThat(Thread.interrupted()).as("the interrupt is the executor's then").isTrue();
      assertThat(interrupted).containsExactly(false, false, false);
    }
  }

  @Test
  void anInterruptThatAHandlerHasThrownIsToldOnce() {
    try (var batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  if (items.contains(1)) {
                    throw new InterruptedException();
                  }
                  return items;
                })
            .workers(Workers.executor(Runnable::run, 1))
            .build()) {
      assertThat(batcher.submit(1)).isCompletedExceptionally();
      assertThat(Thread.interrupted()).isTrue();
      assertThat(batcher.submit(2)).isCompletedWithValue(2);
      assertThat(Thread.interrupted()).isFalse();
    }
  }

  @Test
  void anExecutorThatThrowsWhenItHasRunTheTaskHasHandledTheBatch() {
    try (var batcher =
        batcher(
            task -> {
              task.run();
              throw new IllegalStateException("no metrics");
            },
            1)) {
      assertThat(batcher.submitAll(List.of(1, 2, 3)).stream().map(CompletableFuture::resultNow))
          .containsExactly(1, 2, 3);
      assertThat(batcher.submit(4)).isCompletedWithValue(4);
    }
  }

  @Test
  void anExecutorThatThrowsThoughItHasTakenTheTaskHasRejectedTheBatch() {
    SteppedExecutor stepped = new SteppedExecutor();
    AtomicBoolean throwing = new AtomicBoolean(true);
    try (var batcher =
        Batcher.builder(echo)
            .batch(BatchPolicy.greedy(1))
            .workers(
                Workers.executor(
                    task -> {
                      stepped.execute(task);
                      if (throwing.get()) {
                        throw new IllegalStateException("no metrics");
                      }
                    },
                    1))
            .build()) {
      assertThat(batcher.submit(1).exceptionNow()).isInstanceOf(RejectedException.class);
      throwing.set(false);
      var second = batcher.submit(2);
      var third = batcher.submit(3);
      stepped.runAll();
      assertThat(second).isCompletedWithValue(2);
      assertThat(third).isCompletedWithValue(3);
      assertThat(echo.batches).containsExactly(List.of(2), List.of(3));
    }
  }

  /** What becomes of items whose batch waits in an executor. */
  @Test
  void whatIsOverWhenItsTaskBeginsIsNotHandled() {
    SteppedExecutor stepped = new SteppedExecutor();
    HandTime time = new HandTime();
    var batcher =
        Batcher.builder(echo)
            .batch(BatchPolicy.fixed(5, Duration.ofHours(1)))
            .workers(Workers.executor(stepped, 1))
            .timeSource(time)
            .build();
    CallOptions second = CallOptions.timeout(Duration.ofSeconds(1));
    var cancelled = batcher.submit(1);
    var handled = batcher.submit(2);
    var late = batcher.submit(3, second); // its alarm does not ring
    var timely = batcher.submit(4, CallOptions.timeout(Duration.ofSeconds(2)));
    var completed = batcher.submit(5);
    assertThat(stepped.pending()).isOne();
    cancelled.cancel(true);
    completed.complete(0);
    time.pass(Duration.ofSeconds(1));
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(2, 4));
    assertThat(handled).isCompletedWithValue(2);
    assertThat(timely).isCompletedWithValue(4);
    assertThat(late.exceptionNow())
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("batcher had no result within PT1S");
    Statistics statistics = batcher.statistics();
    assertThat(statistics.cancelled()).isEqualTo(2);
    assertThat(statistics.timedOut()).isOne();
    assertThat(statistics.steps().getFirst().running()).isZero();
  }

  @Test
  void aBatchOfWhichNothingIsLeftIsNotHandledAndItsWorkerGoesOn() throws Exception {
    SteppedExecutor stepped = new SteppedExecutor();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("flow")
            .step("first", echo, step -> onStepped(step, stepped))
            .step("last", echo, step -> onStepped(step, stepped).queue(1, OnFull.await()))
            .build()
            .start();
    var cancelledFirst = flow.submit(1);
    cancelledFirst.cancel(true);
    stepped.runNext();
    var cancelledLast = flow.submit(2);
    stepped.runNext();
    cancelledLast.cancel(true);
    var handled = flow.submit(3);
    stepped.runAll();
    assertThat(echo.batches).containsExactly(List.of(2), List.of(3), List.of(3));
    assertThat(handled).isCompletedWithValue(3);
    flow.close();
    assertThat(flow.statistics().cancelled()).isEqualTo(2);
  }

  private static StepOptions<Integer> onStepped(
      StepOptions<Integer> step, SteppedExecutor stepped) {
    return step.batch(BatchPolicy.greedy(1)).workers(Workers.executor(stepped, 1));
  }
}
