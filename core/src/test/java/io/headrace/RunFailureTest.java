package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Flow;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What tasks and sources fail with, in all verbs and both modes. */
class RunFailureTest {
  private static final List<Integer> TEN = IntStream.range(0, 10).boxed().toList();

  /** The verbs that end with the first failure, and runAny, that ends when all have failed. */
  private static List<Callable<?>> verbs(Throttle throttle, Task<Integer, Integer> task) {
    return List.of(
        () -> {
          throttle.over(TEN).runOnEach(task);
          return null;
        },
        () -> throttle.over(TEN).runAll(task),
        () -> {
          try (Results<Integer> results = throttle.over(TEN).map(task)) {
            return results.stream().toList();
          }
        },
        () -> throttle.over(TEN).runAny(task));
  }

  private static List<Task<Integer, Integer>> failing(Exception failure) {
    return List.of(
        _ -> {
          throw failure;
        },
        Task.async(_ -> CompletableFuture.failedFuture(failure)),
        Task.async(
            _ ->
                CompletableFuture.supplyAsync(
                    () -> {
                      throw failure instanceof RuntimeException unchecked
                          ? unchecked
                          : new CompletionException(failure);
                    })));
  }

  /** One form for all verbs. */
  @Test
  void anUncheckedFailureIsThrownAsItIs() {
    IllegalStateException failure = new IllegalStateException("wrong");
    for (Task<Integer, Integer> task : failing(failure)) {
      for (Callable<?> verb : verbs(Throttle.atMost(3), task)) {
        assertThat(catchThrowable(verb::call)).isSameAs(failure);
      }
    }
  }

  @Test
  void aCheckedFailureIsThrownAsACause() {
    IOException failure = new IOException("no connection");
    for (Task<Integer, Integer> task : failing(failure)) {
      for (Callable<?> verb : verbs(Throttle.atMost(3), task)) {
        assertThatThrownBy(verb::call)
            .isInstanceOf(CompletionException.class)
            .cause()
            .isSameAs(failure);
      }
    }
  }

  @Test
  void anErrorIsThrownAsItIs() {
    AssertionError failure = new AssertionError("wrong");
    for (Callable<?> verb :
        verbs(
            Throttle.atMost(3),
            _ -> {
              throw failure;
            })) {
      assertThat(catchThrowable(verb::call)).isSameAs(failure);
    }
  }

  @Test
  void theInterruptedExceptionOfATaskIsAFailureAsAnyOther() {
    InterruptedException inside = new InterruptedException("inside");
    for (Callable<?> verb :
        verbs(
            Throttle.atMost(3),
            _ -> {
              throw inside;
            })) {
      assertThatThrownBy(verb::call)
          .isInstanceOf(CompletionException.class)
          .cause()
          .isSameAs(inside);
    }
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  void aFunctionThatThrowsOrReturnsNoStageFails() {
    IllegalStateException failure = new IllegalStateException("wrong");
    Throttle throttle = Throttle.atMost(3);
    Task<Integer, Integer> throwing =
        Task.async(
            _ -> {
              throw failure;
            });
    for (Callable<?> verb : verbs(throttle, throwing)) {
      assertThat(catchThrowable(verb::call)).isSameAs(failure);
    }
    for (Callable<?> verb : verbs(throttle, Task.async(_ -> null))) {
      assertThatThrownBy(verb::call)
          .isInstanceOf(NullPointerException.class)
          .hasMessage("the task returned null in place of a stage");
    }
    assertThat(throttle.running()).isZero();
  }

  /** Nothing starts after a failure, and what runs is interrupted. */
  @Test
  void theFirstFailureCancelsTheRest() {
    Queue<Integer> started = new ConcurrentLinkedQueue<>();
    AtomicInteger interrupted = new AtomicInteger();
    CyclicBarrier together = new CyclicBarrier(3);
    Throttle throttle = Throttle.atMost(3);
    assertThatThrownBy(
            () ->
                throttle
                    .over(TEN)
                    .runOnEach(
                        input -> {
                          started.add(input);
                          together.await();
                          if (input == 1) {
                            throw new IllegalStateException("wrong");
                          }
                          try {
                            new CountDownLatch(1).await();
                          } catch (InterruptedException e) {
                            interrupted.incrementAndGet();
                            throw e;
                          }
                          return null;
                        }))
        .isInstanceOf(IllegalStateException.class)
        .hasNoSuppressedExceptions();
    assertThat(started).containsExactlyInAnyOrder(0, 1, 2);
    assertThat(interrupted).hasValue(2);
    assertThat(throttle.running()).isZero();
  }

  /** One at a time, the first fails, and it is the only one that starts. */
  @Test
  void oneAtATimeNoneStartsAfterAFailure() {
    AtomicInteger started = new AtomicInteger();
    assertThatThrownBy(
            () ->
                Throttle.atMost(1)
                    .over(TEN)
                    .runAll(
                        _ -> {
                          started.incrementAndGet();
                          throw new IllegalStateException("wrong");
                        }))
        .isInstanceOf(IllegalStateException.class);
    assertThat(started).hasValue(1);
  }

  @Test
  void stagesInFlightAreCancelled() {
    List<CompletableFuture<Integer>> stages = new ArrayList<>();
    Throttle throttle = Throttle.atMost(3);
    assertThatThrownBy(
            () ->
                throttle
                    .over(TEN)
                    .runAll(
                        Task.async(
                            input -> {
                              CompletableFuture<Integer> stage = new CompletableFuture<>();
                              stages.add(stage);
                              if (input == 2) {
                                stage.completeExceptionally(new IOException("wrong"));
                              }
                              return stage;
                            })))
        .cause()
        .hasMessage("wrong");
    assertThat(stages).hasSize(3);
    assertThat(stages.get(0)).isCancelled();
    assertThat(stages.get(1)).isCancelled();
    assertThat(throttle.running()).isZero();
  }

  /** Failures at the same time are not lost. */
  @Test
  void otherFailuresAreSuppressed() {
    CyclicBarrier together = new CyclicBarrier(3);
    AtomicInteger stayed = new AtomicInteger();
    Throwable thrown =
        catchThrowable(
            () ->
                Throttle.atMost(3)
                    .over(TEN)
                    .runOnEach(
                        input -> {
                          together.await();
                          try {
                            if (input != 0) {
                              new CountDownLatch(1).await();
                            }
                          } catch (InterruptedException e) {
                            stayed.incrementAndGet();
                          }
                          throw new IOException("wrong " + input);
                        }));
    assertThat(thrown).isInstanceOf(CompletionException.class);
    assertThat(thrown.getCause()).hasMessage("wrong 0");
    assertThat(thrown.getSuppressed())
        .extracting(Throwable::getMessage)
        .containsExactlyInAnyOrder("wrong 1", "wrong 2");
    assertThat(stayed).hasValue(2);
  }

  @Test
  void theSameFailureTwiceIsNotSuppressedInItself() {
    for (Exception shared :
        List.of(new IllegalStateException("shared"), new IOException("shared"))) {
      CyclicBarrier together = new CyclicBarrier(3);
      Throwable thrown =
          catchThrowable(
              () ->
                  Throttle.atMost(3)
                      .over(TEN)
                      .runOnEach(
                          _ -> {
                            together.await();
                            throw shared;
                          }));
      assertThat(shared instanceof RuntimeException ? thrown : thrown.getCause()).isSameAs(shared);
      assertThat(thrown).hasNoSuppressedExceptions();
    }
  }

  @Test
  void aFailureThatIsThrownEachTimeHasTheOthersOnce() {
    CyclicBarrier together = new CyclicBarrier(2);
    try (Results<Integer> results =
        Throttle.atMost(2)
            .over(List.of(0, 1))
            .map(
                input -> {
                  together.await();
                  throw new IllegalStateException("wrong " + input);
                })) {
      Throwable thrown = catchThrowable(results::hasNext);
      assertThat(thrown.getSuppressed()).hasSize(1);
      assertThat(catchThrowable(results::hasNext)).isSameAs(thrown);
      assertThat(thrown.getSuppressed()).hasSize(1);
    }
  }

  /** Outcomes, in input order, and the run goes on. */
  @Test
  void collectGoesOn() throws Exception {
    IOException odd = new IOException("odd");
    Task<Integer, String> task =
        input -> {
          if (input % 2 == 1) {
            throw odd;
          }
          return "r" + input;
        };
    Task<Integer, String> async =
        Task.async(
            input ->
                input % 2 == 1
                    ? CompletableFuture.failedFuture(odd)
                    : CompletableFuture.completedFuture("r" + input));
    for (Task<Integer, String> each : List.of(task, async)) {
      CollectingRun<Integer> run = Throttle.atMost(3).over(TEN).collect();
      List<TaskOutcome<Integer, String>> all = run.runAll(each);
      assertThat(all).hasSize(10);
      for (int i = 0; i < 10; i++) {
        TaskOutcome<Integer, String> outcome = all.get(i);
        assertThat(outcome.index()).isEqualTo(i);
        assertThat(outcome.input()).isEqualTo(i);
        assertThat(outcome.value()).isEqualTo(i % 2 == 1 ? null : "r" + i);
        assertThat(outcome.failure()).isSameAs(i % 2 == 1 ? odd : null);
        assertThat(outcome.isFailure()).isEqualTo(i % 2 == 1);
      }
      try (Results<TaskOutcome<Integer, String>> results = run.map(each)) {
        assertThat(results).toIterable().containsExactlyInAnyOrderElementsOf(all);
      }
      List<TaskOutcome<Integer, ?>> failed = run.runOnEach(each);
      assertThat(failed).extracting(TaskOutcome::input).containsExactly(1, 3, 5, 7, 9);
    }
  }

  @Test
  void anOutcomeThrowsAsAVerbDoes() {
    IOException checked = new IOException("no connection");
    assertThatThrownBy(() -> new TaskOutcome<>(0, "a", null, checked).orThrow())
        .isInstanceOf(CompletionException.class)
        .cause()
        .isSameAs(checked);
    assertThat(new TaskOutcome<>(0, "a", "b", null).orThrow()).isEqualTo("b");
  }

  /** A failure that comes first does not decide, and one that comes later changes nothing. */
  @Test
  void runAnyIsDecidedByTheFirstSuccess() throws Exception {
    CountDownLatch failed = new CountDownLatch(2);
    List<Callable<String>> tasks =
        List.of(
            () -> {
              failed.countDown();
              throw new IOException("first");
            },
            () -> {
              failed.countDown();
              throw new IOException("second");
            },
            () -> {
              failed.await();
              return "third";
            });
    assertThat(Throttle.atMost(3).runAny(tasks)).isEqualTo("third");
    assertThat(Throttle.atMost(1).runAny(tasks)).isEqualTo("third");
  }

  /** The slow one neither delays the result nor runs to its end. */
  @Test
  void runAnyCancelsTheOthersAndDoesNotWaitForThem() throws Exception {
    CountDownLatch slowRuns = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(1);
    Throttle throttle = Throttle.atMost(2);
    List<Callable<String>> tasks =
        List.of(
            () -> {
              slowRuns.countDown();
              try {
                new CountDownLatch(1).await();
              } catch (InterruptedException e) {
                interrupted.countDown();
              }
              release.await(); // ignores the interrupt
              return "slow";
            },
            () -> {
              slowRuns.await();
              return "fast";
            });
    assertThat(throttle.runAny(tasks)).isEqualTo("fast");
    interrupted.await();
    assertThat(throttle.running()).as("the permit of the one that still runs").isEqualTo(1);
    release.countDown();
    try (Permit one = throttle.acquire();
        Permit two = throttle.acquire()) {
      assertThat(one).isNotSameAs(two);
    }
  }

  @Test
  void runAnyCancelsStages() throws Exception {
    CompletableFuture<String> slow = new CompletableFuture<>();
    List<CompletableFuture<String>> stages =
        List.of(slow, CompletableFuture.completedFuture("fast"));
    String first = Throttle.atMost(2).over(stages).runAny(Task.async(stage -> stage));
    assertThat(first).isEqualTo("fast");
    Spin.until(slow::isCancelled); // the result comes before that
  }

  @Test
  void runAnyFailsWithAllCauses() {
    Throwable thrown =
        catchThrowable(
            () ->
                Throttle.atMost(1)
                    .over(TEN)
                    .runAny(
                        input -> {
                          throw new IOException("wrong " + input);
                        }));
    assertThat(thrown).isInstanceOf(CompletionException.class);
    assertThat(thrown.getCause()).hasMessage("wrong 0");
    assertThat(thrown.getSuppressed())
        .extracting(Throwable::getMessage)
        .containsExactly(IntStream.range(1, 10).mapToObj(i -> "wrong " + i).toArray(String[]::new));
  }

  /** The results that were there before a failure are not lost. */
  @Test
  void mapGivesWhatCameBeforeAFailureAndThenTheFailureEachTime() {
    IllegalStateException failure = new IllegalStateException("wrong");
    try (Results<Integer> results =
        Throttle.atMost(1)
            .over(TEN)
            .map(
                input -> {
                  if (input == 3) {
                    throw failure;
                  }
                  return input;
                })) {
      assertThat(List.of(results.next(), results.next(), results.next())).containsExactly(0, 1, 2);
      assertThat(catchThrowable(results::hasNext)).isSameAs(failure);
      assertThat(catchThrowable(results::next)).isSameAs(failure);
    }
  }

  private static Iterable<Integer> brokenAfter(int count, RuntimeException failure) {
    return () ->
        new Iterator<>() {
          private int given;

          @Override
          public boolean hasNext() {
            return true;
          }

          @Override
          public Integer next() {
            if (given == count) {
              throw failure;
            }
            return given++;
          }
        };
  }

  @Test
  void theFailureOfTheSourceEndsTheRun() throws Exception {
    IllegalStateException failure = new IllegalStateException("source");
    Run<Integer> run = Throttle.atMost(2).over(brokenAfter(3, failure));
    assertThat(catchThrowable(() -> run.runOnEach(i -> i))).isSameAs(failure);
    assertThat(catchThrowable(() -> run.runAll(i -> i))).isSameAs(failure);
    assertThat(catchThrowable(() -> run.runAll(Task.async(CompletableFuture::completedFuture))))
        .isSameAs(failure);
    assertThat(catchThrowable(() -> run.collect().runAll(i -> i))).isSameAs(failure);
    assertThat(catchThrowable(() -> run.collect().runOnEach(i -> i))).isSameAs(failure);
    try (Results<TaskOutcome<Integer, Integer>> results = run.collect().map(i -> i)) {
      assertThat(List.of(results.next().input(), results.next().input(), results.next().input()))
          .containsExactlyInAnyOrder(0, 1, 2);
      assertThat(catchThrowable(results::hasNext)).isSameAs(failure);
    }
    int any = run.runAny(i -> i);
    assertThat(any).isBetween(0, 2);
    IOException task = new IOException("task");
    assertThat(
            catchThrowable(
                () ->
                    run.runAny(
                        _ -> {
                          throw task;
                        })))
        .isSameAs(failure)
        .satisfies(thrown -> assertThat(thrown.getSuppressed()).hasSize(3));
  }

  @Test
  void whatFailsBeforeTheStartIsThrownByTheVerb() {
    IllegalStateException failure = new IllegalStateException("no iterator");
    Iterable<Integer> broken =
        () -> {
          throw failure;
        };
    assertThat(catchThrowable(() -> Throttle.atMost(1).over(broken).runAll(i -> i)))
        .isSameAs(failure);
    assertThat(catchThrowable(() -> Throttle.atMost(1).over(broken).map(i -> i))).isSameAs(failure);
  }

  /** Whatever a task leaves on its thread does not reach the next one. */
  @Test
  void anInterruptThatATaskLeavesBehindIsItsOwn() throws Exception {
    List<Boolean> seen =
        Throttle.atMost(1)
            .over(TEN)
            .runAll(
                _ -> {
                  boolean before = Thread.currentThread().isInterrupted();
                  Thread.currentThread().interrupt();
                  return before;
                });
    assertThat(seen).containsOnly(false);
  }

  @Test
  void cancelledStageOfItsOwnIsAFailure() {
    CompletableFuture<Integer> cancelled = new CompletableFuture<>();
    cancelled.cancel(true);
    assertThatThrownBy(() -> Throttle.atMost(1).over(TEN).runAll(Task.async(_ -> cancelled)))
        .isInstanceOf(CancellationException.class);
  }

  /** Each starts work that a task that blocks would have waited for. */
  static Stream<Object> promises() {
    return Stream.of(
        new CompletableFuture<>(),
        CompletableFuture.completedStage(1),
        new FutureTask<>(() -> 1),
        (Flow.Publisher<Integer>) subscriber -> {});
  }

  /** Its permit would go back at once, its failure be lost. */
  @ParameterizedTest
  @MethodSource("promises")
  void aTaskThatReturnsAPromiseStopsTheRun(Object promise) {
    AtomicInteger started = new AtomicInteger();
    Task<Integer, Object> task =
        _ -> {
          started.incrementAndGet();
          return promise;
        };
    Throttle throttle = Throttle.atMost(1);
    List<Callable<?>> verbs =
        List.of(
            () -> {
              throttle.over(TEN).runOnEach(task);
              return null;
            },
            () -> throttle.over(TEN).collect().runOnEach(task),
            () -> throttle.over(TEN).runAll(task),
            () -> throttle.over(TEN).collect().runAll(task),
            () -> listed(throttle.over(TEN).map(task)),
            () -> listed(throttle.over(TEN).collect().map(task)),
            () -> throttle.over(TEN).runAny(task));
    for (Callable<?> verb : verbs) {
      started.set(0);
      assertThatThrownBy(verb::call)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("the task of input 0 returned a ");
      assertThat(started).hasValue(1);
      assertThat(throttle.running()).isZero();
    }
  }

  private static List<?> listed(Results<?> results) {
    try (results) {
      return results.stream().toList();
    }
  }

  @Test
  void aPromiseIsNamedTogetherWithWhatToUse() {
    assertThatThrownBy(
            () -> Throttle.atMost(2).runOnEach(List.of(1), _ -> new CompletableFuture<>()))
        .hasMessage(
            "the task of input 0 returned a CompletableFuture: use Task.async, which keeps the"
                + " permit until the stage completes");
    assertThatThrownBy(
            () -> Throttle.atMost(2).runOnEach(List.of(1), _ -> new FutureTask<>(() -> 1)))
        .hasMessage(
            "the task of input 0 returned a FutureTask, for which nobody waits: the task has to"
                + " wait for its end");
  }
}
