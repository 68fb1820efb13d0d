package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Timeouts of tasks and of whole runs, in virtual time. */
class RunTimeoutTest {
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final List<Integer> THREE = List.of(0, 1, 2);

  private final VirtualTime time = new VirtualTime();
  private final Throttle throttle = Throttle.builder().atOnce(2).timeSource(time).build();
  private final CountDownLatch never = new CountDownLatch(1);

  private static <T> FutureTask<T> start(Callable<T> call) {
    FutureTask<T> task = new FutureTask<>(call);
    Thread.ofVirtual().start(task);
    return task;
  }

  private void awaitAlarms(int count) {
    Spin.until(() -> time.alarms() == count);
  }

  @Test
  void aTaskThatTakesTooLongFails() throws Exception {
    AtomicInteger begun = new AtomicInteger();
    FutureTask<List<TaskOutcome<Integer, Integer>>> run =
        start(
            () ->
                throttle
                    .over(THREE)
                    .taskTimeout(SECOND)
                    .collect()
                    .runAll(
                        i -> {
                          begun.incrementAndGet();
                          if (i == 1) {
                            never.await();
                          }
                          return i;
                        }));
    // The other two end, the one that hangs keeps its alarm.
    Spin.until(() -> begun.get() == 3 && time.alarms() == 1 && throttle.running() == 1);
    time.advance(SECOND);
    List<TaskOutcome<Integer, Integer>> outcomes = run.get();
    assertThat(outcomes.get(0).value()).isEqualTo(0);
    assertThat(outcomes.get(2).value()).isEqualTo(2);
    assertThat(outcomes.get(1).failure())
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("the task of input 1 took longer than its timeout, PT1S");
    Spin.until(() -> throttle.running() == 0);
    assertThat(time.alarms()).isZero();
  }

  @Test
  void failingFastATimeoutEndsTheRun() {
    FutureTask<List<Integer>> run =
        start(
            () ->
                throttle
                    .over(THREE)
                    .taskTimeout(SECOND)
                    .runAll(
                        i -> {
                          never.await();
                          return i;
                        }));
    awaitAlarms(2);
    time.advance(SECOND);
    assertThat(catchThrowable(run::get).getCause())
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessageContaining("took longer than its timeout, PT1S");
    assertThat(time.alarms()).isZero();
  }

  /** The one whose time is over is interrupted, and no other on the same run. */
  @Test
  void aTimeoutInterruptsThatTaskAlone() throws Exception {
    CountDownLatch firstTimedOut = new CountDownLatch(1);
    AtomicInteger interrupted = new AtomicInteger();
    FutureTask<List<TaskOutcome<Integer, ?>>> run =
        start(
            () ->
                throttle
                    .over(IntStream.range(0, 100).boxed())
                    .taskTimeout(SECOND)
                    .collect()
                    .runOnEach(
                        i -> {
                          if (i == 0) {
                            try {
                              never.await();
                            } catch (InterruptedException e) {
                              interrupted.incrementAndGet();
                              firstTimedOut.countDown();
                            }
                          } else if (i == 1) {
                            firstTimedOut.await();
                          }
                          return i;
                        }));
    // Both alarms are set; half of the time goes by for one only in what follows.
    awaitAlarms(2);
    Duration almost = SECOND.minusNanos(1);
    time.advance(almost);
    assertThat(interrupted).hasValue(0);
    time.advance(Duration.ofNanos(1));
    List<TaskOutcome<Integer, ?>> failed = run.get();
    assertThat(failed).extracting(TaskOutcome::index).contains(0L).doesNotContain(2L);
    assertThat(interrupted).hasValue(1);
  }

  /** A task that ignores its interrupt is not waited for; its permit stays taken until it ends. */
  @Test
  void aTaskThatIgnoresItsTimeoutDoesNotHoldUpTheRun() throws Exception {
    AtomicInteger begun = new AtomicInteger();
    CountDownLatch release = new CountDownLatch(1);
    FutureTask<List<TaskOutcome<Integer, Integer>>> run =
        start(
            () ->
                throttle
                    .over(THREE)
                    .taskTimeout(SECOND)
                    .collect()
                    .runAll(
                        i -> {
                          begun.incrementAndGet();
                          while (i == 0 && release.getCount() != 0) {
                            Thread.interrupted();
                            Thread.onSpinWait();
                          }
                          return i;
                        }));
    Spin.until(() -> begun.get() == 3 && time.alarms() == 1 && throttle.running() == 1);
    time.advance(SECOND);
    assertThat(run.get()).extracting(TaskOutcome::isFailure).containsExactly(true, false, false);
    assertThat(throttle.running()).isEqualTo(1);
    release.countDown();
    Spin.until(() -> throttle.running() == 0);
  }

  /** The alarm tells the listener, and the task still counts then. */
  @Test
  void aListenerMayCloseTheRunWhenATaskTakesTooLong() {
    AtomicReference<Results<Integer>> own = new AtomicReference<>();
    AtomicBoolean closed = new AtomicBoolean();
    Results<Integer> results =
        throttle
            .over(List.of(0))
            .taskTimeout(SECOND)
            .onProgress(
                _ -> {
                  own.get().close();
                  closed.set(true);
                })
            .map(
                i -> {
                  never.await();
                  return i;
                });
    own.set(results);
    awaitAlarms(1);
    time.advance(SECOND);
    Spin.until(closed::get);
    results.close();
    Spin.until(() -> throttle.running() == 0);
    assertThat(time.alarms()).isZero();
  }

  @Test
  void aStageThatTakesTooLongIsCancelled() throws Exception {
    AtomicInteger begun = new AtomicInteger();
    CompletableFuture<Integer> slow = new CompletableFuture<>();
    FutureTask<List<TaskOutcome<Integer, Integer>>> run =
        start(
            () ->
                throttle
                    .over(THREE)
                    .taskTimeout(SECOND)
                    .collect()
                    .runAll(
                        Task.async(
                            i -> {
                              begun.incrementAndGet();
                              return i == 1 ? slow : CompletableFuture.completedFuture(i);
                            })));
    Spin.until(() -> begun.get() == 3 && time.alarms() == 1 && throttle.running() == 1);
    time.advance(SECOND);
    assertThat(run.get()).extracting(TaskOutcome::isFailure).containsExactly(false, true, false);
    assertThat(slow).isCancelled();
    assertThat(throttle.running()).isZero();
  }

  @Test
  void theWholeRunHasATimeout() {
    for (boolean async : new boolean[] {false, true}) {
      CountDownLatch twoRun = new CountDownLatch(2);
      CompletableFuture<Integer> stage = new CompletableFuture<>();
      Task<Integer, Integer> task =
          async
              ? Task.async(
                  _ -> {
                    twoRun.countDown();
                    return stage;
                  })
              : i -> {
                twoRun.countDown();
                never.await();
                return i;
              };
      FutureTask<List<Integer>> run =
          start(() -> throttle.over(THREE).timeout(Duration.ofSeconds(3)).runAll(task));
      Spin.until(() -> twoRun.getCount() == 0);
      time.advance(Duration.ofSeconds(3));
      assertThat(catchThrowable(run::get).getCause())
          .isInstanceOf(DeadlineExceededException.class)
          .hasMessage("the run took longer than its timeout, PT3S");
      Spin.until(() -> throttle.running() == 0);
      assertThat(time.alarms()).isZero();
    }
  }

  /** Promise 1: a run whose time is over returns, whatever its tasks do. */
  @Test
  void aTaskThatIgnoresTheEndOfTheRunDoesNotHoldItUp() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch runs = new CountDownLatch(1);
    Results<Integer> results =
        throttle
            .over(THREE)
            .timeout(SECOND)
            .map(
                i -> {
                  runs.countDown();
                  while (release.getCount() != 0) {
                    Thread.interrupted();
                    Thread.onSpinWait();
                  }
                  return i;
                });
    runs.await();
    time.advance(SECOND);
    assertThatThrownBy(results::next).isInstanceOf(DeadlineExceededException.class);
    results.close();
    release.countDown();
    Spin.until(() -> throttle.running() == 0);
  }

  /** The time goes on while the run waits for the rate. */
  @Test
  void theTimeoutCoversTheWaitForPermits() {
    Throttle slow = Throttle.builder().perSecond(0.1).timeSource(time).build();
    AtomicInteger started = new AtomicInteger();
    FutureTask<List<Integer>> run =
        start(() -> slow.over(THREE).timeout(SECOND).runAll(_ -> started.incrementAndGet()));
    Spin.until(() -> slow.waiting() != 0 && started.get() == 1);
    time.advance(SECOND);
    assertThat(catchThrowable(run::get).getCause()).isInstanceOf(DeadlineExceededException.class);
    assertThat(started).hasValue(1);
    Spin.until(() -> slow.waiting() == 0); // the failure comes before that
  }

  @Test
  void aRunThatEndsInTimeLeavesNoAlarm() throws Exception {
    Run<Integer> run = throttle.over(THREE).timeout(SECOND).taskTimeout(SECOND);
    assertThat(run.runAll(i -> i)).isEqualTo(THREE);
    assertThat(run.runAll(Task.async(CompletableFuture::completedFuture))).isEqualTo(THREE);
    String any = run.runAny(_ -> "any");
    assertThat(any).isEqualTo("any");
    Spin.until(() -> time.alarms() == 0);
  }

  /** Of the tests of aiometer: the gaps are those of the rate, here exactly. */
  @Test
  void startsKeepTheRate() throws Exception {
    for (int rate : new int[] {5, 10, 20, 30, 40, 50, 70, 100}) {
      VirtualTime clock = new VirtualTime();
      Throttle paced = Throttle.builder().perSecond(rate).timeSource(clock).build();
      AtomicInteger begun = new AtomicInteger();
      FutureTask<List<Long>> run =
          start(
              () ->
                  paced
                      .over(THREE)
                      .runAll(
                          _ -> {
                            long nowNanos = clock.nanoTime();
                            begun.incrementAndGet();
                            return nowNanos;
                          }));
      for (int gap = 1; gap <= 2; gap++) {
        int before = gap;
        Spin.until(() -> begun.get() == before && clock.alarms() != 0);
        assertThat(clock.advanceToNext()).isTrue();
      }
      List<Long> starts = run.get();
      long interval = 1_000_000_000L / rate;
      assertThat(starts.get(1) - starts.get(0)).isBetween(interval, interval + 1);
      assertThat(starts.get(2) - starts.get(1)).isBetween(interval - 1, interval + 1);
    }
  }

  /** What makes no sense is refused at the call, before anything starts. */
  @Test
  void badOptionsAreRefused() {
    Run<Integer> run = throttle.over(THREE);
    assertThatThrownBy(() -> run.taskTimeout(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("taskTimeout is PT0S, it has to be above zero");
    assertThatThrownBy(() -> run.timeout(SECOND.negated()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("timeout is PT-1S, it has to be above zero");
    for (int tasks : new int[] {0, -1, 1_048_577}) {
      assertThatThrownBy(() -> run.runAhead(tasks))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("runAhead is " + tasks + ", it has to be from 1 to 1048576");
    }
    assertThatThrownBy(() -> run.onProgress(null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> run.propagate(null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> run.map(null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> throttle.over((List<Integer>) null))
        .isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> Task.async(null)).isInstanceOf(NullPointerException.class);
    for (int limit : new int[] {0, -1, -10}) {
      assertThatThrownBy(() -> Throttle.atMost(limit)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  /** What it does to others comes after: here time passes, in their continuations. */
  @Test
  void aTaskThatEndedInTimeIsNotLateForThoseItsPermitGoesTo() throws Exception {
    for (boolean async : new boolean[] {false, true}) {
      Throttle one = Throttle.builder().atOnce(1).timeSource(time).build();
      CountDownLatch begun = new CountDownLatch(1);
      CountDownLatch go = new CountDownLatch(1);
      CompletableFuture<Integer> stage = new CompletableFuture<>();
      Task<Integer, Integer> task =
          async
              ? Task.async(
                  _ -> {
                    begun.countDown();
                    return stage;
                  })
              : i -> {
                begun.countDown();
                go.await();
                return i;
              };
      FutureTask<List<TaskOutcome<Integer, Integer>>> run =
          start(() -> one.over(List.of(0)).taskTimeout(SECOND).collect().runAll(task));
      begun.await();
      Spin.until(() -> !async || stage.getNumberOfDependents() == 1);
      one.acquireAsync()
          .thenAccept(
              permit -> {
                time.advance(SECOND);
                permit.close();
              });
      go.countDown();
      stage.complete(0);
      assertThat(run.get().getFirst().isFailure()).isFalse();
    }
  }

  /** The time of a run begins when its verb is called: a source may be slow to open. */
  @Test
  void theTimeoutCoversTheOpeningOfTheSource() throws Exception {
    AtomicInteger started = new AtomicInteger();
    Iterable<Integer> slow =
        () -> {
          time.advance(SECOND);
          return THREE.iterator();
        };
    Run<Integer> run = throttle.over(slow);
    for (Task<Integer, Integer> task :
        List.<Task<Integer, Integer>>of(
            _ -> started.incrementAndGet(),
            Task.async(_ -> CompletableFuture.completedFuture(started.incrementAndGet())))) {
      assertThatThrownBy(() -> run.timeout(SECOND).runAll(task))
          .isInstanceOf(DeadlineExceededException.class)
          .hasMessage("the run took longer than its timeout, PT1S");
      assertThat(started).hasValue(0);
    }
    FutureTask<Void> waits =
        start(
            () -> {
              run.timeout(Duration.ofSeconds(2)).runOnEach(_ -> block());
              return null;
            });
    Spin.until(() -> throttle.running() == 2);
    time.advance(SECOND);
    assertThat(catchThrowable(waits::get).getCause()).isInstanceOf(DeadlineExceededException.class);
  }

  private int block() throws InterruptedException {
    never.await();
    return 0;
  }

  /** As if it had thrown: a run that collects goes on. */
  @Test
  void aTaskWhoseTimeCannotBeWatchedFails() throws Exception {
    for (boolean async : new boolean[] {false, true}) {
      HandTime failing = new HandTime();
      Throttle one = Throttle.builder().atOnce(1).timeSource(failing).build();
      RuntimeException failure = new IllegalStateException("no alarm");
      failing.failOnce(failure);
      Task<Integer, Integer> task = async ? Task.async(CompletableFuture::completedFuture) : i -> i;
      FutureTask<List<TaskOutcome<Integer, Integer>>> run =
          start(() -> one.over(THREE).taskTimeout(SECOND).collect().runAll(task));
      assertThat(run.get(10, TimeUnit.SECONDS))
          .extracting(TaskOutcome::failure)
          .containsExactly(failure, null, null);
      assertThat(one.running()).isZero();
    }
  }

  /** Whoever rings the alarms may be late, and the thread that runs what they ring for. */
  @Test
  void aTaskThatEndsTooLateFailsThoughItsAlarmHasNotRung() throws Exception {
    HandTime late = new HandTime();
    Throttle one = Throttle.builder().atOnce(1).timeSource(late).build();
    Task<Integer, Integer> blocking =
        i -> {
          late.pass(i == 1 ? SECOND : SECOND.minusNanos(1));
          return i;
        };
    for (Task<Integer, Integer> task :
        List.of(
            blocking,
            Task.<Integer, Integer>async(i -> CompletableFuture.completedFuture(run(blocking, i))),
            Task.<Integer, Integer>async(
                i -> CompletableFuture.supplyAsync(() -> run(blocking, i))))) {
      List<TaskOutcome<Integer, Integer>> outcomes =
          one.over(THREE).taskTimeout(SECOND).collect().runAll(task);
      assertThat(outcomes).extracting(TaskOutcome::isFailure).containsExactly(false, true, false);
      assertThat(outcomes.get(1).failure())
          .isInstanceOf(DeadlineExceededException.class)
          .hasMessage("the task of input 1 took longer than its timeout, PT1S");
      assertThat(late.alarms()).isZero();
    }
  }

  private static int run(Task<Integer, Integer> task, int input) {
    try {
      return task.run(input);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aRunWhoseTaskFailsTooLateIsLateThoughItsAlarmHasNotRung() {
    HandTime late = new HandTime();
    Run<Integer> run =
        Throttle.builder().atOnce(1).timeSource(late).build().over(THREE).timeout(SECOND);
    Task<Integer, Integer> task =
        _ -> {
          late.pass(SECOND);
          throw new IllegalStateException("wrong");
        };
    assertThatThrownBy(() -> run.runOnEach(task))
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("the run took longer than its timeout, PT1S");
    assertThat(late.alarms()).isZero();
  }

  @Test
  void aRunWhoseTasksEndTooLateFailsThoughItsAlarmHasNotRung() throws Exception {
    HandTime late = new HandTime();
    Run<Integer> run =
        Throttle.builder().atOnce(1).timeSource(late).build().over(THREE).timeout(SECOND);
    Task<Integer, Integer> task =
        i -> {
          late.pass(Duration.ofMillis(334));
          return i;
        };
    Task<Integer, Integer> lastOnly =
        i -> {
          if (task.run(i) < 2) {
            throw new IllegalStateException("not the last");
          }
          return i;
        };
    for (ThrowingCallable verb :
        List.<ThrowingCallable>of(
            () -> run.runAll(task),
            () -> run.runAll(Task.async(i -> CompletableFuture.completedFuture(run(task, i)))),
            () -> run.collect().runOnEach(lastOnly),
            () -> run.runAny(lastOnly))) {
      assertThatThrownBy(verb)
          .isInstanceOf(DeadlineExceededException.class)
          .hasMessage("the run took longer than its timeout, PT1S");
      assertThat(late.alarms()).isZero();
    }
    assertThat(run.timeout(SECOND.plusMillis(3)).runAll(task)).isEqualTo(THREE);
  }
}
