package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy.Decision;
import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Policies of users: what they are shown, and what happens when they misbehave. */
class CustomPolicyTest {
  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor stepped = new SteppedExecutor();
  private final Echo<Integer> echo = new Echo<>();

  private Batcher<Integer, Integer> batcher(BatchPolicy policy, int workers) {
    return Batcher.builder(echo)
        .batch(policy)
        .workers(Workers.executor(stepped, workers))
        .timeSource(time)
        .build();
  }

  @Test
  void seesTheQueueTheWorkersAndTheTime() {
    List<List<Long>> seen = new ArrayList<>();
    long start = time.nanoTime();
    var batcher =
        batcher(
            new Deciding(
                10,
                queue -> {
                  seen.add(
                      List.of(
                          (long) queue.waiting(),
                          queue.oldestArrivalNanos() - start,
                          (long) queue.idleWorkers(),
                          queue.nowNanos() - start));
                  return queue.waiting() < 3
                      ? Decision.lookAgain(queue.nowNanos() + 1_000_000, 3)
                      : Decision.send(2);
                }),
            3);
    time.advance(Duration.ofNanos(5));
    batcher.submit(0);
    time.advance(Duration.ofNanos(2));
    batcher.submit(1);
    time.advance(Duration.ofNanos(2));
    batcher.submit(2);
    assertThat(seen)
        .containsExactly(List.of(1L, 5L, 3L, 5L), List.of(3L, 5L, 3L, 9L), List.of(1L, 9L, 2L, 9L));
    assertThat(stepped.pending()).isEqualTo(1);
  }

  @Test
  void isNotShownCancelledItems() {
    List<Integer> seen = new ArrayList<>();
    var batcher =
        batcher(
            new Deciding(
                10,
                queue -> {
                  seen.add(queue.waiting());
                  return Decision.lookAgain(queue.nowNanos() + 10, Integer.MAX_VALUE);
                }),
            1);
    var futures = batcher.submitAll(List.of(1, 2, 3));
    futures.get(1).cancel(true);
    time.advance(Duration.ofNanos(10));
    assertThat(seen).startsWith(3).endsWith(2);
  }

  /** Then there is no batch, and its worker stays idle. */
  @Test
  void mayCancelAllThatItDecidesAbout() {
    List<CompletableFuture<Integer>> doomed = new CopyOnWriteArrayList<>();
    BatchPolicy policy =
        new SendsAll(1) {
          @Override
          public Decision decide(QueueState queue) {
            doomed.forEach(future -> future.cancel(true));
            return doomed.isEmpty()
                ? Decision.lookAgain(queue.nowNanos() + 10, Integer.MAX_VALUE)
                : super.decide(queue);
          }
        };
    var batcher =
        Batcher.builder(echo).batch(policy).workers(Workers.threads(1)).timeSource(time).build();
    doomed.add(batcher.submit(1));
    Spin.until(() -> time.alarms() == 1);
    time.advance(Duration.ofNanos(10));
    Spin.until(doomed.getFirst()::isCancelled);
    for (var future : batcher.submitAll(List.of(2, 3))) {
      FlowProbes.valueOf(future);
    }
    assertThat(echo.batches).containsExactly(List.of(2), List.of(3));
    batcher.close();
  }

  @Test
  void seesTheDeadlinesInTheOrderInWhichItemsGo() {
    List<List<Long>> seen = new ArrayList<>();
    BatchPolicy policy =
        new SendsAll(10) {
          @Override
          public Decision decide(QueueState queue) {
            long[] deadlines = new long[3];
            int n = queue.deadlines(deadlines);
            seen.add(
                Arrays.stream(deadlines, 0, n)
                    .map(nanos -> nanos - queue.nowNanos())
                    .boxed()
                    .toList());
            return Decision.lookAgain(queue.nowNanos() + 10, Integer.MAX_VALUE);
          }
        };
    var batcher =
        Batcher.builder(echo)
            .batch(policy)
            .priorities(2)
            .workers(Workers.executor(stepped, 1))
            .timeSource(time)
            .build();
    batcher.submit(1, CallOptions.timeout(Duration.ofNanos(100)));
    batcher.submit(2, CallOptions.timeout(Duration.ofNanos(200)).withPriority(1));
    time.advance(Duration.ofNanos(10));
    assertThat(seen).last().isEqualTo(List.of(190L, 90L));
    batcher.flush();
    stepped.runAll();
    batcher.close();
  }

  @Test
  void isAskedAgainAtTheTimeItNamed() {
    long start = time.nanoTime();
    var batcher =
        batcher(
            new Deciding(
                10,
                queue ->
                    queue.nowNanos() - start < 100
                        ? Decision.lookAgain(queue.nowNanos() + 30, Integer.MAX_VALUE)
                        : Decision.send(10)),
            1);
    batcher.submit(1);
    time.advance(Duration.ofNanos(119));
    assertThat(stepped.pending()).isZero();
    time.advance(Duration.ofNanos(1));
    assertThat(stepped.pending()).isEqualTo(1);
  }

  @Test
  void isAskedAgainAtTheNumberItNamedThoughMoreHadWaited() {
    for (boolean hasBuckets : new boolean[] {false, true}) {
      List<Integer> seen = new ArrayList<>();
      BatchPolicy policy =
          new SendsAll(10) {
            @Override
            public Decision decide(QueueState queue) {
              seen.add(queue.waiting());
              return Decision.lookAgain(queue.nowNanos() + 1_000_000_000, 2);
            }
          };
      var builder =
          Batcher.builder(echo)
              .batch(policy)
              .workers(Workers.executor(stepped, 1))
              .timeSource(time);
      var batcher = hasBuckets ? builder.bucket(item -> "all").build() : builder.build();
      var futures = batcher.submitAll(List.of(1, 2, 3));
      assertThat(seen).containsExactly(3);
      futures.subList(0, 2).forEach(future -> future.cancel(true));
      batcher.submit(4);
      assertThat(seen).last().isEqualTo(2);
      batcher.flush();
      stepped.runAll();
      batcher.close();
    }
  }

  @Test
  void isNotAskedAsLongAsNoWorkerIsIdle() {
    AtomicInteger calls = new AtomicInteger();
    var batcher =
        batcher(
            new Deciding(
                10,
                queue -> {
                  calls.incrementAndGet();
                  return Decision.send(10);
                }),
            1);
    batcher.submit(0);
    assertThat(calls).hasValue(1);
    for (int i = 1; i < 100; i++) {
      batcher.submit(i);
    }
    assertThat(calls).hasValue(1);
  }

  @Test
  void aSizeAboveWhatWaitsOrAboveTheMaximumIsCut() {
    var batcher = batcher(new Deciding(3, queue -> Decision.send(1000)), 1);
    batcher.submit(0);
    batcher.submitAll(List.of(1, 2, 3, 4, 5));
    stepped.runAll();
    assertThat(echo.sizes()).containsExactly(1, 3, 2);
  }

  @Test
  void ifItThrowsTheBatchGoesAtOnceAndThatIsLoggedOnce() {
    try (var log = new LogCapture()) {
      var batcher =
          batcher(
              new Deciding(
                  10,
                  queue -> {
                    throw new IllegalStateException("no idea");
                  }),
              1);
      var first = batcher.submit(0);
      var others = batcher.submitAll(List.of(1, 2, 3));
      stepped.runAll();
      assertThat(first).isCompletedWithValue(0);
      assertThat(others.get(2)).isCompletedWithValue(3);
      assertThat(echo.sizes()).containsExactly(1, 3);
      assertThat(log.messages())
          .containsExactly(
              "a policy of batcher failed; it is ignored, further failures are not logged");
    }
  }

  @Test
  void anErrorOrANullDecisionDoesNotStopTheBatcherEither() {
    try (var log = new LogCapture()) {
      AtomicInteger calls = new AtomicInteger();
      var batcher =
          batcher(
              new Deciding(
                  10,
                  queue -> {
                    if (calls.getAndIncrement() == 0) {
                      throw new StackOverflowError();
                    }
                    return null;
                  }),
              1);
      batcher.submit(0);
      stepped.runAll();
      var second = batcher.submit(1);
      stepped.runAll();
      assertThat(second).isCompletedWithValue(1);
      assertThat(log.messages()).hasSize(1);
    }
  }

  @Test
  void itsMaximumIsReadOnceSoThatItCannotChangeUnderTheBatcher() {
    AtomicInteger reads = new AtomicInteger();
    BatchPolicy fickle =
        new BatchPolicy() {
          @Override
          public int maxSize() {
            if (reads.getAndIncrement() > 0) {
              throw new IllegalStateException("read again");
            }
            return 2;
          }

          @Override
          public Decision decide(QueueState queue) {
            return Decision.send(queue.waiting());
          }
        };
    var batcher = batcher(fickle, 1);
    var futures = batcher.submitAll(List.of(1, 2, 3));
    stepped.runAll();
    assertThat(futures.get(2)).isCompletedWithValue(3);
    assertThat(echo.sizes()).containsExactly(2, 1);
  }

  @Test
  void aMaximumBelowOneIsRefused() {
    var builder = Batcher.builder(echo);
    assertThatThrownBy(() -> builder.batch(new Deciding(0, queue -> Decision.send(1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("maxSize of the policy is 0, it has to be at least 1");
  }

  @Test
  void isNotAskedAgainAllTheTimeIfItWantsThat() {
    for (long delayNanos : new long[] {-1_000, 0, 1, 1_000}) {
      for (boolean hasBuckets : new boolean[] {false, true}) {
        AtomicInteger asked = new AtomicInteger();
        BatchPolicy policy =
            new Deciding(
                10,
                queue -> {
                  asked.incrementAndGet();
                  return Decision.lookAgain(queue.nowNanos() + delayNanos, Integer.MAX_VALUE);
                });
        var builder =
            Batcher.builder(echo)
                .batch(policy)
                .workers(Workers.executor(stepped, 1))
                .timeSource(time);
        var batcher = hasBuckets ? builder.bucket(item -> item).build() : builder.build();
        var future = batcher.submit(1);
        time.advance(Duration.ofMillis(100));
        assertThat(asked).hasValueBetween(900, 1_100);
        batcher.flush();
        stepped.runAll();
        assertThat(future).isCompletedWithValue(1);
        batcher.close();
      }
    }
  }

  /** Whatever it is asked or told, it throws; nor can it say what it is. */
  private static final class Broken implements LearningPolicy {
    @Override
    public LearningPolicy forQueue() {
      return this;
    }

    @Override
    public int maxSize() {
      return 2;
    }

    @Override
    public Decision decide(QueueState queue) {
      throw new IllegalStateException("decide");
    }

    @Override
    public void handled(int size, long handleNanos) {
      throw new IllegalStateException("handled");
    }

    @Override
    public long dropBeforeNanos(QueueState queue) {
      throw new IllegalStateException("dropBeforeNanos");
    }

    @Override
    public long expectedNanos(int ahead, long nowNanos) {
      throw new IllegalStateException("expectedNanos");
    }

    @Override
    public String toString() {
      throw new IllegalStateException("toString");
    }
  }

  @Test
  void aLearningPolicyThatThrowsLosesNeitherItemsNorWorkers() {
    var batcher = batcher(new Broken(), 2);
    CallOptions timeout = CallOptions.timeout(Duration.ofSeconds(1));
    for (int round = 0; round < 5; round++) {
      var futures = batcher.submitAll(List.of(1, 2, 3, 4, 5), timeout);
      stepped.runAll();
      assertThat(futures).allMatch(CompletableFuture::isDone);
      assertThat(futures.get(4)).isCompletedWithValue(5);
    }
    batcher.close();
    assertThat(batcher.statistics().completed()).isEqualTo(25);
  }

  @Test
  void aLearningPolicyThatThrowsDoesNotHoldUpTheStepBefore() throws Exception {
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("flow")
            .step("first", echo, s -> s.workers(Workers.executor(stepped, 1)))
            .step(
                "second",
                items -> items,
                s -> s.batch(new Broken()).workers(Workers.executor(stepped, 1)))
            .timeSource(time)
            .build()
            .start()) {
      for (int i = 0; i < 3; i++) {
        var future = flow.submit(i, CallOptions.timeout(Duration.ofSeconds(1)));
        stepped.runAll();
        assertThat(future).isCompletedWithValue(i);
      }
    }
  }

  @Test
  void learnsOfTheBatchesOfItsStepOnly() throws Exception {
    List<Integer> learned = new ArrayList<>();
    LearningPolicy policy =
        new SendsAll(8) {
          @Override
          public void handled(int size, long nanos) {
            learned.add(size);
          }
        };
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("learns")
            .observer(new Observer() {})
            .<Integer>step(
                "queued",
                items -> items,
                s -> s.batch(policy).weight(item -> 4).workers(Workers.executor(Runnable::run, 1)))
            .<Integer>step("inline", items -> items, s -> s.workers(Workers.inline()))
            .build()
            .start();
    flow.call(1);
    flow.call(2);
    flow.close();

    assertThat(learned).isNotEmpty().containsOnly(4);
  }
}
