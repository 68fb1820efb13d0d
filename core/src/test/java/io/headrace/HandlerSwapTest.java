package io.headrace;

import static io.headrace.FlowProbes.aside;
import static io.headrace.FlowProbes.failureOf;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.SteppedExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The handler of a step is replaced while its flow runs. */
class HandlerSwapTest {
  static Stream<Workers> everyKind() {
    return Stream.of(
        Workers.threads(2),
        Workers.virtualThreads(2),
        Workers.executor(FlowProbes.POOL, 2),
        Workers.unlimited(),
        Workers.inline());
  }

  static Stream<Workers> limited() {
    return Stream.of(
        Workers.threads(2), Workers.virtualThreads(2), Workers.executor(FlowProbes.POOL, 2));
  }

  private static Handler<String, String> failingToStart(Exception failure, List<String> closed) {
    return new Handler<>() {
      @Override
      public List<String> handle(List<String> items) {
        throw new AssertionError("it has not started");
      }

      @Override
      public void onStart() throws Exception {
        throw failure;
      }

      @Override
      public void close() {
        closed.add("closed");
      }
    };
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void newBatchesGoToTheNewHandlerAndTheOldOneClosesAfterItsLast(Workers workers) throws Exception {
    GatedHandler<String> before = GatedHandler.interruptible();
    GatedHandler<String> after = GatedHandler.opened();
    Flow<String, String> flow =
        Flow.<String>builder("swap").step("only", before, s -> s.workers(workers)).build().start();
    CompletableFuture<CompletableFuture<String>> running = new CompletableFuture<>();
    CompletableFuture<Void> submitter = aside(() -> running.complete(flow.submit("old")));
    before.awaitEntered();

    flow.swap("only", after);
    assertThat(before.closedOn).isEmpty();
    assertThat(after.starts).hasValue(1);
    assertThat(valueOf(flow.submit("new"))).isEqualTo("new");
    assertThat(before.closedOn).isEmpty();
    before.open();

    valueOf(submitter);
    assertThat(valueOf(valueOf(running))).isEqualTo("old");
    FlowProbes.awaitThat("the old handler is closed", () -> before.closedOn.size() == 1);
    assertThat(after.closedOn).isEmpty();
    flow.close();
    assertThat(before.items()).containsExactly("old");
    assertThat(after.items()).containsExactly("new");
    assertThat(before.closedOn).hasSize(1);
    assertThat(after.closedOn).hasSize(1);
    assertThat(before.starts).hasValue(1);
    assertThat(after.starts).hasValue(1);
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void idleHandlerIsClosedByTheSwap(Workers workers) throws Exception {
    GatedHandler<String> before = GatedHandler.opened();
    GatedHandler<String> after = GatedHandler.opened();
    Flow<String, String> flow =
        Flow.<String>builder("swap").step("only", before, s -> s.workers(workers)).build().start();
    flow.call("old");
    flow.swap("only", after);

    assertThat(before.closedOn).containsExactly(Thread.currentThread());
    flow.call("new");
    flow.close();
    assertThat(before.items()).containsExactly("old");
    assertThat(after.items()).containsExactly("new");
    assertThat(before.closedOn).hasSize(1);
    assertThat(after.closedOn).hasSize(1);
  }

  /** An old handler may take long to close: who swaps waits for it, others do not. */
  @ParameterizedTest
  @MethodSource("limited")
  void otherChangesDoNotWaitForTheCloseOfTheOldHandler(Workers workers) throws Exception {
    CountDownLatch isClosing = new CountDownLatch(2);
    CountDownLatch mayClose = new CountDownLatch(1);
    Supplier<Handler<String, String>> slow =
        () ->
            new Handler<>() {
              @Override
              public List<String> handle(List<String> items) {
                return items;
              }

              @Override
              public void close() throws InterruptedException {
                isClosing.countDown();
                mayClose.await();
              }
            };
    Flow<String, String> flow =
        Flow.<String>builder("swap")
            .step("shared", slow.get(), s -> s.workers(workers))
            .stepPerWorker("each", slow, s -> s.workers(workers))
            .build()
            .start();
    CompletableFuture<Void> swap = aside(() -> flow.swap("shared", GatedHandler.opened()));
    CompletableFuture<Void> swapEach =
        aside(() -> flow.swapPerWorker("each", GatedHandler::<String>opened));
    isClosing.await();
    for (String step : flow.steps()) {
      valueOf(aside(() -> flow.resize(step, 3)));
    }
    valueOf(aside(() -> flow.swap("shared", GatedHandler.opened())));
    valueOf(aside(() -> flow.swapPerWorker("each", GatedHandler::<String>opened)));
    assertThat(flow.call("item")).isEqualTo("item");
    assertThat(swap).isNotDone();
    assertThat(swapEach).isNotDone();
    mayClose.countDown();
    valueOf(swap);
    valueOf(swapEach);
    flow.close();
  }

  @ParameterizedTest
  @MethodSource("limited")
  void eachWorkerGetsAHandlerOfItsOwn(Workers workers) throws Exception {
    List<GatedHandler<String>> before = new CopyOnWriteArrayList<>();
    List<GatedHandler<String>> after = new CopyOnWriteArrayList<>();
    Flow<String, String> flow =
        Flow.<String>builder("swap")
            .stepPerWorker("each", () -> kept(before), s -> s.workers(workers))
            .build()
            .start();
    assertThat(before).hasSize(2);
    flow.swapPerWorker("each", () -> kept(after));

    assertThat(after).hasSize(2).allSatisfy(handler -> assertThat(handler.starts).hasValue(1));
    assertThat(before).allSatisfy(handler -> assertThat(handler.closedOn).hasSize(1));
    for (int i = 0; i < 10; i++) {
      assertThat(flow.call("x")).isEqualTo("x");
    }
    flow.close();
    assertThat(before).hasSize(2).allSatisfy(handler -> assertThat(handler.items()).isEmpty());
    assertThat(after).hasSize(2).allSatisfy(handler -> assertThat(handler.closedOn).hasSize(1));
  }

  private static GatedHandler<String> kept(List<GatedHandler<String>> made) {
    GatedHandler<String> handler = GatedHandler.opened();
    made.add(handler);
    return handler;
  }

  @Test
  void asyncHandlerAnswersWhatItHasBegun() throws Exception {
    HeldBatches<String> before = new HeldBatches<>();
    HeldBatches<String> after = new HeldBatches<>();
    Flow<String, String> flow =
        Flow.<String>builder("swap")
            .asyncStep("only", before, s -> s.workers(Workers.executor(Runnable::run, 3)))
            .build()
            .start();
    CompletableFuture<String> one = flow.submit("one");
    flow.swapAsync("only", after);
    CompletableFuture<String> two = flow.submit("two");
    GatedHandler<String> last = GatedHandler.opened();
    flow.swap("only", last);
    CompletableFuture<String> three = flow.submit("three");

    assertThat(three).isCompletedWithValue("three");
    before.answerAll();
    after.answerAll();
    assertThat(one).isCompletedWithValue("one");
    assertThat(two).isCompletedWithValue("two");
    flow.close();
    assertThat(before.items()).containsExactly("one");
    assertThat(after.items()).containsExactly("two");
    assertThat(last.items()).containsExactly("three");
  }

  /** It would be closed while it serves. */
  @Test
  void handlerThatServesCannotTakeItsOwnPlace() throws Exception {
    GatedHandler<String> first = GatedHandler.opened();
    GatedHandler<String> second = GatedHandler.opened();
    try (Flow<String, String> flow =
        Flow.<String>builder("swap").step("only", first).build().start()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow.swap("only", first))
          .withMessageEndingWith(
              "is the handler that step only of swap has: it can be replaced by another one");
      flow.swap("only", second);
      assertThatIllegalArgumentException().isThrownBy(() -> flow.swap("only", second));
      assertThat(flow.call("item")).isEqualTo("item");
      flow.swap("only", first);
      assertThat(flow.call("item")).isEqualTo("item");
    }
  }

  @Test
  void handlerThatFailsToStartIsClosedAndTheOldOneStays() throws Exception {
    Exception failure = new Exception("no model");
    List<String> closed = new CopyOnWriteArrayList<>();
    GatedHandler<String> before = GatedHandler.opened();
    try (Flow<String, String> flow =
        Flow.<String>builder("swap").step("only", before).build().start()) {
      assertThatThrownBy(() -> flow.swap("only", failingToStart(failure, closed)))
          .isInstanceOf(StartException.class)
          .hasMessage("the new handler of step only of swap failed to start: " + failure)
          .hasCause(failure);

      assertThat(closed).containsExactly("closed");
      assertThat(before.closedOn).isEmpty();
      assertThat(flow.call("x")).isEqualTo("x");
    }
    assertThat(before.closedOn).hasSize(1);
    assertThat(closed).hasSize(1);
  }

  @Test
  void oneOfManyThatFailsToStartLeavesAllOldOnes() throws Exception {
    Exception failure = new Exception("no model");
    List<String> closed = new CopyOnWriteArrayList<>();
    List<GatedHandler<String>> before = new CopyOnWriteArrayList<>();
    List<GatedHandler<String>> after = new CopyOnWriteArrayList<>();
    Flow<String, String> flow =
        Flow.<String>builder("swap")
            .stepPerWorker("each", () -> kept(before), s -> s.workers(Workers.threads(3)))
            .build()
            .start();
    assertThatThrownBy(
            () ->
                flow.swapPerWorker(
                    "each", () -> after.size() < 2 ? kept(after) : failingToStart(failure, closed)))
        .isInstanceOf(StartException.class)
        .hasCause(failure);

    assertThat(after).hasSize(2).allSatisfy(handler -> assertThat(handler.closedOn).hasSize(1));
    assertThat(closed).hasSize(1);
    assertThat(before).allSatisfy(handler -> assertThat(handler.closedOn).isEmpty());
    assertThat(flow.call("x")).isEqualTo("x");
    assertThatThrownBy(
            () ->
                flow.swapPerWorker(
                    "each",
                    () -> {
                      throw new IllegalStateException("no factory");
                    }))
        .isInstanceOf(StartException.class)
        .hasRootCauseMessage("no factory");
    flow.close();
    assertThat(before).allSatisfy(handler -> assertThat(handler.closedOn).hasSize(1));
  }

  @Test
  void closeOfTheOldHandlerThatThrowsIsLogged() throws Exception {
    Handler<String, String> before =
        new Handler<>() {
          @Override
          public List<String> handle(List<String> items) {
            return items;
          }

          @Override
          public void close() {
            throw new IllegalStateException("stuck");
          }
        };
    try (LogCapture _ = new LogCapture();
        Flow<String, String> flow =
            Flow.<String>builder("swap").step("only", before).build().start()) {
      flow.swap("only", Handler.each((String text) -> text + "!"));
      assertThat(flow.call("x")).isEqualTo("x!");
    }
  }

  @Test
  void flowThatDoesNotRunRefusesASwap() throws Exception {
    GatedHandler<String> first = GatedHandler.opened();
    GatedHandler<String> other = GatedHandler.opened();
    Flow<String, String> flow =
        Flow.<String>builder("swap")
            .step("one", first)
            .stepPerWorker("each", () -> first, s -> {})
            .build();
    for (String state : List.of("NEW, it has to be started", "STOPPED")) {
      assertThatThrownBy(() -> flow.swap("one", other))
          .isInstanceOf(StoppedException.class)
          .hasMessage("swap is " + state);
      assertThatThrownBy(() -> flow.swapAsync("one", new HeldBatches<>()))
          .isInstanceOf(StoppedException.class);
      assertThatThrownBy(() -> flow.swapPerWorker("each", () -> other))
          .isInstanceOf(StoppedException.class);
      if (flow.state() == Flow.State.NEW) {
        flow.start().close();
      }
    }
    assertThat(other.starts).hasValue(0);
    assertThat(other.closedOn).isEmpty();
  }

  @Test
  void stationWithoutWorkersRefusesASwap() {
    Flow<String, String> flow =
        Flow.<String>builder("ended").step("s", GatedHandler.<String>opened()).build();

    assertThat(flow.station(0).replace(Handling.of(GatedHandler.<String>opened()))).isNull();
  }

  @Test
  void swapNeedsAStepOfItsKind() throws Exception {
    GatedHandler<String> other = GatedHandler.opened();
    try (Flow<String, String> flow =
        Flow.<String>builder("swap")
            .step("shared", items -> items)
            .stepPerWorker("each", () -> items -> items, s -> {})
            .build()
            .start()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow.swap("other", other))
          .withMessage("step is other, swap has [shared, each]");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow.swap("each", other))
          .withMessageContaining("have a handler each, they need a factory");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow.swapAsync("each", new HeldBatches<>()))
          .withMessageContaining("have a handler each, they need a factory");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow.swapPerWorker("shared", () -> other))
          .withMessageContaining("share a handler, they need no factory");
      assertThatNullPointerException().isThrownBy(() -> flow.swap("shared", null));
      assertThatNullPointerException().isThrownBy(() -> flow.swapAsync("shared", null));
      assertThatNullPointerException().isThrownBy(() -> flow.swapPerWorker("each", null));
      assertThat(other.starts).hasValue(0);
    }
  }

  @Test
  void stepsOfTheFlowKeepTheirHandlers() throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("swap")
            .step("one", Handler.each((String text) -> text + "1"))
            .step("two", Handler.each((String text) -> text + "2"))
            .build()
            .start()) {
      flow.swap("two", Handler.each((String text) -> text + "B"));
      assertThat(flow.call("x")).isEqualTo("x1B");
      flow.swap("one", Handler.each((String text) -> text + "A"));
      assertThat(flow.call("x")).isEqualTo("xAB");
    }
  }

  @Test
  void whatWaitsGoesToTheNewHandlerAlsoIfTheOldOneIsReplacedFromWithin() throws Exception {
    SteppedExecutor stepped = new SteppedExecutor();
    AtomicReference<Flow<String, String>> flow = new AtomicReference<>();
    GatedHandler<String> after = GatedHandler.opened();
    List<String> events = new CopyOnWriteArrayList<>();
    Handler<String, String> before =
        new Handler<>() {
          @Override
          public List<String> handle(List<String> items) {
            flow.get().swap("only", after);
            events.add("handled " + items);
            return items;
          }

          @Override
          public void close() {
            events.add("closed");
          }
        };
    flow.set(
        Flow.<String>builder("swap")
            .step(
                "only",
                before,
                s -> s.batch(BatchPolicy.greedy(1)).workers(Workers.executor(stepped, 1)))
            .build()
            .start());
    List<CompletableFuture<String>> futures = flow.get().submitAll(List.of("1", "2", "3"));
    stepped.runAll();

    assertThat(futures).allSatisfy(future -> assertThat(future).isCompleted());
    assertThat(after.items()).containsExactly("2", "3");
    flow.get().close();
    assertThat(events).containsExactly("handled [1]", "closed");
  }

  @Test
  void flowEndsAfterTheOldHandlerIsClosed() throws Exception {
    GatedHandler<String> before = GatedHandler.opened();
    CountDownLatch closing = new CountDownLatch(1);
    CountDownLatch gate = new CountDownLatch(1);
    Handler<String, String> slowToClose =
        new Handler<>() {
          @Override
          public List<String> handle(List<String> items) {
            return items;
          }

          @Override
          public void close() {
            closing.countDown();
            FlowProbes.awaitLatch("the handler may close", gate);
          }
        };
    Flow<String, String> flow =
        Flow.<String>builder("swap").step("only", slowToClose).build().start();
    CompletableFuture<Void> swap = aside(() -> flow.swap("only", before));
    FlowProbes.awaitLatch("the old handler closes", closing);
    CompletableFuture<Void> close = aside(flow::close);
    FlowProbes.awaitThat("the new handler is closed", () -> before.closedOn.size() == 1);

    assertThat(flow.state()).isEqualTo(Flow.State.DRAINING);
    assertThat(close).isNotDone();
    gate.countDown();
    valueOf(swap);
    valueOf(close);
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void swapThatComesWhileTheFlowClosesClosesItsHandler() throws Exception {
    CountDownLatch starting = new CountDownLatch(1);
    CountDownLatch gate = new CountDownLatch(1);
    GatedHandler<String> before = GatedHandler.opened();
    List<String> closed = new CopyOnWriteArrayList<>();
    Handler<String, String> slowToStart =
        new Handler<>() {
          @Override
          public List<String> handle(List<String> items) {
            return items;
          }

          @Override
          public void onStart() {
            starting.countDown();
            FlowProbes.awaitLatch("the handler may start", gate);
          }

          @Override
          public void close() {
            closed.add("closed");
          }
        };
    Flow<String, String> flow = Flow.<String>builder("swap").step("only", before).build().start();
    CompletableFuture<Void> swap = aside(() -> flow.swap("only", slowToStart));
    FlowProbes.awaitLatch("the new handler starts", starting);
    flow.close();
    gate.countDown();

    assertThat(failureOf(swap)).isInstanceOf(StoppedException.class);
    assertThat(closed).containsExactly("closed");
    assertThat(before.closedOn).hasSize(1);
  }

  @Test
  void batcherSwaps() throws Exception {
    GatedHandler<String> before = GatedHandler.opened();
    Batcher<String, String> batcher = Batcher.builder(before).name("swap").build();
    batcher.call("x");
    batcher.swap(Handler.each(text -> text + "!"));
    assertThat(batcher.call("x")).isEqualTo("x!");
    assertThat(before.closedOn).hasSize(1);
    batcher.swapAsync(items -> CompletableFuture.completedFuture(List.of("later")));
    assertThat(batcher.call("x")).isEqualTo("later");
    assertThatThrownBy(() -> batcher.swap(failingToStart(new Exception("no"), new ArrayList<>())))
        .isInstanceOf(StartException.class)
        .hasMessageStartingWith("the new handler of swap failed to start");
    batcher.close();
    assertThatThrownBy(() -> batcher.swap(Handler.each(text -> text)))
        .isInstanceOf(StoppedException.class)
        .hasMessage("swap is STOPPED");
  }

  /** A handler that is closed when a gate opens. */
  private record SlowToClose(GatedHandler<String> handler, CountDownLatch gate)
      implements Handler<String, String> {
    SlowToClose() {
      this(GatedHandler.interruptible(), new CountDownLatch(1));
    }

    @Override
    public List<String> handle(List<String> items) throws Exception {
      return handler.handle(items);
    }

    @Override
    public void close() {
      FlowProbes.awaitLatch("the handler may close", gate);
      handler.close();
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void resultsOfTheLastBatchDoNotWaitForTheCloseOfTheOldHandler(Workers workers) throws Exception {
    SlowToClose before = new SlowToClose();
    Flow<String, String> flow =
        Flow.<String>builder("slow").step("only", before, s -> s.workers(workers)).build().start();
    CompletableFuture<CompletableFuture<String>> running = new CompletableFuture<>();
    CompletableFuture<Void> submitter = aside(() -> running.complete(flow.submit("old")));
    before.handler.awaitEntered();
    flow.swap("only", GatedHandler.<String>opened());
    before.handler.open();

    valueOf(submitter);
    assertThat(valueOf(valueOf(running))).isEqualTo("old");
    assertThat(valueOf(flow.submit("new"))).isEqualTo("new");
    CompletableFuture<Void> close = aside(flow::close);
    assertThat(before.handler.closedOn).isEmpty();
    before.gate.countDown();
    valueOf(close);
    assertThat(before.handler.closedOn).hasSize(1);
  }
}
