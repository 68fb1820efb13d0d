package io.headrace;

import static io.headrace.FlowProbes.awaitThat;
import static io.headrace.FlowProbes.failureOf;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Close, called from code that the flow itself runs: it returns, and the flow ends afterwards. */
class FlowCloseFromWithinTest {
  static Stream<Workers> everyKind() {
    return FlowCloseTest.everyKind();
  }

  private static void awaitStopped(Flow<?, ?> flow) {
    awaitThat("the flow has stopped", () -> flow.state() == Flow.State.STOPPED);
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void fromAHandler(Workers workers) throws Exception {
    AtomicReference<Flow<String, String>> self = new AtomicReference<>();
    AtomicInteger closes = new AtomicInteger();
    Handler<String, String> closer =
        items -> {
          self.get().close();
          closes.incrementAndGet();
          assertThat(self.get().close(Duration.ofDays(1))).isTrue();
          return items;
        };
    Flow<String, String> flow =
        Flow.<String>builder("handler")
            .<String>step("first", items -> items, s -> s.workers(workers))
            .step("closer", closer, s -> s.workers(workers))
            .<String>step("last", items -> items, s -> s.workers(workers))
            .build();
    self.set(flow);
    flow.start();

    assertThat(valueOf(flow.submit("item"))).isEqualTo("item");
    assertThat(closes).hasValue(1);
    awaitStopped(flow);
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void fromAContinuationOnAWorker(Workers workers) throws Exception {
    GatedHandler<String> gated = GatedHandler.interruptible();
    Flow<String, String> flow =
        Flow.<String>builder("continuation")
            .step("gated", gated, s -> s.workers(Workers.threads(1)))
            .<String>step("last", items -> items, s -> s.workers(workers))
            .build()
            .start();
    CompletableFuture<Void> closed = flow.submit("item").thenRun(flow::close);
    gated.open();

    valueOf(closed);
    awaitStopped(flow);
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void fromAContinuationOfAnAsyncHandlersStage(Workers workers) throws Exception {
    CompletableFuture<List<String>> answer = new CompletableFuture<>();
    CountDownLatch entered = new CountDownLatch(1);
    Flow<String, String> flow =
        Flow.<String>builder("async")
            .<String>asyncStep(
                "only",
                items -> {
                  entered.countDown();
                  return answer;
                },
                s -> s.workers(workers))
            .build()
            .start();
    CompletableFuture<Void> closed = flow.submit("item").thenRun(flow::close);
    FlowProbes.awaitLatch("the handler is called", entered);

    FlowProbes.aside(() -> answer.complete(List.of("result")));

    valueOf(closed);
    awaitStopped(flow);
  }

  @Test
  void fromAContinuationThatShutdownRuns() throws Exception {
    GatedHandler<String> gated = GatedHandler.interruptible();
    Flow<String, String> flow =
        Flow.<String>builder("shutdown")
            .step("gated", gated, s -> s.batch(BatchPolicy.greedy(1)))
            .<String>step("next", items -> items)
            .build()
            .start();
    CompletableFuture<?> running = flow.submit("running").whenComplete((v, e) -> flow.close());
    gated.awaitEntered();
    CompletableFuture<?> queued = flow.submit("queued").whenComplete((v, e) -> flow.close());

    valueOf(FlowProbes.aside(flow::shutdownNow));

    assertThat(failureOf(running)).isInstanceOf(StoppedException.class);
    assertThat(failureOf(queued)).isInstanceOf(StoppedException.class);
    awaitStopped(flow);
  }

  @Test
  void fromAContinuationThatShutdownRunsWhileNothingElseDoes() throws Exception {
    VirtualTime time = new VirtualTime();
    Flow<String, String> flow =
        Flow.<String>builder("collecting")
            .timeSource(time)
            .<String>step(
                "only",
                items -> items,
                s ->
                    s.batch(BatchPolicy.fixed(2, Duration.ofDays(1)))
                        .workers(Workers.executor(Runnable::run, 1)))
            .build()
            .start();
    CompletableFuture<?> queued = flow.submit("queued").whenComplete((v, e) -> flow.close());

    valueOf(FlowProbes.aside(flow::shutdownNow));

    assertThat(failureOf(queued)).isInstanceOf(StoppedException.class);
    awaitStopped(flow);
  }

  @Test
  void fromAContinuationOfACancelledItem() throws Exception {
    GatedHandler<String> gated = GatedHandler.interruptible();
    Flow<String, String> flow =
        Flow.<String>builder("cancel")
            .step("gated", gated, s -> s.batch(BatchPolicy.greedy(1)))
            .build()
            .start();
    flow.submit("running");
    gated.awaitEntered();
    CompletableFuture<String> queued = flow.submit("queued");
    CompletableFuture<?> closed = queued.whenComplete((v, e) -> flow.close());
    CompletableFuture<Void> cancel = FlowProbes.aside(() -> queued.cancel(false));
    awaitThat("the flow drains", () -> flow.state() == Flow.State.DRAINING);
    gated.open();

    valueOf(cancel);
    assertThat(closed).isCompletedExceptionally();
    awaitStopped(flow);
  }

  @ParameterizedTest
  @EnumSource(
      value = Flow.State.class,
      names = {"STARTING", "RUNNING", "DRAINING", "STOPPED"})
  void fromAnObserverOfStates(Flow.State at) {
    for (Workers workers : everyKind().toList()) {
      AtomicReference<Flow<String, String>> self = new AtomicReference<>();
      Observer observer =
          new Observer() {
            @Override
            public void onState(String service, Flow.State state) {
              if (state == at) {
                self.get().close();
              }
            }
          };
      Flow<String, String> flow =
          Flow.<String>builder("states")
              .observer(observer)
              .<String>step("s", items -> items, s -> s.workers(workers))
              .build();
      self.set(flow);

      CompletableFuture<Void> start = FlowProbes.aside(flow::start);
      awaitThat("the start has ended, the flow is " + flow.state(), start::isDone);
      valueOf(FlowProbes.aside(flow::close));
      assertThat(flow.state())
          .isEqualTo(at == Flow.State.STARTING ? Flow.State.FAILED : Flow.State.STOPPED);
    }
  }

  @Test
  void fromAnObserverOfAStartThatFails() {
    AtomicReference<Flow<String, String>> self = new AtomicReference<>();
    Observer observer =
        new Observer() {
          @Override
          public void onState(String service, Flow.State state) {
            if (state == Flow.State.FAILED) {
              self.get().close();
            }
          }
        };
    Flow<String, String> flow =
        Flow.<String>builder("failing")
            .observer(observer)
            .<String>stepPerWorker(
                "s",
                () -> {
                  throw new IllegalStateException("cannot start");
                },
                s -> {})
            .build();
    self.set(flow);

    assertThat(failureOf(FlowProbes.aside(flow::start))).isInstanceOf(StartException.class);
    valueOf(FlowProbes.aside(flow::close));
    FlowProbes.awaitNoThreadsOf("failing");
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void fromObserversOfBatchesAndCallsAndListeners(Workers workers) throws Exception {
    for (int which = 0; which < 3; which++) {
      AtomicReference<Flow<String, String>> self = new AtomicReference<>();
      int chosen = which;
      Observer observer =
          new Observer() {
            @Override
            public void onBatch(BatchEvent batch) {
              closeIf(0);
            }

            @Override
            public void onCallEnd(
                String service, Outcome outcome, long nanos, @Nullable Object call) {
              closeIf(1);
            }

            private void closeIf(int event) {
              if (event == chosen) {
                self.get().close();
              }
            }
          };
      CallListener listener =
          (step, batchSize, queueNanos, handleNanos) -> {
            if (chosen == 2) {
              self.get().close();
            }
          };
      Flow<String, String> flow =
          Flow.<String>builder("observers")
              .observer(observer)
              .<String>step("first", items -> items, s -> s.workers(workers))
              .<String>step("last", items -> items, s -> s.workers(workers))
              .build();
      self.set(flow);
      flow.start();

      assertThat(valueOf(flow.submit("item", CallOptions.DEFAULT.withListener(listener))))
          .isEqualTo("item");
      awaitStopped(flow);
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void fromAHandlerThatStarts(Workers workers) {
    AtomicReference<Flow<String, String>> self = new AtomicReference<>();
    Handler<String, String> closer =
        new Handler<>() {
          @Override
          public void onStart() {
            self.get().close();
          }

          @Override
          public List<String> handle(List<String> items) {
            return items;
          }
        };
    Flow<String, String> flow =
        Flow.<String>builder("on-start").step("s", closer, s -> s.workers(workers)).build();
    self.set(flow);

    assertThat(failureOf(FlowProbes.aside(flow::start))).isInstanceOf(StartException.class);
    valueOf(FlowProbes.aside(flow::close));
    assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void fromAHandlerThatIsClosed(Workers workers) throws Exception {
    AtomicReference<Flow<String, String>> self = new AtomicReference<>();
    AtomicInteger closes = new AtomicInteger();
    Handler<String, String> closer =
        new Handler<>() {
          @Override
          public List<String> handle(List<String> items) {
            return items;
          }

          @Override
          public void close() {
            self.get().close();
            closes.incrementAndGet();
          }
        };
    Flow<String, String> flow =
        Flow.<String>builder("on-close").step("s", closer, s -> s.workers(workers)).build();
    self.set(flow);
    flow.start();

    valueOf(FlowProbes.aside(flow::close));
    assertThat(closes).hasValue(1);
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void closeWaitsForABatchInFlightThatTheClosingThreadSubmittedInline() throws Exception {
    CompletableFuture<List<String>> answer = new CompletableFuture<>();
    Flow<String, String> flow =
        Flow.<String>builder("inline-async")
            .<String>asyncStep("only", items -> answer, s -> s.workers(Workers.inline()))
            .build()
            .start();
    CompletableFuture<String> future = new CompletableFuture<>();
    CompletableFuture<Boolean> inTime = new CompletableFuture<>();

    FlowProbes.aside(
        () -> {
          var _ = flow.submit("item").whenComplete((v, e) -> future.complete(v));
          inTime.complete(flow.close(Duration.ofDays(1)));
        });
    awaitThat("the flow drains", () -> flow.state() == Flow.State.DRAINING);
    assertThat(inTime).isNotDone();
    answer.complete(List.of("result"));

    assertThat(valueOf(inTime)).isTrue();
    assertThat(future).isCompletedWithValue("result");
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void otherThreadsWaitUntilAHandlerThatClosedIsDone() throws Exception {
    AtomicReference<Flow<String, String>> self = new AtomicReference<>();
    GatedHandler<String> gated = GatedHandler.interruptible();
    Flow<String, String> flow =
        Flow.<String>builder("others")
            .<String>step(
                "s",
                items -> {
                  self.get().close();
                  return gated.handle(items);
                },
                s -> s.workers(Workers.executor(FlowProbes.POOL, 1)))
            .build();
    self.set(flow);
    flow.start();
    CompletableFuture<String> future = flow.submit("item");
    gated.awaitEntered();

    CompletableFuture<Void> close = FlowProbes.aside(flow::close);
    assertThat(close).isNotDone();
    gated.open();
    valueOf(close);
    assertThat(future).isCompletedWithValue("item");
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void fromAContinuationOfAnAnswerThatAShutdownCancels(Workers workers) throws Exception {
    HeldBatches<String> held = new HeldBatches<>();
    Flow<String, String> flow =
        Flow.<String>builder("later")
            .asyncStep("held", held, s -> s.workers(workers))
            .build()
            .start();
    CompletableFuture<?> closed = flow.submit("item").whenComplete((v, e) -> flow.close());
    awaitThat("the batch is in flight", () -> held.heldCount() == 1);

    valueOf(FlowProbes.aside(flow::shutdownNow));

    assertThat(failureOf(closed)).isInstanceOf(StoppedException.class);
    awaitStopped(flow);
  }

  @Test
  void fromAContinuationOfATimeout() throws Exception {
    VirtualTime time = new VirtualTime();
    GatedHandler<String> gated = GatedHandler.interruptible();
    Flow<String, String> flow =
        Flow.<String>builder("timeout").timeSource(time).step("gated", gated).build().start();
    CompletableFuture<?> closed =
        flow.submit("item", CallOptions.timeout(Duration.ofSeconds(1)))
            .whenComplete((v, e) -> flow.close());
    gated.awaitEntered();

    valueOf(FlowProbes.aside(() -> time.advance(Duration.ofSeconds(1))));

    assertThat(failureOf(closed)).isInstanceOf(DeadlineExceededException.class);
    gated.open();
    awaitStopped(flow);
  }
}
