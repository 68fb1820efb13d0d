package io.headrace;

import static io.headrace.FlowProbes.aside;
import static io.headrace.FlowProbes.awaitLatch;
import static io.headrace.FlowProbes.awaitThat;
import static io.headrace.FlowProbes.failureOf;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The number of workers of a step changes while its flow runs. */
class WorkerResizeTest {
  static Stream<Workers> everyKind() {
    return Stream.of(
        Workers.threads(2), Workers.virtualThreads(2), Workers.executor(FlowProbes.POOL, 2));
  }

  private static List<CompletableFuture<Integer>> submit(Flow<Integer, Integer> flow, int count) {
    return IntStream.range(0, count).mapToObj(flow::submit).toList();
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void moreWorkersRunMoreBatchesAtOnce(Workers workers) throws Exception {
    HeldBatches<Integer> held = new HeldBatches<>();
    AtomicInteger running = new AtomicInteger();
    AsyncHandler<Integer, Integer> counting =
        items -> {
          synchronized (held) {
            running.incrementAndGet();
            return held.handle(items);
          }
        };
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("resize")
            .asyncStep("only", counting, s -> s.batch(BatchPolicy.greedy(1)).workers(workers))
            .build()
            .start();
    List<CompletableFuture<Integer>> futures = submit(flow, 20);
    awaitThat("two run", () -> running.get() == 2);
    assertThat(flow.queued("only")).isEqualTo(18);

    flow.resize("only", 5);
    awaitThat("five run", () -> running.get() == 5);
    assertThat(flow.queued("only")).isEqualTo(15);
    assertThat(flow.statistics().steps().getFirst().workers()).isEqualTo(5);

    while (futures.stream().anyMatch(future -> !future.isDone())) {
      synchronized (held) {
        assertThat(held.heldCount()).isLessThanOrEqualTo(5);
        held.answer();
      }
    }
    flow.close();
    assertThat(held.items()).hasSize(20).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void fewerWorkersTakeNoMoreThanTheNewLimit(Workers workers) throws Exception {
    AtomicInteger running = new AtomicInteger();
    AtomicBoolean isReduced = new AtomicBoolean();
    AtomicInteger most = new AtomicInteger();
    CountDownLatch gate = new CountDownLatch(1);
    Handler<Integer, Integer> counting =
        items -> {
          int now = running.incrementAndGet();
          if (isReduced.get()) {
            most.accumulateAndGet(now, Math::max);
          }
          gate.await();
          running.decrementAndGet();
          return items;
        };
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("resize")
            .step("only", counting, s -> s.batch(BatchPolicy.greedy(1)).workers(workers))
            .build()
            .start();
    flow.resize("only", 4);
    List<CompletableFuture<Integer>> futures = new ArrayList<>(submit(flow, 50));
    awaitThat("four run", () -> running.get() == 4);
    flow.resize("only", 1);
    assertThat(flow.statistics().steps().getFirst().workers()).isEqualTo(1);
    assertThat(running).hasValue(4);
    isReduced.set(true);
    gate.countDown();

    futures.forEach(FlowProbes::valueOf);
    futures.addAll(submit(flow, 50));
    futures.forEach(FlowProbes::valueOf);
    assertThat(most.get()).isLessThanOrEqualTo(4);
    assertThat(running).hasValue(0);
    flow.close();
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void limitIsExactOnceTheSurplusHasEnded(Workers workers) throws Exception {
    HeldBatches<Integer> held = new HeldBatches<>();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("resize")
            .asyncStep(
                "only",
                items -> {
                  synchronized (held) {
                    return held.handle(items);
                  }
                },
                s -> s.batch(BatchPolicy.greedy(1)).workers(workers))
            .build()
            .start();
    List<CompletableFuture<Integer>> futures = submit(flow, 10);
    awaitThat("two run", () -> heldIn(held) == 2);
    flow.resize("only", 1);
    synchronized (held) {
      assertThat(held.answer()).isTrue(); // one still runs, and that is the limit
      assertThat(held.batches).hasSize(2);
    }
    for (int i = 0; i < 9; i++) {
      int next = Math.min(10, i + 3);
      synchronized (held) {
        held.answer();
      }
      awaitThat("the next batch begins", () -> batchesIn(held) == next);
      assertThat(heldIn(held)).isLessThanOrEqualTo(1);
    }
    futures.forEach(FlowProbes::valueOf);
    flow.close();
  }

  private static int heldIn(HeldBatches<Integer> held) {
    synchronized (held) {
      return held.heldCount();
    }
  }

  private static int batchesIn(HeldBatches<Integer> held) {
    synchronized (held) {
      return held.batches.size();
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void handlersOfWorkersAreStartedAndClosedOnce(Workers workers) throws Exception {
    List<GatedHandler<Integer>> made = new CopyOnWriteArrayList<>();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("resize")
            .stepPerWorker("each", () -> kept(made), s -> s.workers(workers))
            .build()
            .start();
    assertThat(made).hasSize(2);
    flow.resize("each", 5);
    assertThat(made).hasSize(5).allSatisfy(handler -> assertThat(handler.starts).hasValue(1));
    flow.resize("each", 1);
    awaitThat("four have ended", () -> closed(made) == 4);
    assertThat(flow.call(1)).isEqualTo(1);
    assertThat(closed(made)).isEqualTo(4);
    flow.resize("each", 3);
    assertThat(made).hasSize(7);
    assertThat(flow.call(2)).isEqualTo(2);
    flow.close();

    assertThat(made)
        .hasSize(7)
        .allSatisfy(
            handler -> {
              assertThat(handler.starts).hasValue(1);
              assertThat(handler.closedOn).hasSize(1);
            });
    FlowProbes.awaitNoThreadsOf("resize");
  }

  private static GatedHandler<Integer> kept(List<GatedHandler<Integer>> made) {
    GatedHandler<Integer> handler = GatedHandler.opened();
    made.add(handler);
    return handler;
  }

  private static int closed(List<GatedHandler<Integer>> made) {
    return made.stream().mapToInt(handler -> handler.closedOn.size()).sum();
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void handlerOfAllWorkersIsStartedAndClosedOnce(Workers workers) throws Exception {
    GatedHandler<Integer> shared = GatedHandler.opened();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("resize")
            .step("only", shared, s -> s.workers(workers))
            .build()
            .start();
    flow.resize("only", 6);
    flow.call(1);
    flow.resize("only", 1);
    flow.call(2);
    flow.resize("only", 3);
    flow.call(3);
    assertThat(shared.closedOn).isEmpty();
    flow.close();

    assertThat(shared.starts).hasValue(1);
    assertThat(shared.closedOn).hasSize(1);
  }

  /** A thread is made in vain where a value that it is to inherit cannot be copied. */
  @Test
  void handlerOfAllWorkersIsClosedThoughOneGotNoThread() throws Exception {
    InheritableThreadLocal<Integer> uncopied =
        new InheritableThreadLocal<>() {
          @Override
          protected Integer childValue(Integer ofParent) {
            throw new IllegalStateException("no thread");
          }
        };
    GatedHandler<Integer> shared = GatedHandler.opened();
    Flow<Integer, Integer> flow = Flow.<Integer>builder("resize").step("only", shared).build();
    flow.start();
    CompletableFuture<Void> resized =
        aside(
            () -> {
              uncopied.set(1);
              flow.resize("only", 2);
            });
    assertThat(failureOf(resized)).hasMessage("no thread");
    assertThat(flow.call(1)).isEqualTo(1);
    flow.close();

    assertThat(shared.closedOn).hasSize(1);
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void newWorkersGetTheHandlersOfTheLastSwap(Workers workers) throws Exception {
    List<GatedHandler<Integer>> before = new CopyOnWriteArrayList<>();
    List<GatedHandler<Integer>> after = new CopyOnWriteArrayList<>();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("resize")
            .stepPerWorker("each", () -> kept(before), s -> s.workers(workers))
            .build()
            .start();
    flow.swapPerWorker("each", () -> kept(after));
    flow.resize("each", 4);
    assertThat(before).hasSize(2);
    assertThat(after).hasSize(4);
    flow.close();
    assertThat(closed(before)).isEqualTo(2);
    assertThat(closed(after)).isEqualTo(4);
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void workerThatFailsToStartLeavesTheNumberAsBefore(Workers workers) throws Exception {
    List<GatedHandler<Integer>> made = new CopyOnWriteArrayList<>();
    AtomicBoolean fails = new AtomicBoolean();
    AtomicInteger failedOnes = new AtomicInteger();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("resize")
            .stepPerWorker(
                "each",
                () -> {
                  if (fails.get() && failedOnes.incrementAndGet() == 2) {
                    throw new IllegalStateException("no more memory");
                  }
                  return kept(made);
                },
                s -> s.batch(BatchPolicy.greedy(1)).workers(workers))
            .build()
            .start();
    fails.set(true);
    assertThatThrownBy(() -> flow.resize("each", 5))
        .isInstanceOf(StartException.class)
        .hasRootCauseMessage("no more memory");

    assertThat(flow.statistics().steps().getFirst().workers()).isEqualTo(2);
    awaitThat("the new workers have ended", () -> closed(made) == made.size() - 2);
    assertThat(flow.call(1)).isEqualTo(1);
    fails.set(false);
    int before = made.size();
    flow.resize("each", 3);
    assertThat(made).hasSize(before + 1);
    submit(flow, 20).forEach(FlowProbes::valueOf);
    flow.close();
    assertThat(made)
        .allSatisfy(
            handler -> {
              assertThat(handler.starts).hasValue(1);
              assertThat(handler.closedOn).hasSize(1);
            });
    FlowProbes.awaitNoThreadsOf("resize");
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void interruptLeavesTheNumberAsBefore(Workers workers) throws Exception {
    StartGate gate = new StartGate();
    Flow<Integer, Integer> flow = gate.flow(workers);
    AtomicReference<Thread> resizer = new AtomicReference<>();
    gate.isShut.set(true);
    CompletableFuture<Void> resize =
        aside(
            () -> {
              resizer.set(Thread.currentThread());
              flow.resize("each", 3);
            });
    awaitLatch("the new worker starts", gate.starting);
    resizer.get().interrupt();

    assertThat(failureOf(resize)).isInstanceOf(InterruptedException.class);
    assertThat(flow.statistics().steps().getFirst().workers()).isEqualTo(2);
    gate.open.complete(null);
    awaitThat("the new worker has ended", () -> gate.closes.get() == 1);
    assertThat(flow.call(1)).isEqualTo(1);
    flow.close();
    assertThat(gate.closes).hasValue(3);
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void closeInterruptsWorkersThatAreBeingAdded(Workers workers) throws Exception {
    StartGate gate = new StartGate();
    Flow<Integer, Integer> flow = gate.flow(workers);
    gate.isShut.set(true);
    CompletableFuture<Void> resize = aside(() -> flow.resize("each", 4));
    awaitLatch("a new worker starts", gate.starting);
    valueOf(aside(flow::close)); // the gate stays shut

    assertThat(gate.closes.get()).isBetween(3, 4); // one may not have begun to start
    assertThat(failureOf(resize)).isInstanceOf(StoppedException.class);
    FlowProbes.awaitNoThreadsOf("resize");
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void resizeThatFailsInterruptsTheOtherWorkersThatStart(Workers workers) throws Exception {
    StartGate gate = new StartGate();
    Flow<Integer, Integer> flow = gate.flow(workers);
    gate.isShut.set(true);
    gate.failing.set(new IllegalStateException("no more memory"));
    assertThatThrownBy(() -> flow.resize("each", 4)).hasRootCauseMessage("no more memory");
    valueOf(aside(flow::close)); // the gate stays shut
    assertThat(gate.closes).hasValue(4);
    FlowProbes.awaitNoThreadsOf("resize");
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void workerThatIsAddedWhileTheOthersEndDoesNotStart(Workers workers) throws Exception {
    StartGate gate = new StartGate();
    Flow<Integer, Integer> flow = gate.flow(workers);
    gate.isShut.set(true);
    gate.holdsCloses.set(true);
    CompletableFuture<Void> swap = aside(() -> flow.swapPerWorker("each", gate::handler));
    awaitLatch("the swap starts a handler", gate.starting);
    CompletableFuture<Thread> resizer = new CompletableFuture<>();
    CompletableFuture<Void> resize =
        aside(
            () -> {
              resizer.complete(Thread.currentThread());
              flow.resize("each", 3);
            });
    Thread waiting = valueOf(resizer);
    awaitThat("it waits for the swap", () -> waiting.getState() == Thread.State.BLOCKED);
    CompletableFuture<Void> close = aside(flow::close);
    awaitThat("the workers end", () -> gate.closes.get() == 2);
    gate.holdsCloses.set(false); // those of the swap need not wait
    gate.open.complete(null);

    assertThat(failureOf(resize)).isInstanceOf(StoppedException.class);
    assertThat(failureOf(swap)).isInstanceOf(StoppedException.class);
    assertThat(gate.starts).hasValue(4); // two by the swap
    gate.mayClose.countDown();
    valueOf(close);
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void closeWaitsForAStartThatIgnoresTheInterrupt(Workers workers) throws Exception {
    StartGate gate = new StartGate();
    Flow<Integer, Integer> flow = gate.flow(workers);
    gate.isShut.set(true);
    gate.isDeaf.set(true);
    CompletableFuture<Void> resize = aside(() -> flow.resize("each", 3));
    awaitLatch("the new worker starts", gate.starting);
    CompletableFuture<Void> close = aside(flow::close);
    awaitThat("the others have ended", () -> gate.closes.get() == 2);
    assertThat(close).isNotDone();
    gate.open.complete(null);

    valueOf(close);
    assertThat(gate.closes).hasValue(3);
    assertThat(failureOf(resize)).isInstanceOf(StoppedException.class);
    FlowProbes.awaitNoThreadsOf("resize");
  }

  /** Lets new handlers wait while they start. */
  private static final class StartGate {
    final AtomicBoolean isShut = new AtomicBoolean();

    final AtomicBoolean holdsCloses = new AtomicBoolean();

    /** Whether a start that waits ignores interrupts. */
    final AtomicBoolean isDeaf = new AtomicBoolean();

    /** What one start throws once another waits. */
    final AtomicReference<RuntimeException> failing = new AtomicReference<>();

    final CountDownLatch starting = new CountDownLatch(1);
    final CompletableFuture<Void> open = new CompletableFuture<>();
    final CountDownLatch mayClose = new CountDownLatch(1);
    final AtomicInteger starts = new AtomicInteger();
    final AtomicInteger closes = new AtomicInteger();

    Flow<Integer, Integer> flow(Workers workers) throws InterruptedException {
      return Flow.<Integer>builder("resize")
          .stepPerWorker("each", this::handler, s -> s.workers(workers))
          .build()
          .start();
    }

    private Handler<Integer, Integer> handler() {
      return new Handler<>() {
        @Override
        public List<Integer> handle(List<Integer> items) {
          return items;
        }

        @Override
        public void onStart() throws Exception {
          starts.incrementAndGet();
          if (!isShut.get()) {
            return;
          }
          RuntimeException failure = failing.getAndSet(null);
          if (failure != null) {
            awaitLatch("another starts", starting);
            throw failure;
          }
          starting.countDown();
          if (isDeaf.get()) {
            open.join();
          } else {
            open.get();
          }
        }

        @Override
        public void close() {
          closes.incrementAndGet();
          if (holdsCloses.get()) {
            awaitLatch("handlers may close", mayClose);
          }
        }
      };
    }
  }

  /** Some of them are made when they are needed, and not by a resize. */
  @ParameterizedTest
  @MethodSource("everyKind")
  void everyWorkerCanChangeTheNumberOfItsStep(Workers workers) throws Exception {
    CountDownLatch bothRun = new CountDownLatch(2);
    AtomicReference<Flow<Integer, Integer>> self = new AtomicReference<>();
    Handler<Integer, Integer> resizing =
        items -> {
          bothRun.countDown();
          awaitLatch("both run", bothRun);
          self.get().resize("only", 3);
          return items;
        };
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("resize")
            .step("only", resizing, s -> s.batch(BatchPolicy.greedy(1)).workers(workers))
            .build()
            .start()) {
      self.set(flow);
      assertThat(submit(flow, 2)).allSatisfy(future -> assertThat(valueOf(future)).isNotNull());
    }
  }

  @Test
  void sameNumberChangesNothing() throws Exception {
    List<GatedHandler<Integer>> made = new CopyOnWriteArrayList<>();
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("resize")
            .stepPerWorker("each", () -> kept(made), s -> s.workers(Workers.threads(2)))
            .build()
            .start()) {
      flow.resize("each", 2);
      assertThat(made).hasSize(2);
      assertThat(closed(made)).isZero();
    }
  }

  @Test
  void badNumbersAndWorkersWithoutNumberAreRefused() throws Exception {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("resize")
            .<Integer>step("one", items -> items)
            .<Integer>step("inline", items -> items, s -> s.workers(Workers.inline()))
            .<Integer>step("unlimited", items -> items, s -> s.workers(Workers.unlimited()))
            .build();
    assertThatThrownBy(() -> flow.resize("one", 2))
        .isInstanceOf(StoppedException.class)
        .hasMessage("resize is NEW, it has to be started");
    flow.start();
    for (int number : new int[] {0, -1, Integer.MIN_VALUE}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow.resize("one", number))
          .withMessageContaining("workers is " + number);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> flow.resize("inline", 2))
        .withMessage("workers of step inline of resize are inline, their number is not limited");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> flow.resize("unlimited", 2))
        .withMessageEndingWith("their number is not limited");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> flow.resize("other", 2))
        .withMessage("step is other, resize has [one, inline, unlimited]");
    flow.close();
    assertThatThrownBy(() -> flow.resize("one", 2))
        .isInstanceOf(StoppedException.class)
        .hasMessage("resize is STOPPED");
  }

  @Test
  void batcherResizes() throws Exception {
    AtomicInteger running = new AtomicInteger();
    CountDownLatch gate = new CountDownLatch(1);
    Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(
                items -> {
                  running.incrementAndGet();
                  gate.await();
                  return items;
                })
            .batch(BatchPolicy.greedy(1))
            .build();
    List<CompletableFuture<Integer>> futures =
        IntStream.range(0, 5).mapToObj(batcher::submit).toList();
    batcher.resize(3);
    awaitThat("three run", () -> running.get() == 3);
    assertThat(batcher.statistics().steps().getFirst().queued()).isEqualTo(2);
    gate.countDown();
    futures.forEach(FlowProbes::valueOf);
    batcher.close();
  }

  /** It would wait for the change that waits for it. */
  @ParameterizedTest
  @MethodSource("everyKind")
  void aWorkerThatStartsCannotChangeItsOwnStep(Workers workers) throws Exception {
    AtomicReference<Flow<Integer, Integer>> running = new AtomicReference<>();
    AtomicReference<ThrowingConsumer<Flow<Integer, Integer>>> change = new AtomicReference<>();
    class Changing implements Handler<Integer, Integer> {
      @Override
      public List<Integer> handle(List<Integer> items) {
        return items;
      }

      @Override
      public void onStart() throws Exception {
        if (running.get() != null) {
          change.get().accept(running.get());
        }
      }
    }
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("resize")
            .<Integer>stepPerWorker("each", Changing::new, s -> s.workers(workers))
            .<Integer>step("other", items -> items)
            .build()
            .start();
    running.set(flow);
    List<ThrowingConsumer<Flow<Integer, Integer>>> changes =
        List.of(
            f -> f.resize("each", 5),
            f -> f.swapPerWorker("each", () -> items -> items),
            f -> f.swap("each", items -> items));
    for (ThrowingConsumer<Flow<Integer, Integer>> own : changes) {
      change.set(own);
      assertThat(failureOf(aside(() -> flow.resize("each", 3))))
          .isInstanceOf(StartException.class)
          .cause()
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("a worker of step each of resize that starts cannot change its own step");
      assertThat(flow.statistics().steps().getFirst().workers()).isEqualTo(2);
    }
    change.set(f -> f.swap("other", items -> items));
    valueOf(aside(() -> flow.resize("each", 3)));
    assertThat(flow.call(1)).isEqualTo(1);
    valueOf(aside(flow::close));
  }

  private interface ThrowingConsumer<T> {
    void accept(T value) throws Exception;
  }
}
