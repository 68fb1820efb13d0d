package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Leaving early, closing, and the interruption of the caller. */
class RunEndTest {
  private final Throttle throttle = Throttle.atMost(3);

  private final CountDownLatch running = new CountDownLatch(3);
  private final AtomicInteger started = new AtomicInteger();
  private final AtomicInteger ended = new AtomicInteger();

  private Object blockUntilInterrupted() throws InterruptedException {
    started.incrementAndGet();
    running.countDown();
    try {
      new CountDownLatch(1).await();
      return "never";
    } finally {
      ended.incrementAndGet();
    }
  }

  private static Stream<Integer> endless() {
    return IntStream.iterate(0, i -> i + 1).boxed();
  }

  /** What runs is cancelled, and what has not started does not start. */
  @Test
  void closingAMapEarlyCancelsEverything() throws Exception {
    Results<Object> results = throttle.over(endless()).map(_ -> blockUntilInterrupted());
    running.await();
    results.close();
    assertThat(started).hasValue(3);
    assertThat(ended).as("nothing runs on after a close").hasValue(3);
    assertThat(throttle.running()).isZero();
    assertThat(throttle.waiting()).isZero();
    results.close();
  }

  /** Also without reading anything, and after some results. */
  @Test
  void leavingAStreamEarlyCancelsTheRest() {
    try (Stream<Integer> results = throttle.over(endless()).map(i -> i).stream()) {
      assertThat(results.limit(5)).hasSize(5);
    }
    assertThat(throttle.running()).isZero();
    try (Results<Integer> unread = throttle.over(endless()).map(i -> i)) {
      assertThat(unread).isNotNull();
    }
    assertThat(throttle.running()).isZero();
  }

  /** The exception of the consumer comes out as it is. */
  @Test
  void theExceptionOfTheConsumerIsKept() {
    IllegalStateException mine = new IllegalStateException("mine");
    assertThat(
            catchThrowable(
                () -> {
                  try (Results<Integer> results = throttle.over(endless()).map(i -> i)) {
                    results.next();
                    throw mine;
                  }
                }))
        .isSameAs(mine)
        .hasNoSuppressedExceptions();
    assertThat(throttle.running()).isZero();
  }

  /** After closing there is a clear error. */
  @Test
  void usingClosedResultsIsRefused() {
    Results<Integer> results = throttle.over(endless()).map(i -> i);
    results.next();
    results.close();
    for (Callable<?> use : List.<Callable<?>>of(results::hasNext, results::next, results::stream)) {
      assertThatThrownBy(use::call)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the results are closed");
    }
  }

  @Test
  void closeOfStagesCancelsThem() throws Exception {
    CompletableFuture<Object> stage = new CompletableFuture<>();
    Results<Object> results =
        throttle
            .over(endless())
            .map(
                Task.async(
                    _ -> {
                      running.countDown();
                      return stage;
                    }));
    running.await();
    results.close();
    assertThat(stage).isCancelled();
    assertThat(throttle.running()).isZero();
    assertThat(throttle.waiting()).isZero();
  }

  /** A stage that cannot be cancelled is not waited for, and keeps its permit until it ends. */
  @Test
  void aStageThatCannotBeCancelledKeepsItsPermit() throws Exception {
    CompletableFuture<Object> work = new CompletableFuture<>();
    Results<Object> results =
        throttle
            .over(endless())
            .map(
                Task.async(
                    _ -> {
                      running.countDown();
                      return work.minimalCompletionStage();
                    }));
    running.await();
    results.close();
    assertThat(work).isNotDone();
    assertThat(throttle.running()).isEqualTo(3);
    work.complete("late");
    assertThat(throttle.running()).isZero();
  }

  @Test
  void aTaskMayCloseItsOwnRun() {
    AtomicReference<Results<Integer>> own = new AtomicReference<>();
    CountDownLatch set = new CountDownLatch(1);
    AtomicBoolean closed = new AtomicBoolean();
    Results<Integer> results =
        throttle
            .over(List.of(1))
            .map(
                i -> {
                  set.await();
                  own.get().close();
                  closed.set(true);
                  return i;
                });
    own.set(results);
    set.countDown();
    assertThatThrownBy(results::next).isInstanceOf(IllegalStateException.class);
    results.close();
    assertThat(closed).isTrue();
  }

  /** Whoever completes a stage tells the listener, and the stage still counts then. */
  @Test
  void aListenerMayCloseTheRunOfItsStages() {
    List<CompletableFuture<Integer>> stages =
        List.of(new CompletableFuture<>(), new CompletableFuture<>());
    AtomicReference<Results<Integer>> own = new AtomicReference<>();
    List<Progress> told = new ArrayList<>();
    Results<Integer> results =
        throttle
            .over(stages)
            .onProgress(
                progress -> {
                  own.get().close();
                  told.add(progress);
                })
            .map(Task.async(stage -> stage));
    own.set(results);
    Spin.until(() -> stages.stream().allMatch(stage -> stage.getNumberOfDependents() == 1));
    stages.get(0).complete(1);
    assertThat(told).hasSize(1);
    assertThat(stages.get(1)).isCancelled();
    results.close();
    assertThat(throttle.running()).isZero();
  }

  @Test
  void aConsumerThatWaitsIsToldOfAClose() throws Exception {
    Results<Object> results = throttle.over(endless()).map(_ -> blockUntilInterrupted());
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread consumer = Thread.ofVirtual().start(() -> thrown.set(catchThrowable(results::hasNext)));
    running.await();
    results.close();
    consumer.join();
    assertThat(thrown.get())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the results are closed");
  }

  /** An interrupt of the caller cancels all, in each verb that blocks. */
  @Test
  void anInterruptOfTheCallerCancelsAll() throws Exception {
    List<Task<Integer, Object>> tasks =
        List.of(
            _ -> blockUntilInterrupted(),
            Task.async(
                _ -> {
                  started.incrementAndGet();
                  running.countDown();
                  ended.incrementAndGet();
                  return new CompletableFuture<>();
                }));
    for (Task<Integer, Object> task : tasks) {
      for (int verb = 0; verb < 5; verb++) {
        interruptOne(verb, task);
      }
    }
  }

  /** Both counts go up by three with each call. */
  private void interruptOne(int verb, Task<Integer, Object> task) throws InterruptedException {
    int before = ended.get();
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    AtomicBoolean flag = new AtomicBoolean();
    Run<Integer> run = throttle.over(endless());
    Thread caller =
        Thread.ofPlatform()
            .start(
                () -> {
                  thrown.set(
                      catchThrowable(
                          () -> {
                            switch (verb) {
                              case 0 -> run.runOnEach(task);
                              case 1 -> run.runAll(task);
                              case 2 -> run.runAny(task);
                              case 3 -> run.collect().runAll(task);
                              default -> run.collect().runOnEach(task);
                            }
                          }));
                  flag.set(Thread.currentThread().isInterrupted());
                });
    Spin.until(() -> started.get() >= before + 3);
    caller.interrupt();
    caller.join();
    assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
    assertThat(flag).isFalse();
    assertThat(ended).hasValue(before + 3);
    assertThat(throttle.running()).isZero();
    assertThat(throttle.waiting()).isZero();
  }

  @Test
  void anInterruptOfTheConsumerCancelsAll() throws Exception {
    Results<Object> results = throttle.over(endless()).map(_ -> blockUntilInterrupted());
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    AtomicBoolean flag = new AtomicBoolean();
    Thread consumer =
        Thread.ofPlatform()
            .start(
                () -> {
                  thrown.set(catchThrowable(results::next));
                  flag.set(Thread.currentThread().isInterrupted());
                });
    running.await();
    consumer.interrupt();
    consumer.join();
    assertThat(thrown.get())
        .isInstanceOf(CancellationException.class)
        .hasCauseInstanceOf(InterruptedException.class);
    assertThat(flag).isTrue();
    assertThat(ended).hasValue(3);
    assertThat(throttle.running()).isZero();
    results.close();
  }

  @Test
  void anInterruptedCallerStartsNothing() {
    for (int verb = 0; verb < 3; verb++) {
      int which = verb;
      Thread.currentThread().interrupt();
      assertThat(
              catchThrowable(
                  () -> {
                    switch (which) {
                      case 0 -> throttle.over(List.of(1)).runOnEach(_ -> started.getAndIncrement());
                      case 1 -> throttle.over(List.of(1)).runAll(_ -> started.getAndIncrement());
                      default -> throttle.over(List.of(1)).runAny(_ -> started.getAndIncrement());
                    }
                  }))
          .isInstanceOf(InterruptedException.class);
      assertThat(Thread.currentThread().isInterrupted()).isFalse();
    }
    assertThat(started).hasValue(0);
  }

  /** An interrupt that somebody else gives the thread of a task between two tasks is dropped. */
  @Test
  void aStrayInterruptLosesNoInput() throws Exception {
    Throttle one = Throttle.atMost(1);
    AtomicReference<Thread> worker = new AtomicReference<>();
    Permit held = one.acquire();
    Results<Integer> results =
        Throttle.unlimited()
            .over(List.of(0))
            .map(
                _ -> {
                  worker.set(Thread.currentThread());
                  return one.over(List.of(1, 2)).runAll(i -> i).size();
                });
    Spin.until(() -> one.waiting() != 0);
    held.close();
    assertThat(results.next()).isEqualTo(2);
    assertThat(worker.get().isInterrupted()).isFalse();
    results.close(); // which may interrupt it, if it has not left the run yet
  }

  /** A run that was stopped is not complete, so it does not end as one that is. */
  @Test
  void afterAnInterruptTheEndIsACancellationEachTime() {
    Iterator<Integer> wrapping =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return true;
          }

          @Override
          public Integer next() {
            running.countDown();
            try {
              new CountDownLatch(1).await();
              return 0;
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    List<Results<?>> all =
        List.of(
            throttle.over(endless()).map(_ -> blockUntilInterrupted()),
            throttle.over(wrapping).collect().map(i -> i),
            throttle.over(wrapping).map(i -> i));
    for (Results<?> results : all) {
      Thread.currentThread().interrupt();
      assertThat(catchThrowable(results::hasNext)).isInstanceOf(CancellationException.class);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(catchThrowable(results::hasNext)).isInstanceOf(CancellationException.class);
      assertThat(catchThrowable(results::next)).isInstanceOf(CancellationException.class);
      results.close();
    }
  }
}
