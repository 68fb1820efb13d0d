package io.headrace;

import static io.headrace.FlowProbes.aside;
import static io.headrace.FlowProbes.awaitLatch;
import static io.headrace.FlowProbes.awaitNoThreadsOf;
import static io.headrace.FlowProbes.awaitThat;
import static io.headrace.FlowProbes.failureOf;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class FlowShutdownTest {
  static Stream<Workers> workersWithAQueue() {
    return FlowCloseTest.workersWithAQueue();
  }

  private static void assertAllStopped(List<? extends CompletableFuture<?>> futures) {
    assertThat(futures)
        .allSatisfy(future -> assertThat(failureOf(future)).isInstanceOf(StoppedException.class));
  }

  @ParameterizedTest
  @MethodSource("workersWithAQueue")
  void everythingFailsAtOnceThoughAHandlerIgnoresTheInterrupt(Workers workers) throws Exception {
    GatedHandler<Integer> stuck = GatedHandler.stubborn();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("stuck")
            .<Integer>step(
                "first",
                items -> items,
                s -> s.batch(BatchPolicy.greedy(2)).workers(workers).queue(100, OnFull.await()))
            .step(
                "stuck",
                stuck,
                s -> s.batch(BatchPolicy.greedy(2)).workers(workers).queue(2, OnFull.await()))
            .build()
            .start();
    List<CompletableFuture<Integer>> futures =
        IntStream.range(0, 50).mapToObj(flow::submit).toList();
    CompletableFuture<Throwable> caller = new CompletableFuture<>();
    CompletableFuture<Void> call =
        aside(
            () -> {
              try {
                flow.call(50);
              } catch (StoppedException e) {
                caller.complete(e);
              }
            });
    stuck.awaitEntered();
    awaitThat("the queue before the stuck step is full", () -> flow.queued("stuck") == 2);

    flow.shutdownNow();

    assertAllStopped(futures);
    valueOf(call);
    assertThat(valueOf(caller)).isInstanceOf(StoppedException.class);
    awaitThat("the handlers are interrupted", () -> stuck.interrupts.get() >= 1);
    assertThat(flow.state()).isEqualTo(Flow.State.DRAINING);
    assertThat(stuck.closedOn).isEmpty();
    assertThat(failureOf(flow.submit(51))).isInstanceOf(StoppedException.class);
    stuck.open();
    flow.close();
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(stuck.closedOn).hasSize(1);
    awaitNoThreadsOf("stuck");
  }

  @ParameterizedTest
  @MethodSource("workersWithAQueue")
  void handlersThatRunAreInterrupted(Workers workers) throws Exception {
    GatedHandler<Integer> gated = GatedHandler.interruptible();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("interrupts")
            .step("s", gated, s -> s.batch(BatchPolicy.greedy(1)).workers(workers))
            .build()
            .start();
    List<CompletableFuture<Integer>> futures = flow.submitAll(List.of(1, 2, 3));
    awaitThat("both workers are busy", () -> gated.running.get() == 2);

    flow.shutdownNow();

    assertAllStopped(futures);
    flow.close();
    assertThat(gated.interrupts).hasValue(2);
    assertThat(gated.items()).hasSize(2);
    assertThat(gated.closedOn).hasSize(1);
  }

  /** Whoever shuts down is held up until the worker has told what became of its batch. */
  @Test
  void itemsThatAHandlerFailsWhenItIsInterruptedAreStopped() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    Handler<Integer, Integer> each =
        Handler.each(
            item -> {
              entered.countDown();
              never.await();
              return item;
            });
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("each")
            .timeSource(new VirtualTime())
            .<Integer>step(
                "first",
                items -> items,
                s -> s.batch(BatchPolicy.fixed(3, Duration.ofHours(1))).workers(Workers.threads(1)))
            .step("each", each, s -> s.batch(BatchPolicy.greedy(3)).workers(Workers.threads(1)))
            .build()
            .start();
    List<CompletableFuture<Integer>> futures = new ArrayList<>(flow.submitAll(List.of(1, 2, 3)));
    entered.await();
    futures.add(flow.submit(4));
    var told = futures.getLast().whenComplete((_, _) -> assertAllStopped(futures.subList(0, 3)));

    flow.shutdownNow();

    assertThat(failureOf(told)).isInstanceOf(StoppedException.class);
    assertAllStopped(futures);
    flow.close();
    assertThat(flow.statistics().rejected()).isEqualTo(4);
    assertThat(flow.statistics().failed()).isZero();
  }

  @Test
  void aBatchThatIsCollectedFails() throws Exception {
    VirtualTime time = new VirtualTime();
    GatedHandler<Integer> handler = GatedHandler.opened();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("collect")
            .timeSource(time)
            .priorities(2)
            .step(
                "s",
                handler,
                s ->
                    s.batch(BatchPolicy.fixed(10, Duration.ofHours(1)))
                        .workers(Workers.executor(Runnable::run, 1))
                        .queue(5, OnFull.await(Duration.ofMinutes(1))))
            .build()
            .start();
    List<CompletableFuture<Integer>> futures =
        new ArrayList<>(flow.submitAll(List.of(1, 2, 3, 4), CallOptions.priority(1)));
    futures.addAll(flow.submitAll(List.of(5, 6, 7)));

    flow.shutdownNow();

    assertThat(futures).allMatch(CompletableFuture::isDone);
    assertAllStopped(futures);
    assertThat(handler.batches).isEmpty();
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(handler.closedOn).hasSize(1);
    while (time.advanceToNext()) {}
    assertThat(time.alarms()).isZero();
  }

  @Test
  void batchThatTheExecutorHasNotBegunIsNotHandled() throws Exception {
    SteppedExecutor stepped = new SteppedExecutor();
    GatedHandler<Integer> handler = GatedHandler.opened();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("pending")
            .step(
                "s",
                handler,
                s -> s.batch(BatchPolicy.greedy(1)).workers(Workers.executor(stepped, 2)))
            .build()
            .start();
    List<CompletableFuture<Integer>> futures = flow.submitAll(List.of(1, 2, 3));
    assertThat(stepped.pending()).isEqualTo(2);

    flow.shutdownNow();

    assertAllStopped(futures);
    flow.close(); // though the executor has not run the tasks
    assertThat(handler.closedOn).hasSize(1);
    stepped.runAll();
    assertThat(handler.batches).isEmpty();
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void itemsWhoseAnswerComesLaterFailAtOnce() throws Exception {
    HeldBatches<Integer> held = new HeldBatches<>();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("async")
            .asyncStep(
                "queued",
                held,
                s -> s.batch(BatchPolicy.greedy(1)).workers(Workers.executor(Runnable::run, 2)))
            .build()
            .start();
    List<CompletableFuture<Integer>> futures = flow.submitAll(List.of(1, 2, 3));

    flow.shutdownNow();

    assertAllStopped(futures);
    flow.close(); // the stages are cancelled
    assertThat(held.items()).containsExactly(1, 2);
  }

  @Test
  void itemsOfInlineStepsFailAtOnce() throws Exception {
    GatedHandler<Integer> stuck = GatedHandler.stubborn();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("inline")
            .<Integer>step("first", items -> items, s -> s.batch(BatchPolicy.greedy(4)))
            .step("stuck", stuck, s -> s.batch(BatchPolicy.greedy(2)).workers(Workers.inline()))
            .<Integer>step("last", items -> items)
            .build()
            .start();
    List<CompletableFuture<Integer>> futures = flow.submitAll(List.of(1, 2, 3, 4));
    stuck.awaitEntered();

    flow.shutdownNow();

    assertAllStopped(futures);
    stuck.open();
    flow.close();
    assertThat(stuck.batches).as("only what had begun").containsExactly(List.of(1, 2));
    assertThat(stuck.closedOn).hasSize(1);
  }

  @Test
  void itemsOfAnInlineStepThatAnswersLaterFailAtOnce() throws Exception {
    HeldBatches<Integer> held = new HeldBatches<>();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("inline-async")
            .asyncStep("held", held, s -> s.workers(Workers.inline()))
            .build()
            .start();
    CompletableFuture<Integer> future = flow.submit(1);

    flow.shutdownNow();

    assertAllStopped(List.of(future));
    flow.close(); // the stage is cancelled
  }

  @ParameterizedTest
  @MethodSource("workersWithAQueue")
  void noInterruptIsLostBetweenTheHandOverAndTheHandler(Workers workers) throws Exception {
    for (int round = 0; round < 200; round++) {
      GatedHandler<Integer> gated = GatedHandler.interruptible();
      Flow<Integer, Integer> flow =
          Flow.<Integer>builder("hand-over")
              .step("s", gated, s -> s.batch(BatchPolicy.greedy(1)).workers(workers))
              .build()
              .start();
      List<CompletableFuture<Integer>> futures = flow.submitAll(List.of(1, 2, 3));

      flow.shutdownNow();

      assertAllStopped(futures);
      valueOf(aside(flow::close));
      assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
      assertThat(gated.closedOn).hasSize(1);
    }
  }

  @Test
  void noInlineBatchIsOverlookedThatBeginsAtTheMomentOfTheShutdown() throws Exception {
    for (int round = 0; round < 300; round++) {
      GatedHandler<Integer> stuck = GatedHandler.stubborn();
      Flow<Integer, Integer> flow =
          Flow.<Integer>builder("overlooked")
              .<Integer>step("first", items -> items)
              .step("stuck", stuck, s -> s.workers(Workers.inline()))
              .build()
              .start();
      CompletableFuture<Integer> future = flow.submit(1);
      for (int i = round % 100; i > 0; i--) {
        Thread.onSpinWait();
      }

      flow.shutdownNow();

      assertAllStopped(List.of(future));
      stuck.open();
      valueOf(aside(flow::close));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void interruptDoesNotOutliveTheBatchOnAThreadOfAnExecutor(boolean isHeeded) throws Exception {
    AtomicReference<Flow<String, String>> self = new AtomicReference<>();
    AtomicBoolean wasInterrupted = new AtomicBoolean();
    Flow<String, String> flow =
        Flow.<String>builder("direct")
            .<String>step(
                "s",
                items -> {
                  aside(() -> self.get().shutdownNow()).join(); // which no interrupt ends
                  wasInterrupted.set(Thread.currentThread().isInterrupted());
                  if (isHeeded) {
                    new CountDownLatch(1).await();
                  }
                  return items;
                },
                s -> s.workers(Workers.executor(Runnable::run, 1)))
            .build();
    self.set(flow);
    flow.start();

    CompletableFuture<Boolean> interruptedAfter = new CompletableFuture<>();
    aside(
        () -> {
          assertAllStopped(List.of(flow.submit("item")));
          interruptedAfter.complete(Thread.currentThread().isInterrupted());
        });

    assertThat(valueOf(interruptedAfter)).isFalse();
    assertThat(wasInterrupted).isTrue();
    valueOf(aside(flow::close));
  }

  @ParameterizedTest
  @MethodSource("workersWithAQueue")
  void shutdownMayComeFromAHandlerAndFromMany(Workers workers) throws Exception {
    AtomicReference<Flow<Integer, Integer>> self = new AtomicReference<>();
    List<String> seen = new CopyOnWriteArrayList<>();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("many")
            .<Integer>step(
                "s",
                items -> {
                  self.get().shutdownNow();
                  seen.add("returned");
                  return items;
                },
                s -> s.batch(BatchPolicy.greedy(1)).workers(workers))
            .build();
    self.set(flow);
    flow.start();
    List<CompletableFuture<Integer>> futures =
        IntStream.range(0, 10).mapToObj(flow::submit).toList();

    awaitThat(
        "every item has an outcome", () -> futures.stream().allMatch(CompletableFuture::isDone));
    List<CompletableFuture<Void>> stops =
        IntStream.range(0, 4).mapToObj(i -> aside(flow::shutdownNow)).toList();
    stops.forEach(FlowProbes::valueOf);
    flow.close();
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(seen).isNotEmpty().hasSizeLessThanOrEqualTo(2);
  }

  @Test
  void shutdownEndsACloseThatWaits() throws Exception {
    GatedHandler<Integer> gated = GatedHandler.interruptible();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("hurry")
            .step("s", gated, s -> s.batch(BatchPolicy.greedy(1)))
            .build()
            .start();
    List<CompletableFuture<Integer>> futures = flow.submitAll(List.of(1, 2, 3));
    gated.awaitEntered();
    CompletableFuture<Void> close = aside(flow::close);
    awaitThat("the flow drains", () -> flow.state() == Flow.State.DRAINING);

    flow.shutdownNow();

    valueOf(close);
    assertAllStopped(futures);
  }

  @Test
  void closeWithATimeoutThatAShutdownEndsSaysThatItemsWereNotWorkedOff() throws Exception {
    GatedHandler<Integer> gated = GatedHandler.interruptible();
    Flow<Integer, Integer> flow = Flow.<Integer>builder("hurry").step("s", gated).build().start();
    CompletableFuture<Integer> future = flow.submit(1);
    gated.awaitEntered();
    CompletableFuture<Boolean> close = new CompletableFuture<>();
    CompletableFuture<Void> closer = aside(() -> close.complete(flow.close(Duration.ofDays(1))));
    awaitThat("the flow drains", () -> flow.state() == Flow.State.DRAINING);

    flow.shutdownNow();

    assertThat(valueOf(close)).isFalse();
    valueOf(closer);
    assertAllStopped(List.of(future));
  }

  @Test
  void flowThatWasNeverStartedIsStopped() {
    Flow<String, String> flow = Flow.<String>builder("new").<String>step("s", i -> i).build();

    flow.shutdownNow();

    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void eachHandlerOfAShutFlowIsClosedOnceOnItsOwnThread() throws Exception {
    List<GatedHandler<Integer>> handlers = new CopyOnWriteArrayList<>();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("each")
            .<Integer>stepPerWorker(
                "s",
                () -> {
                  GatedHandler<Integer> handler = GatedHandler.interruptible();
                  handlers.add(handler);
                  return handler;
                },
                s -> s.workers(Workers.threads(3)).batch(BatchPolicy.greedy(1)))
            .build()
            .start();
    flow.submitAll(List.of(1, 2, 3, 4));
    awaitThat(
        "all workers are busy",
        () -> handlers.stream().mapToInt(handler -> handler.running.get()).sum() == 3);

    flow.shutdownNow();
    flow.close();

    assertThat(handlers.stream().flatMap(handler -> handler.closedOn.stream().map(Thread::getName)))
        .containsExactlyInAnyOrder("headrace-each-s-1", "headrace-each-s-2", "headrace-each-s-3");
    assertThat(handlers.stream().flatMap(handler -> handler.closedOn.stream()))
        .noneMatch(Thread::isInterrupted);
  }

  @Test
  void continuationThatTakesLongDoesNotKeepTheFlowFromItsEnd() throws Exception {
    GatedHandler<Integer> gated = GatedHandler.interruptible();
    CountDownLatch inContinuation = new CountDownLatch(1);
    CountDownLatch endContinuation = new CountDownLatch(1);
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("continuations")
            .step("s", gated, s -> s.batch(BatchPolicy.greedy(1)))
            .build()
            .start();
    CompletableFuture<Integer> running = flow.submit(1);
    gated.awaitEntered();
    CompletableFuture<Void> slow =
        flow.submit(2)
            .handle(
                (value, failure) -> {
                  inContinuation.countDown();
                  FlowProbes.awaitLatch("the continuation may end", endContinuation);
                  return null;
                });
    CompletableFuture<Integer> last = flow.submit(3);

    CompletableFuture<Void> stop = aside(flow::shutdownNow);
    FlowProbes.awaitLatch("the continuation runs", inContinuation);
    flow.close();

    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(slow).isNotDone();
    endContinuation.countDown();
    valueOf(slow);
    valueOf(stop);
    assertAllStopped(List.of(running, last));
  }

  @ParameterizedTest
  @MethodSource("io.headrace.FlowCloseTest#everyKind")
  void nobodyWaitsForAHandlerThatClosesButWhoClosesTheFlow(Workers workers) throws Exception {
    BatchPolicy policy =
        workers.kind == Workers.Kind.INLINE
            ? BatchPolicy.greedy(10)
            : BatchPolicy.fixed(10, Duration.ofHours(1));
    CountDownLatch gate = new CountDownLatch(1);
    Handler<Integer, Integer> slowToClose =
        new Handler<>() {
          @Override
          public List<Integer> handle(List<Integer> items) {
            return items;
          }

          @Override
          public void close() {
            FlowProbes.awaitLatch("the handler may close", gate);
          }
        };
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("slow")
            .step("s", slowToClose, s -> s.batch(policy).workers(workers))
            .build()
            .start();
    CompletableFuture<Integer> future = flow.submit(1);

    valueOf(aside(flow::shutdownNow));
    if (workers.kind != Workers.Kind.INLINE) {
      assertAllStopped(List.of(future));
    }
    CompletableFuture<Void> close = aside(flow::close);
    assertThat(flow.state()).isEqualTo(Flow.State.DRAINING);
    assertThat(close).isNotDone();
    gate.countDown();
    valueOf(close);
  }

  @ParameterizedTest
  @MethodSource("io.headrace.FlowCloseTest#everyKind")
  void handlersAreClosedUndisturbed(Workers workers) throws Exception {
    GatedHandler<Integer> stuck = GatedHandler.stubborn();
    List<Boolean> interrupted = new CopyOnWriteArrayList<>();
    Handler<Integer, Integer> watched =
        new Handler<>() {
          @Override
          public List<Integer> handle(List<Integer> items) {
            return items;
          }

          @Override
          public void close() {
            interrupted.add(Thread.currentThread().isInterrupted());
          }
        };
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("undisturbed")
            .timeSource(new VirtualTime()) // closes on the thread that drains
            .<Integer>step(
                "stuck",
                items -> {
                  stuck.handle(items);
                  Thread.currentThread().interrupt();
                  return items;
                },
                s -> s.workers(workers))
            .step("watched", watched, s -> s.workers(Workers.inline()))
            .build()
            .start();
    CompletableFuture<Void> submitter = aside(() -> flow.submit(1));
    stuck.awaitEntered();

    flow.shutdownNow();
    stuck.open();
    flow.close();

    valueOf(submitter);
    assertThat(interrupted).containsExactly(false);
  }

  @ParameterizedTest
  @MethodSource("workersWithAQueue")
  void handlersOfAllStepsAreInterruptedBeforeTheFirstItemFails(Workers workers) throws Exception {
    GatedHandler<Integer> first = GatedHandler.interruptible();
    GatedHandler<Integer> second = GatedHandler.interruptible();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("at-once")
            .stepIf(n -> n < 9, "first", first, s -> s.batch(BatchPolicy.greedy(1)))
            .step("second", second, s -> s.batch(BatchPolicy.greedy(1)).workers(workers))
            .build()
            .start();
    List<CompletableFuture<Integer>> beyond = flow.submitAll(List.of(9, 10, 11));
    second.awaitEntered();
    flow.submit(0);
    first.awaitEntered();
    awaitThat("the workers are busy", () -> second.running.get() == second.batches.size());
    CompletableFuture<?> told =
        flow.submit(1)
            .handle(
                (value, failure) -> {
                  awaitThat("the second step has stopped", () -> second.running.get() == 0);
                  return null;
                });

    valueOf(aside(flow::shutdownNow));

    valueOf(told.thenApply(_ -> "told"));
    assertAllStopped(beyond);
    flow.close();
    assertThat(second.items()).doesNotContain(11);
  }

  @ParameterizedTest
  @EnumSource(
      value = Workers.Kind.class,
      names = {"THREADS", "EXECUTOR"})
  void handlerOfANewWorkerThatStartsIsInterruptedAlsoWhenTheFlowHasDrained(Workers.Kind kind)
      throws Exception {
    CountDownLatch starting = new CountDownLatch(1);
    CountDownLatch drained = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    AtomicBoolean hangs = new AtomicBoolean();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("resize")
            .<Integer>stepPerWorker(
                "s",
                () ->
                    new Handler<>() {
                      @Override
                      public void onStart() throws InterruptedException {
                        if (hangs.get()) {
                          starting.countDown();
                          try {
                            never.await();
                          } catch (InterruptedException ofTheClose) {
                            drained.countDown();
                            never.await();
                          }
                        }
                      }

                      @Override
                      public List<Integer> handle(List<Integer> items) {
                        return items;
                      }
                    },
                s ->
                    s.workers(
                        kind == Workers.Kind.THREADS
                            ? Workers.threads(1)
                            : Workers.executor(FlowProbes.POOL, 1)))
            .build()
            .start();
    hangs.set(true);
    CompletableFuture<Void> resize = aside(() -> flow.resize("s", 2));
    FlowProbes.awaitLatch("the new worker starts", starting);
    CompletableFuture<Void> close = aside(flow::close);
    FlowProbes.awaitLatch("the close interrupts it, which it ignores", drained);

    flow.shutdownNow();

    assertThat(failureOf(resize)).isInstanceOf(StoppedException.class);
    valueOf(close);
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
  }

  /** The drain of the first step is held up, so what it hands on is not known to have failed. */
  @Test
  void whatTheNextStepRefusesDoesNotHoldItsWorker() throws Exception {
    GatedHandler<Integer> first = GatedHandler.stubborn();
    GatedHandler<Integer> second = GatedHandler.stubborn();
    AtomicBoolean isHeldUp = new AtomicBoolean();
    CountDownLatch deciding = new CountDownLatch(1);
    CompletableFuture<Boolean> decide = new CompletableFuture<>();
    BatchPolicy policy =
        new SendsAll(8) {
          @Override
          public Decision decide(QueueState queue) {
            if (isHeldUp.get()) {
              deciding.countDown();
              decide.join(); // which no interrupt ends
            }
            return super.decide(queue);
          }
        };
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("refused")
            .<Integer>step(
                "first",
                items -> items.contains(0) ? items : first.handle(items),
                s -> s.batch(policy).workers(Workers.threads(2)))
            .step("second", second, s -> s.workers(Workers.threads(1)).queue(1, OnFull.await()))
            .build()
            .start();
    flow.submit(0);
    second.awaitEntered();
    List<CompletableFuture<Integer>> handed = flow.submitAll(List.of(1, 2));
    first.awaitEntered();
    isHeldUp.set(true);
    CompletableFuture<Void> submitter = aside(() -> flow.submit(3));
    awaitLatch("the policy decides", deciding);

    flow.shutdownNow();
    first.open();

    assertAllStopped(handed); // by the second step
    decide.complete(true);
    second.open();
    valueOf(submitter);
    valueOf(aside(flow::close));
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
  }

  /** The worker's thread has brought the items of the warm-up, of which there were none. */
  @Test
  void aHandlerThatClosesIsNotInterruptedOnTheThreadOfTheWarmUp() throws Exception {
    CountDownLatch isAwaited = new CountDownLatch(1);
    HookedTime time = new HookedTime(new VirtualTime());
    time.atAlarms(isAwaited::countDown); // that of the start
    CountDownLatch closing = new CountDownLatch(1);
    CountDownLatch gate = new CountDownLatch(1);
    CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
    Handler<Integer, Integer> handler =
        new Handler<>() {
          @Override
          public void onStart() {
            awaitLatch("the start is waited for", isAwaited);
          }

          @Override
          public List<Integer> handle(List<Integer> items) {
            return items;
          }

          @Override
          public void close() {
            closing.countDown();
            while (gate.getCount() != 0 && !Thread.currentThread().isInterrupted()) {
              Thread.onSpinWait();
            }
            interrupted.complete(Thread.currentThread().isInterrupted());
          }
        };
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("warmer")
            .timeSource(time)
            .step("s", handler, s -> s.workers(Workers.threads(1)))
            .build()
            .start();
    flow.shutdownNow();
    awaitLatch("the handler closes", closing);

    flow.shutdownNow();

    gate.countDown();
    assertThat(valueOf(interrupted)).isFalse();
    flow.close();
  }

  @Test
  void batchesThatTheirExecutorHasDroppedAreTakenBack() throws Exception {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("dropped")
            .<Integer>step(
                "s",
                items -> items,
                s -> s.batch(BatchPolicy.greedy(1)).workers(Workers.executor(task -> {}, 2)))
            .build()
            .start();
    List<CompletableFuture<Integer>> futures = flow.submitAll(List.of(1, 2, 3));

    flow.shutdownNow();

    valueOf(aside(flow::close));
    assertAllStopped(futures);
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
  }
}
