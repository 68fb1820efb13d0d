package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What tasks see of the thread that starts a run, and what the listener is told. */
class RunContextTest {
  private static final ScopedValue<String> USER = ScopedValue.newInstance();
  private static final ScopedValue<String> TENANT = ScopedValue.newInstance();
  private static final ThreadLocal<String> LOCAL = new ThreadLocal<>();
  private static final List<Integer> TEN = IntStream.range(0, 10).boxed().toList();

  private final Throttle throttle = Throttle.atMost(2);

  private static <T> List<Task<Integer, T>> bothKinds(java.util.function.Supplier<T> body) {
    return List.of(_ -> body.get(), Task.async(_ -> CompletableFuture.completedFuture(body.get())));
  }

  @Test
  void scopedValuesThatAreNamedAreInherited() throws Exception {
    ContextPropagation both = ContextPropagation.scopedValues(USER, TENANT);
    for (Task<Integer, String> task :
        bothKinds(() -> USER.orElse("nobody") + "/" + TENANT.orElse("none"))) {
      List<String> seen =
          ScopedValue.where(USER, "anna")
              .call(() -> throttle.over(TEN).propagate(both).runAll(task));
      assertThat(seen).hasSize(10).containsOnly("anna/none");
      assertThat(throttle.over(TEN).propagate(both).runAll(task)).containsOnly("nobody/none");
      List<String> one =
          ScopedValue.where(USER, "anna")
              .where(TENANT, "north")
              .call(
                  () ->
                      throttle
                          .over(TEN)
                          .propagate(ContextPropagation.scopedValues(TENANT))
                          .propagate(ContextPropagation.scopedValues(USER))
                          .runAll(task));
      assertThat(one).containsOnly("anna/north");
    }
  }

  /** Each task begins with the caller's value, and changes do not leak. */
  @Test
  void threadLocalsGoThroughTheHookAndChangesDoNotLeak() throws Exception {
    ContextPropagation local = ContextPropagation.threadLocal(LOCAL::get, LOCAL::set);
    for (Task<Integer, String> task :
        bothKinds(
            () -> {
              String seen = LOCAL.get();
              LOCAL.set("changed");
              return seen;
            })) {
      LOCAL.set("caller");
      try {
        assertThat(throttle.over(TEN).propagate(local).runAll(task)).containsOnly("caller");
        assertThat(LOCAL.get()).isEqualTo("caller");
      } finally {
        LOCAL.remove();
      }
    }
  }

  @Test
  void theContextClassLoaderIsInherited() throws Exception {
    ClassLoader mine = new ClassLoader(null) {};
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    for (Task<Integer, ClassLoader> task :
        bothKinds(
            () -> {
              ClassLoader seen = Thread.currentThread().getContextClassLoader();
              Thread.currentThread().setContextClassLoader(null);
              return seen;
            })) {
      Thread.currentThread().setContextClassLoader(mine);
      try {
        assertThat(throttle.over(TEN).runAll(task)).hasSize(10).containsOnly(mine);
      } finally {
        Thread.currentThread().setContextClassLoader(before);
      }
    }
  }

  @Test
  void aContextThatFailsFailsTheTask() {
    IllegalStateException broken = new IllegalStateException("broken");
    for (Task<Integer, String> task : bothKinds(() -> "never")) {
      assertThat(
              catchThrowable(
                  () ->
                      throttle
                          .over(TEN)
                          .propagate(
                              () -> {
                                throw broken;
                              })
                          .runAll(task)))
          .isSameAs(broken);
      assertThat(
              catchThrowable(
                  () ->
                      throttle
                          .over(TEN)
                          .propagate(
                              () ->
                                  _ -> {
                                    throw broken;
                                  })
                          .runAll(task)))
          .isSameAs(broken);
      assertThatThrownBy(() -> throttle.over(TEN).propagate(() -> _ -> {}).runAll(task))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the context propagation did not run the task");
      assertThatThrownBy(() -> throttle.over(TEN).propagate(() -> null).runAll(task))
          .isInstanceOf(NullPointerException.class);
    }
    assertThat(throttle.running()).isZero();
  }

  @Test
  void aContextThatRunsATaskTwiceFailsIt() {
    assertThatThrownBy(
            () ->
                throttle
                    .over(TEN)
                    .propagate(
                        () ->
                            body -> {
                              body.run();
                              body.run();
                            })
                    .runAll(i -> i))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the context propagation runs the task a second time");
    CompletableFuture<Integer> stage = new CompletableFuture<>();
    assertThatThrownBy(
            () ->
                throttle
                    .over(TEN)
                    .propagate(
                        () ->
                            body -> {
                              body.run();
                              body.run();
                            })
                    .runAll(Task.async(_ -> stage)))
        .hasMessage("the context propagation runs the task a second time");
    assertThat(stage).isCancelled();
  }

  @Test
  void theListenerIsToldOfEachTaskThatEnds() throws Exception {
    for (boolean async : new boolean[] {false, true}) {
      List<Progress> told = new ArrayList<>();
      Task<Integer, Integer> task =
          i -> {
            if (i % 5 == 4) {
              throw new IllegalStateException("wrong");
            }
            return i;
          };
      Task<Integer, Integer> staged =
          Task.async(
              i ->
                  i % 5 == 4
                      ? CompletableFuture.failedFuture(new IllegalStateException("wrong"))
                      : CompletableFuture.completedFuture(i));
      throttle.over(TEN).onProgress(told::add).collect().runOnEach(async ? staged : task);
      assertThat(told).hasSize(10);
      for (int i = 0; i < 10; i++) {
        Progress progress = told.get(i);
        assertThat(progress.done() + progress.failed()).isEqualTo(i + 1);
        assertThat(progress.running()).isBetween(0L, 1L);
        assertThat(progress.total()).isEqualTo(10);
      }
      assertThat(told.getLast()).isEqualTo(new Progress(8, 2, 0, 10));
    }
  }

  @Test
  void theTotalOfAnIteratorIsKnownAtItsEnd() throws Exception {
    List<Progress> told = new ArrayList<>();
    CountDownLatch hold = new CountDownLatch(1);
    try (Results<Integer> results =
        Throttle.atMost(3)
            .over(List.of(1, 2).iterator())
            .onProgress(told::add)
            .map(
                i -> {
                  if (i == 2) {
                    hold.await();
                  }
                  return i;
                })) {
      assertThat(results.next()).isEqualTo(1);
      assertThat(told.getFirst().total()).isIn(-1L, 2L);
      hold.countDown();
      assertThat(results.next()).isEqualTo(2);
      assertThat(results.hasNext()).isFalse();
    }
    assertThat(told.getLast()).isEqualTo(new Progress(2, 0, 0, 2));
  }

  @Test
  void theTotalIsToldWhenTheLastTaskHasEndedBefore() throws Exception {
    List<Progress> told = new ArrayList<>();
    CountDownLatch ended = new CountDownLatch(2);
    Iterator<Integer> late =
        new Iterator<>() {
          private int next;

          @Override
          public boolean hasNext() {
            if (next == 2) {
              FlowProbes.awaitLatch("the tasks have ended", ended);
            }
            return next < 2;
          }

          @Override
          public Integer next() {
            return ++next;
          }
        };
    Throttle.atMost(3)
        .over(late)
        .onProgress(
            progress -> {
              told.add(progress);
              ended.countDown();
            })
        .runOnEach(i -> i);
    assertThat(told).last().isEqualTo(new Progress(2, 0, 0, 2));
    assertThat(told).hasSize(3);
    assertThat(told.get(1)).isEqualTo(new Progress(2, 0, 0, -1));
  }

  @Test
  void aListenerThatThrowsIsReportedOnceAndIgnored() throws Exception {
    try (LogCapture log = new LogCapture()) {
      assertThat(
              throttle
                  .over(TEN)
                  .onProgress(
                      _ -> {
                        throw new IllegalStateException("broken");
                      })
                  .runAll(i -> i))
          .isEqualTo(TEN);
      assertThat(log.messages()).hasSize(1).first().asString().contains("progress listener");
    }
  }

  /** What the context throws is the failure, whatever the function has done by then. */
  @Test
  void aContextThatThrowsAfterTheTaskFailsIt() throws Exception {
    IllegalStateException failure = new IllegalStateException("cannot restore");
    ContextPropagation broken =
        () ->
            body -> {
              body.run();
              throw failure;
            };
    CompletableFuture<Integer> pending = new CompletableFuture<>();
    for (Task<Integer, Integer> task :
        List.<Task<Integer, Integer>>of(
            i -> i, Task.async(CompletableFuture::completedFuture), Task.async(_ -> pending))) {
      List<TaskOutcome<Integer, Integer>> outcomes =
          throttle.over(List.of(1)).propagate(broken).collect().runAll(task);
      assertThat(outcomes.getFirst().failure()).isSameAs(failure);
      assertThat(throttle.running()).isZero();
    }
    assertThat(pending).isCancelled();
  }

  /**
   * One at a time: the first task has given its permit back and is not told of yet, the second is
   * told of, the third runs.
   */
  @Test
  void neverMoreRunThanTheLimitAsTheListenerIsTold() throws Exception {
    List<CompletableFuture<Integer>> stages =
        List.of(new CompletableFuture<>(), new CompletableFuture<>(), new CompletableFuture<>());
    CountDownLatch isTold = new CountDownLatch(1);
    Throttle one = Throttle.builder().atOnce(1).timeSource(slowToStop(stages, isTold)).build();
    Queue<Progress> told = new ConcurrentLinkedQueue<>();
    List<Thread> threads = new ArrayList<>();
    threads.add(
        Thread.startVirtualThread(
            () -> {
              try {
                one.over(stages)
                    .taskTimeout(Duration.ofSeconds(1))
                    .onProgress(
                        progress -> {
                          told.add(progress);
                          isTold.countDown();
                        })
                    .runOnEach(Task.async(stage -> stage));
              } catch (InterruptedException e) {
                throw new AssertionError("nobody interrupts", e);
              }
            }));
    for (CompletableFuture<Integer> stage : stages) {
      Spin.until(() -> stage.getNumberOfDependents() == 1);
      if (stage.equals(stages.getLast())) {
        FlowProbes.awaitLatch("another is told of", isTold);
      }
      threads.add(Thread.ofPlatform().daemon().start(() -> stage.complete(0)));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(told).hasSize(3).allMatch(progress -> progress.running() <= 1);
  }

  /** A task that ends stops its alarm, after its permit is free and before it is told of. */
  private static TimeSource slowToStop(
      List<CompletableFuture<Integer>> stages, CountDownLatch isTold) {
    AtomicInteger stopped = new AtomicInteger();
    return new TimeSource() {
      @Override
      public long nanoTime() {
        return 0;
      }

      @Override
      public Alarm schedule(long delayNanos, Runnable task) {
        return () -> {
          switch (stopped.getAndIncrement()) {
            case 0 -> FlowProbes.awaitLatch("another is told of", isTold);
            case 1 -> Spin.until(() -> stages.get(2).getNumberOfDependents() == 1);
            default -> {}
          }
        };
      }

      @Override
      public void execute(Runnable task) {
        task.run();
      }
    };
  }
}
