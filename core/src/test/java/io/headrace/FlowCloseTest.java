package io.headrace;

import static io.headrace.FlowProbes.aside;
import static io.headrace.FlowProbes.awaitNoThreadsOf;
import static io.headrace.FlowProbes.awaitThat;
import static io.headrace.FlowProbes.failureOf;
import static io.headrace.FlowProbes.threadsOf;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FlowCloseTest {
  static Stream<Workers> everyKind() {
    return Stream.of(
        Workers.threads(2),
        Workers.virtualThreads(2),
        Workers.executor(FlowProbes.POOL, 2),
        Workers.executor(Runnable::run, 1),
        Workers.unlimited(),
        Workers.inline());
  }

  static Stream<Workers> workersWithAQueue() {
    return Stream.of(
        Workers.threads(2), Workers.virtualThreads(2), Workers.executor(FlowProbes.POOL, 2));
  }

  @ParameterizedTest
  @MethodSource("workersWithAQueue")
  void closeWorksOffEverythingThatWasAccepted(Workers workers) throws Exception {
    GatedHandler<Integer> first = GatedHandler.interruptible();
    GatedHandler<Integer> second = GatedHandler.opened();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("drain")
            .step(
                "first",
                first,
                s -> s.batch(BatchPolicy.greedy(2)).workers(workers).queue(3, OnFull.await()))
            .step("second", second, s -> s.workers(workers).queue(1, OnFull.await()))
            .build()
            .start();
    List<CompletableFuture<Integer>> futures =
        IntStream.range(0, 20).mapToObj(flow::submit).toList();
    first.awaitEntered();

    CompletableFuture<Void> close = aside(flow::close);
    awaitThat("the flow drains", () -> flow.state() == Flow.State.DRAINING);
    assertThat(failureOf(flow.submit(20)))
        .isInstanceOf(StoppedException.class)
        .hasMessage("drain is DRAINING");
    assertThat(close).isNotDone();
    first.open();

    valueOf(close);
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(futures)
        .allSatisfy(future -> assertThat(future).isCompleted())
        .extracting(CompletableFuture::join)
        .containsExactlyElementsOf(IntStream.range(0, 20).boxed().toList());
    assertThat(second.items()).hasSize(20).doesNotHaveDuplicates();
    assertThat(first.closedOn).hasSize(1);
    assertThat(second.closedOn).hasSize(1);
    awaitNoThreadsOf("drain");
  }

  @Test
  void batchesThatCollectGoAtOnceAndThoseInFlightAreAwaited() throws Exception {
    VirtualTime time = new VirtualTime();
    HeldBatches<Integer> held = new HeldBatches<>();
    GatedHandler<Integer> second = GatedHandler.opened();
    BatchPolicy policy = BatchPolicy.fixed(10, Duration.ofHours(1));
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("collect")
            .timeSource(time)
            .asyncStep(
                "held", held, s -> s.batch(policy).workers(Workers.executor(Runnable::run, 1)))
            .step(
                "second", second, s -> s.batch(policy).workers(Workers.executor(Runnable::run, 1)))
            .build()
            .start();
    List<CompletableFuture<Integer>> futures = flow.submitAll(List.of(1, 2, 3));
    assertThat(held.batches).isEmpty();

    CompletableFuture<Void> close = aside(flow::close);
    awaitThat("the batch goes", () -> flow.queued("held") == 0);
    awaitThat("the batch is in flight", () -> held.heldCount() == 1);
    assertThat(close).isNotDone();
    held.answer();

    valueOf(close);
    assertThat(futures).allMatch(CompletableFuture::isDone);
    assertThat(held.batches).containsExactly(List.of(1, 2, 3));
    assertThat(second.batches).containsExactly(List.of(1, 2, 3));
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void whatIsSubmittedDuringTheCloseIsHandledOrRefused(Workers workers) throws Exception {
    for (int round = 0; round < 8; round++) {
      LongAdder first = new LongAdder();
      LongAdder second = new LongAdder();
      Flow<Integer, Integer> flow =
          Flow.<Integer>builder("race")
              .<Integer>step("first", counting(first), s -> s.workers(workers))
              .<Integer>step(
                  "second",
                  counting(second),
                  s -> {
                    s.workers(workers);
                    if (workers.kind != Workers.Kind.INLINE) {
                      s.queue(2, OnFull.await());
                    }
                  })
              .build()
              .start();
      int submitters = 3;
      CountDownLatch ready = new CountDownLatch(submitters);
      List<CompletableFuture<List<CompletableFuture<Integer>>>> all = new ArrayList<>();
      for (int i = 0; i < submitters; i++) {
        CompletableFuture<List<CompletableFuture<Integer>>> submitted = new CompletableFuture<>();
        all.add(submitted);
        aside(() -> submitted.complete(submitUntilRefused(flow, ready)));
      }
      FlowProbes.awaitLatch("everybody submits", ready);
      flow.close();

      int completed = 0;
      for (CompletableFuture<List<CompletableFuture<Integer>>> submitted : all) {
        completed += countCompleted(valueOf(submitted));
      }
      assertThat(first.sum()).isEqualTo(completed);
      assertThat(second.sum()).isEqualTo(completed);
    }
  }

  /** How many have a value; the others were refused. */
  private static int countCompleted(List<CompletableFuture<Integer>> futures) {
    int completed = 0;
    for (CompletableFuture<Integer> future : futures) {
      if (!future.isCompletedExceptionally()) {
        future.resultNow();
        completed++;
      } else if (!(future.exceptionNow() instanceof StoppedException)
          && !(future.exceptionNow() instanceof QueueFullException)) {
        throw new AssertionError("was not refused", future.exceptionNow());
      }
    }
    return completed;
  }

  private static Handler<Integer, Integer> counting(LongAdder count) {
    return items -> {
      count.add(items.size());
      return items;
    };
  }

  private static List<CompletableFuture<Integer>> submitUntilRefused(
      Flow<Integer, Integer> flow, CountDownLatch ready) {
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    while (true) {
      CompletableFuture<Integer> future = flow.submit(futures.size());
      futures.add(future);
      if (futures.size() == 100) {
        ready.countDown();
      }
      if (future.isCompletedExceptionally() && future.exceptionNow() instanceof StoppedException) {
        return futures;
      }
    }
  }

  @Test
  void closeMayBeCalledAgainAndByMany() throws Exception {
    GatedHandler<String> gated = GatedHandler.interruptible();
    Flow<String, String> flow = Flow.<String>builder("again").step("gated", gated).build().start();
    CompletableFuture<String> future = flow.submit("item");
    gated.awaitEntered();

    List<CompletableFuture<Void>> closes =
        IntStream.range(0, 5).mapToObj(i -> aside(flow::close)).toList();
    awaitThat("the flow drains", () -> flow.state() == Flow.State.DRAINING);
    assertThat(closes).noneMatch(CompletableFuture::isDone);
    gated.open();

    closes.forEach(FlowProbes::valueOf);
    flow.close();
    flow.shutdownNow();
    assertThat(flow.close(Duration.ofNanos(1))).isTrue();
    assertThat(future).isCompletedWithValue("item");
    assertThat(gated.closedOn).hasSize(1);
  }

  @Test
  void flowThatWasNeverStartedClosesAtOnce() {
    GatedHandler<String> handler = GatedHandler.opened();
    Flow<String, String> flow = Flow.<String>builder("new").step("s", handler).build();

    flow.close();

    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(handler.starts).hasValue(0);
    assertThat(handler.closedOn).isEmpty();
    assertThat(failureOf(flow.submit("item"))).isInstanceOf(StoppedException.class);
  }

  @Test
  void interruptedCloseGoesOnAsShutdown() throws Exception {
    GatedHandler<String> gated = GatedHandler.interruptible();
    Flow<String, String> flow =
        Flow.<String>builder("interrupt").step("gated", gated).build().start();
    CompletableFuture<String> future = flow.submit("item");
    gated.awaitEntered();
    CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
    Thread closer =
        Thread.ofPlatform()
            .start(
                () -> {
                  flow.close();
                  interrupted.complete(Thread.currentThread().isInterrupted());
                });
    awaitThat("the flow drains", () -> flow.state() == Flow.State.DRAINING);

    closer.interrupt();

    assertThat(valueOf(interrupted)).isTrue();
    assertThat(failureOf(future)).isInstanceOf(StoppedException.class);
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(gated.interrupts).hasValue(1);
  }

  @Test
  void closeGivesUpWhenItsTimeIsOver() throws Exception {
    VirtualTime time = new VirtualTime();
    GatedHandler<String> stuck = GatedHandler.stubborn();
    Flow<String, String> flow =
        Flow.<String>builder("stuck")
            .timeSource(time)
            .step("stuck", stuck, s -> s.batch(BatchPolicy.greedy(1)))
            .build()
            .start();
    List<CompletableFuture<String>> futures = flow.submitAll(List.of("a", "b", "c"));
    stuck.awaitEntered();
    CompletableFuture<Boolean> close = new CompletableFuture<>();
    CompletableFuture<Void> closer = aside(() -> close.complete(flow.close(Duration.ofSeconds(5))));
    awaitThat("the alarm is set", () -> time.alarms() == 1);
    time.advance(Duration.ofSeconds(5).minusNanos(1));
    assertThat(close).isNotDone();
    time.advance(Duration.ofNanos(1));

    assertThat(valueOf(close)).isFalse();
    valueOf(closer);
    assertThat(futures)
        .allSatisfy(future -> assertThat(failureOf(future)).isInstanceOf(StoppedException.class));
    assertThat(flow.state()).isEqualTo(Flow.State.DRAINING);
    stuck.open();
    flow.close();
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(stuck.closedOn).hasSize(1);
    assertThat(time.alarms()).isZero();
  }

  @Test
  void closeInTimeSaysSo() throws Exception {
    VirtualTime time = new VirtualTime();
    Flow<String, String> flow =
        Flow.<String>builder("in-time")
            .timeSource(time)
            .<String>step("s", items -> items)
            .build()
            .start();
    CompletableFuture<String> future = flow.submit("item");

    assertThat(flow.close(Duration.ofSeconds(1))).isTrue();
    assertThat(future).isCompletedWithValue("item");
    assertThat(time.alarms()).isZero();
  }

  @Test
  void closeThatIsInterruptedSaysThatItemsWereNotWorkedOff() throws Exception {
    GatedHandler<String> gated = GatedHandler.interruptible();
    Flow<String, String> flow =
        Flow.<String>builder("interrupt").step("gated", gated).build().start();
    CompletableFuture<String> future = flow.submit("item");
    gated.awaitEntered();
    CompletableFuture<Boolean> close = new CompletableFuture<>();
    Thread closer = Thread.ofPlatform().start(() -> close.complete(flow.close(Duration.ofDays(1))));
    awaitThat("the flow drains", () -> flow.state() == Flow.State.DRAINING);

    closer.interrupt();

    assertThat(valueOf(close)).isFalse();
    assertThat(failureOf(future)).isInstanceOf(StoppedException.class);
    assertThat(flow.close(Duration.ofDays(1))).isFalse();
  }

  @Test
  void eachHandlerIsClosedOnceOnTheThreadOfItsWorkerAfterItsLastBatch() throws Exception {
    List<GatedHandler<Integer>> handlers = new CopyOnWriteArrayList<>();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("owners")
            .<Integer>stepPerWorker(
                "s",
                () -> {
                  GatedHandler<Integer> handler = GatedHandler.opened();
                  handlers.add(handler);
                  return handler;
                },
                s -> s.workers(Workers.threads(3)).batch(BatchPolicy.greedy(1)))
            .build()
            .start();
    flow.submitAll(IntStream.range(0, 50).boxed().toList());
    flow.close();

    assertThat(handlers).hasSize(3);
    assertThat(handlers.stream().flatMap(handler -> handler.closedOn.stream().map(Thread::getName)))
        .containsExactlyInAnyOrder(
            "headrace-owners-s-1", "headrace-owners-s-2", "headrace-owners-s-3");
    assertThat(handlers.stream().mapToInt(handler -> handler.items().size()).sum()).isEqualTo(50);
    awaitNoThreadsOf("owners");
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void handlerThatFailsToCloseDoesNotKeepOthersFromIt(Workers workers) throws Exception {
    Handler<String, String> careless =
        new Handler<>() {
          @Override
          public List<String> handle(List<String> items) {
            return items;
          }

          @Override
          public void close() {
            throw new AssertionError("does not close");
          }
        };
    GatedHandler<String> last = GatedHandler.opened();
    Flow<String, String> flow =
        Flow.<String>builder("careless")
            .step("first", careless, s -> s.workers(workers))
            .step("last", last)
            .build()
            .start();
    assertThat(flow.call("item")).isEqualTo("item");

    try (LogCapture log = new LogCapture()) {
      flow.close();
      assertThat(log.messages())
          .containsExactly("the handler of step first of careless failed to close");
    }

    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(last.closedOn).hasSize(1);
    assertThat(threadsOf("careless")).hasSizeLessThanOrEqualTo(2);
    awaitNoThreadsOf("careless");
  }

  @Test
  void whatComesToLaterStepsGoesWithoutDelay() throws Exception {
    VirtualTime time = new VirtualTime();
    BatchPolicy policy = BatchPolicy.fixed(8, Duration.ofHours(1));
    GatedHandler<Integer> second = GatedHandler.opened();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("full")
            .timeSource(time)
            .<Integer>step("first", items -> items)
            .step("second", second, s -> s.batch(policy).queue(4, OnFull.await()))
            .build()
            .start();
    List<CompletableFuture<Integer>> futures = flow.submitAll(List.of(1, 2, 3, 4, 5, 6, 7, 8, 9));
    awaitThat("two full queues went", () -> second.items().size() == 8);
    awaitThat("one item waits for others", () -> flow.queued("second") == 1);

    valueOf(aside(flow::close));

    assertThat(futures).allSatisfy(future -> assertThat(future).isCompleted());
    assertThat(second.items()).hasSize(9);
  }

  @Test
  void closeInTimeEndsWhatItHandlesItself() throws Exception {
    VirtualTime time = new VirtualTime();
    GatedHandler<Integer> stuck = GatedHandler.interruptible();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("self")
            .timeSource(time)
            .step(
                "s",
                stuck,
                s ->
                    s.batch(BatchPolicy.fixed(10, Duration.ofHours(1)))
                        .workers(Workers.executor(Runnable::run, 1)))
            .build()
            .start();
    CompletableFuture<Integer> future = flow.submit(1);
    CompletableFuture<Boolean> close = new CompletableFuture<>();
    CompletableFuture<Void> closer = aside(() -> close.complete(flow.close(Duration.ofSeconds(5))));
    stuck.awaitEntered();

    time.advance(Duration.ofSeconds(5));

    assertThat(valueOf(close)).isFalse();
    valueOf(closer);
    assertThat(failureOf(future)).isInstanceOf(StoppedException.class);
    assertThat(stuck.interrupts).hasValue(1);
    assertThat(time.alarms()).isZero();
  }
}
