package io.headrace;

import static io.headrace.FlowProbes.awaitLatch;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow.Publisher;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Code of users that a run calls while it is stopped: whatever it does, the run ends. */
class RunCancellationTest {
  private static final List<Integer> THREE = List.of(0, 1, 2);
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final Throttle throttle = Throttle.atMost(3);
  private final CountDownLatch never = new CountDownLatch(1);

  private static <T> FutureTask<T> start(Callable<T> call) {
    FutureTask<T> task = new FutureTask<>(call);
    Thread.ofVirtual().start(task);
    return task;
  }

  private static <T> T get(FutureTask<T> task) throws Exception {
    return task.get(10, TimeUnit.SECONDS);
  }

  private static Throwable failureOf(FutureTask<?> task) {
    return catchThrowable(() -> get(task)).getCause();
  }

  private static List<CompletableFuture<Integer>> stages(int count) {
    return IntStream.range(0, count).mapToObj(_ -> new CompletableFuture<Integer>()).toList();
  }

  private static void awaitInFlight(List<? extends CompletableFuture<?>> stages, int dependents) {
    Spin.until(() -> stages.stream().allMatch(s -> s.getNumberOfDependents() == dependents));
  }

  /** A stage that nothing can cancel. */
  private static final class Stubborn extends CompletableFuture<Integer> {
    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      throw new AssertionError("not to be cancelled");
    }
  }

  /** It is called while the others are still to be cancelled, by the very thread that does it. */
  @Test
  void aContinuationOfACancelledStageMayCloseTheRun() throws Exception {
    for (boolean fails : new boolean[] {false, true}) {
      AtomicReference<Results<Integer>> own = new AtomicReference<>();
      List<CompletableFuture<Integer>> stages = stages(3);
      stages.forEach(stage -> stage.whenComplete((_, _) -> own.get().close()));
      Results<Integer> results = throttle.over(stages).map(Task.async(stage -> stage));
      own.set(results);
      awaitInFlight(stages, 2);
      get(
          start(
              () -> {
                if (fails) {
                  stages.get(0).completeExceptionally(new IllegalStateException("wrong"));
                } else {
                  results.close();
                }
                return null;
              }));
      assertThat(stages).allMatch(CompletableFuture::isDone);
      Spin.until(() -> throttle.running() == 0);
    }
  }

  @Test
  void aSubscriptionThatIsCancelledMayCloseTheRun() throws Exception {
    AtomicReference<Results<Integer>> own = new AtomicReference<>();
    CountDownLatch running = new CountDownLatch(2);
    Publisher<Integer> publisher =
        subscriber ->
            subscriber.onSubscribe(
                new Subscription() {
                  private boolean given;

                  @Override
                  public void request(long count) {
                    if (!given) {
                      given = true;
                      subscriber.onNext(0);
                      subscriber.onNext(1);
                    }
                  }

                  @Override
                  public void cancel() {
                    own.get().close();
                  }
                });
    own.set(
        throttle
            .over(publisher)
            .map(
                i -> {
                  running.countDown();
                  never.await();
                  return i;
                }));
    running.await();
    get(
        start(
            () -> {
              own.get().close();
              return null;
            }));
    assertThat(throttle.running()).isZero();
  }

  @Test
  void aStageWhoseCancellationThrowsAnErrorHoldsUpNothing() {
    List<CompletableFuture<Integer>> stages = new ArrayList<>(stages(2));
    stages.add(1, new Stubborn());
    IllegalStateException failure = new IllegalStateException("wrong");
    FutureTask<List<Integer>> run =
        start(() -> throttle.over(stages).runAll(Task.async(stage -> stage)));
    awaitInFlight(stages, 1);
    stages.get(0).completeExceptionally(failure);
    assertThat(failureOf(run)).isSameAs(failure);
    assertThat(stages.get(2)).isCancelled();
    stages.get(1).complete(1);
    assertThat(throttle.running()).isZero();
  }

  @Test
  void aListenerThatCannotEvenBePrintedHoldsUpNothing() throws Exception {
    Consumer<Progress> broken =
        new Consumer<>() {
          @Override
          public void accept(Progress progress) {
            throw new IllegalStateException("accept");
          }

          @Override
          public String toString() {
            throw new IllegalStateException("toString");
          }
        };
    Run<Integer> run = throttle.over(THREE).onProgress(broken);
    assertThat(get(start(() -> run.runAll(i -> i)))).isEqualTo(THREE);
    List<CompletableFuture<Integer>> stages = stages(3);
    FutureTask<List<Integer>> staged = start(() -> run.runAll(Task.async(stages::get)));
    awaitInFlight(stages, 1);
    THREE.forEach(i -> stages.get(i).complete(i));
    assertThat(get(staged)).isEqualTo(THREE);
  }

  /** The loser is cancelled on the thread that brings the result. */
  @Test
  void runAnyDoesNotWaitForTheContinuationsOfThoseItCancels() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    List<CompletableFuture<Integer>> stages = stages(2);
    stages.get(0).whenComplete((_, _) -> awaitLatch("runAny has returned", release));
    FutureTask<Integer> run = start(() -> throttle.over(stages).runAny(Task.async(stage -> stage)));
    Spin.until(() -> stages.get(1).getNumberOfDependents() == 1);
    FutureTask<Boolean> winner = start(() -> stages.get(1).complete(1));
    assertThat(get(run)).isOne();
    release.countDown();
    get(winner);
    assertThat(stages.get(0)).isCancelled();
  }

  @Test
  void theTimeoutOfARunDoesNotWaitForTheContinuationsOfThoseItCancels() throws Exception {
    VirtualTime time = new VirtualTime();
    Throttle timed = Throttle.builder().atOnce(3).timeSource(time).build();
    CountDownLatch release = new CountDownLatch(1);
    List<CompletableFuture<Integer>> stages = stages(3);
    stages.forEach(s -> s.whenComplete((_, _) -> awaitLatch("the run has failed", release)));
    FutureTask<List<Integer>> run =
        start(() -> timed.over(stages).timeout(SECOND).runAll(Task.async(stage -> stage)));
    awaitInFlight(stages, 2);
    FutureTask<Void> alarm =
        start(
            () -> {
              time.advance(SECOND);
              return null;
            });
    assertThat(failureOf(run)).isInstanceOf(DeadlineExceededException.class);
    release.countDown();
    get(alarm);
    assertThat(stages).allMatch(CompletableFuture::isCancelled);
    assertThat(timed.running()).isZero();
  }

  @Test
  void anInterruptOfWhoeverWaitsForTheTasksIsKept() throws Exception {
    Thread closer = Thread.currentThread();
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(1);
    Results<Integer> results =
        throttle
            .over(List.of(0))
            .map(
                i -> {
                  begun.countDown();
                  while (interrupted.getCount() != 0 || closer.isInterrupted()) {
                    Thread.onSpinWait(); // the closer takes note of it when it begins to wait
                  }
                  return i;
                });
    begun.await();
    closer.interrupt();
    interrupted.countDown();
    results.close();
    assertThat(Thread.interrupted()).isTrue();
    assertThat(throttle.running()).isZero();
  }

  /** What is granted a permit goes on on a thread of its own, and after the task has ended. */
  @Test
  void theContinuationsOfOthersDoNotRunOnTheThreadsOfARun() throws Exception {
    for (boolean async : new boolean[] {false, true}) {
      HandTime time = new HandTime();
      Throttle one = Throttle.builder().atOnce(1).timeSource(time).build();
      CountDownLatch begun = new CountDownLatch(1);
      CountDownLatch go = new CountDownLatch(1);
      Callable<Integer> body =
          () -> {
            begun.countDown();
            go.await();
            return 1;
          };
      Task<Integer, Integer> task = async ? Task.async(_ -> completed(body)) : _ -> body.call();
      FutureTask<List<Integer>> run = start(() -> one.over(List.of(0)).runAll(task));
      begun.await();
      List<Permit> granted = Collections.synchronizedList(new ArrayList<>());
      one.acquireAsync().thenAccept(granted::add);
      go.countDown();
      assertThat(get(run)).containsExactly(1);
      assertThat(granted).isEmpty();
      time.runTasks();
      assertThat(granted).hasSize(1);
    }
  }

  private static CompletableFuture<Integer> completed(Callable<Integer> body) {
    try {
      return CompletableFuture.completedFuture(body.call());
    } catch (Exception e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** The permit is there already when it does. */
  @Test
  void whatThrowsBetweenThePermitAndTheTaskLosesNoPermit() {
    IllegalStateException failure = new IllegalStateException("no room");
    Sink full =
        new Sink() {
          @Override
          public boolean goesOn() {
            return false;
          }

          @Override
          public void starting(long index) {
            throw failure;
          }

          @Override
          public boolean succeeded(long index, Object input, Object value) {
            return false;
          }

          @Override
          public void failed(long index, Object input, Throwable cause) {}
        };
    TaskRun run =
        new StagedRun(
            throttle,
            new IteratorInputs(List.of(1).iterator(), 1),
            new AsyncTask<>(_ -> new CompletableFuture<>()),
            full,
            RunOptions.DEFAULT,
            null,
            null);
    run.start(0);
    FutureTask<Throwable> ended =
        start(
            () -> {
              run.awaitEnd();
              return run.thrown();
            });
    assertThat(catchThrowable(() -> assertThat(get(ended)).isSameAs(failure))).isNull();
    assertThat(throttle.running()).isZero();
  }
}
