package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Steps whose batches are executed somewhere else, here: when the test says so. */
class PlacementTest {
  private static final int PLACES = 2;

  /** The place where the test is. */
  private static final class Elsewhere implements Placement, Placement.BatchExecutor {
    final List<PlacedStep> placed = new ArrayList<>();
    final List<List<?>> batches = new ArrayList<>();
    final List<CompletableFuture<List<?>>> answers = new ArrayList<>();
    @Nullable Host host;

    /** The thread that has begun to start it. */
    final CompletableFuture<Thread> starter = new CompletableFuture<>();

    @Nullable Exception startFailure;
    BatchExecutor executor = this;
    int places = PLACES;
    IntSupplier wanted = () -> places;
    int starts;
    int closes;

    /** The most workers, each with one place; 0 if their number is fixed. */
    int maxWorkers;

    final List<Integer> resizes = new ArrayList<>();
    @Nullable Exception resizeFailure;

    @Override
    public int places() {
      return places;
    }

    @Override
    public int wantedBatches() {
      return wanted.getAsInt();
    }

    @Override
    public BatchExecutor place(PlacedStep step) {
      if (step.handler() instanceof Handler<?, ?>) {
        throw new IllegalArgumentException("the handler of " + step.step() + " cannot go there");
      }
      placed.add(step);
      return executor;
    }

    @Override
    public void start(Host host) throws Exception {
      this.host = host;
      starter.complete(Thread.currentThread());
      starts++;
      if (startFailure != null) {
        throw startFailure;
      }
    }

    @Override
    public int maxWorkers() {
      return maxWorkers;
    }

    @Override
    public void resize(int workers) throws Exception {
      if (resizeFailure != null) {
        throw resizeFailure;
      }
      places = workers;
      resizes.add(workers);
    }

    @Override
    public CompletionStage<? extends List<?>> execute(List<?> items) {
      batches.add(List.copyOf(items));
      CompletableFuture<List<?>> answer = new CompletableFuture<>();
      answers.add(answer);
      return answer;
    }

    void answer(int batch) {
      answers
          .get(batch)
          .complete(batches.get(batch).stream().map(item -> "<" + item + ">").toList());
    }

    @Override
    public void close() {
      closes++;
    }

    @Override
    public List<WorkerStatus> workers() {
      return List.of(
          new WorkerStatus("there", 7, WorkerStatus.State.IDLE, 3, 100, Duration.ofMillis(5)));
    }

    @Override
    public String toString() {
      return "elsewhere";
    }
  }

  private final Elsewhere elsewhere = new Elsewhere();
  private final List<Observer.WorkerEvent> events = new ArrayList<>();
  private final List<Flow.State> states = new ArrayList<>();
  private final Supplier<Handler<Integer, String>> factory = () -> items -> List.of();

  private Flow<Integer, String> build() {
    return build(BatchPolicy.greedy(3), TimeSource.system());
  }

  private Flow<Integer, String> build(BatchPolicy policy, TimeSource time) {
    return Flow.<Integer>builder("flow")
        .timeSource(time)
        .stepPerWorker(
            "step", factory, step -> step.batch(policy).workers(Workers.placed(elsewhere)))
        .observer(
            new Observer() {
              @Override
              public void onWorker(WorkerEvent event) {
                events.add(event);
              }

              @Override
              public void onState(String service, Flow.State state) {
                states.add(state);
              }
            })
        .build();
  }

  private static List<Integer> items(int n) {
    return IntStream.range(0, n).boxed().toList();
  }

  /** Nothing else happens then: no batch ends, and no item comes. */
  @Test
  void theStepIsToldThatMoreBatchesAreWanted() throws Exception {
    elsewhere.wanted = () -> 1;
    Flow<Integer, String> flow = build().start();
    List<CompletableFuture<String>> futures = flow.submitAll(items(6));
    assertThat(elsewhere.batches).containsExactly(List.of(0, 1, 2));
    elsewhere.wanted = () -> 2;
    assertThat(elsewhere.batches).hasSize(1);
    elsewhere.host.wantsMore();
    assertThat(elsewhere.batches).containsExactly(List.of(0, 1, 2), List.of(3, 4, 5));
    elsewhere.answer(0);
    elsewhere.answer(1);
    assertThat(futures).allMatch(CompletableFuture::isDone);
    flow.close();
  }

  @Test
  void theStepIsDescribedToThePlacement() {
    build();
    assertThat(elsewhere.placed)
        .containsExactly(new Placement.PlacedStep("flow", "step", factory, 3));
    assertThat(elsewhere.starts).as("nothing starts before the flow does").isZero();
  }

  @Test
  void batchesAreExecutedThereAsManyAtOnceAsThereArePlaces() throws Exception {
    Flow<Integer, String> flow = build().start();
    List<CompletableFuture<String>> futures = flow.submitAll(items(8));
    assertThat(elsewhere.batches).containsExactly(List.of(0, 1, 2), List.of(3, 4, 5));
    elsewhere.answer(1);
    assertThat(futures.get(4)).isCompletedWithValue("<4>");
    assertThat(futures.get(0)).isNotDone();
    assertThat(elsewhere.batches).hasSize(3).last().isEqualTo(List.of(6, 7));
    elsewhere.answer(0);
    elsewhere.answer(2);
    assertThat(futures).allSatisfy(future -> assertThat(future).isCompleted());
    flow.close();
    assertThat(elsewhere.starts).isEqualTo(1);
    assertThat(elsewhere.closes).isEqualTo(1);
  }

  @Test
  void noMoreBatchesGoThereThanItWants() throws Exception {
    elsewhere.places = 4;
    elsewhere.wanted = () -> 1;
    Flow<Integer, String> flow = build().start();
    List<CompletableFuture<String>> futures = flow.submitAll(items(18));
    assertThat(elsewhere.batches).hasSize(1);
    elsewhere.wanted = () -> 3; // noticed when a batch ends
    elsewhere.answer(0);
    assertThat(elsewhere.batches).hasSize(4);
    elsewhere.wanted = () -> 2;
    elsewhere.answer(1);
    assertThat(elsewhere.batches).as("two are there").hasSize(4);
    elsewhere.wanted = () -> -7; // counts as 1
    elsewhere.answer(2);
    assertThat(elsewhere.batches).hasSize(4);
    elsewhere.answer(3);
    assertThat(elsewhere.batches).hasSize(5);
    elsewhere.wanted =
        () -> {
          throw new IllegalStateException("it does not know");
        };
    elsewhere.answer(4);
    assertThat(elsewhere.batches).as("all that are left").hasSize(6);
    elsewhere.answer(5);
    assertThat(futures).allSatisfy(future -> assertThat(future).isCompleted());
    flow.close();
  }

  /** A policy is asked only if a worker is idle, and counts on that. */
  @Test
  void aPolicySeesAnIdleWorkerThoughFewerBatchesAreWantedMeanwhile() throws Exception {
    List<Integer> seen = new ArrayList<>();
    BatchPolicy policy =
        new SendsAll(1) {
          @Override
          public Decision decide(QueueState queue) {
            if (!elsewhere.batches.isEmpty()) {
              elsewhere.wanted = () -> 1;
            }
            seen.add(queue.idleWorkers());
            return super.decide(queue);
          }
        };
    Flow<Integer, String> flow = build(policy, TimeSource.system()).start();
    flow.submit(1);
    flow.submit(2);
    assertThat(elsewhere.batches).hasSize(2);
    assertThat(seen).containsExactly(2, 1);
    elsewhere.answer(0);
    elsewhere.answer(1);
    flow.close();
  }

  @Test
  void whatItFailsWithReachesTheCallers() throws Exception {
    Flow<Integer, String> flow = build().start();
    CompletableFuture<String> future = flow.submit(1);
    WorkerDiedException death = new WorkerDiedException("it is dead");
    elsewhere.answers.getFirst().completeExceptionally(death);
    assertThatThrownBy(future::join).hasCause(death);
    CompletableFuture<String> next = flow.submit(2);
    elsewhere.answer(1);
    assertThat(next).isCompletedWithValue("<2>");
    flow.close();
  }

  @Test
  void aStartThatFailsFailsTheFlow() {
    elsewhere.startFailure = new IllegalStateException("no room there");
    Flow<Integer, String> flow = build();
    assertThatThrownBy(flow::start)
        .isInstanceOf(StartException.class)
        .hasCause(elsewhere.startFailure);
    assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
    flow.close();
    assertThat(elsewhere.closes).isEqualTo(1);
  }

  /** It can no longer fail the start, and the flow does not run yet. */
  @Test
  void aStepThatIsLostBetweenTheStartAndTheRunFailsTheFlow() throws Exception {
    WorkerDiedException reason = new WorkerDiedException("all are dead");
    HookedTime time = new HookedTime(new VirtualTime());
    time.atAlarms(
        () -> {
          awaitEnd(elsewhere.starter.join());
          elsewhere.host.fail(reason);
        });
    Flow<Integer, String> flow = build(BatchPolicy.greedy(3), time).start();
    assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
    assertThatThrownBy(() -> flow.call(1))
        .isInstanceOf(StoppedException.class)
        .hasMessage("flow is FAILED: all are dead");
    flow.close();
    assertThat(elsewhere.closes).isEqualTo(1);
    assertThat(states).containsExactly(Flow.State.STARTING, Flow.State.RUNNING, Flow.State.FAILED);
  }

  private static void awaitEnd(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts", e);
    }
  }

  @Test
  void aStepThatIsLostFailsTheFlowAndTellsEveryCaller() throws Exception {
    Flow<Integer, String> flow = build().start();
    List<CompletableFuture<String>> futures = flow.submitAll(items(20));
    WorkerDiedException reason = new WorkerDiedException("all are dead");
    elsewhere.host.fail(reason);
    assertThat(futures)
        .allSatisfy(
            future ->
                assertThat(future)
                    .failsWithin(Duration.ofSeconds(10))
                    .withThrowableThat()
                    .withCause(reason));
    assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
    assertThatThrownBy(() -> flow.call(1))
        .isInstanceOf(StoppedException.class)
        .hasMessage("flow is FAILED: all are dead");
    flow.close();
    assertThat(elsewhere.closes).isEqualTo(1);
    assertThat(states).containsExactly(Flow.State.STARTING, Flow.State.RUNNING, Flow.State.FAILED);
  }

  @Test
  void aStepThatIsLostWhileTheFlowClosesDoesNotHoldUpTheClose() throws Exception {
    Flow<Integer, String> flow = build().start();
    CompletableFuture<String> future = flow.submit(1);
    Thread closer = Thread.ofVirtual().start(flow::close);
    org.awaitility.Awaitility.await("the close").until(() -> flow.state() == Flow.State.DRAINING);
    WorkerDiedException reason = new WorkerDiedException("all are dead");
    elsewhere.host.fail(reason);
    closer.join();
    assertThatThrownBy(future::join).hasCause(reason);
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(elsewhere.closes).isEqualTo(1);
  }

  @Test
  void aTimedCloseTellsOfAStepThatWasLostMeanwhile() throws Exception {
    Flow<Integer, String> flow = build().start();
    CompletableFuture<String> future = flow.submit(1);
    CompletableFuture<Boolean> closed = new CompletableFuture<>();
    Thread.startVirtualThread(() -> closed.complete(flow.close(Duration.ofDays(1))));
    org.awaitility.Awaitility.await("the close").until(() -> flow.state() == Flow.State.DRAINING);
    elsewhere.host.fail(new WorkerDiedException("all are dead"));
    assertThat(closed.get()).isFalse();
    assertThat(future).isCompletedExceptionally();
  }

  @Test
  void aTimedCloseTellsOfAStepThatWasLostBefore() throws Exception {
    Flow<Integer, String> flow = build().start();
    CompletableFuture<String> future = flow.submit(1);
    elsewhere.host.fail(new WorkerDiedException("all are dead"));
    assertThat(flow.close(Duration.ofDays(1))).isFalse();
    assertThat(future).isCompletedExceptionally();
  }

  @Test
  void observersAreToldOfWorkersAndCanAskForThem() throws Exception {
    Flow<Integer, String> flow = build().start();
    Observer.WorkerEvent event =
        new Observer.WorkerEvent(
            "flow",
            "step",
            "there",
            7,
            Observer.WorkerEvent.Kind.DIED,
            Observer.WorkerEvent.Reason.OTHER,
            "of old age");
    elsewhere.host.report(event);
    assertThat(events).containsExactly(event);
    assertThat(flow.workers("step")).isEqualTo(elsewhere.workers());
    assertThatThrownBy(() -> flow.workers("other")).isInstanceOf(IllegalArgumentException.class);
    flow.close();
  }

  @Test
  void aHandlerThatCannotGoThereIsRefusedWhenTheStepIsDescribed() {
    Handler<Integer, Integer> handler = items -> items;
    assertThatThrownBy(
            () ->
                Flow.<Integer>builder("flow")
                    .step("step", handler, step -> step.workers(Workers.placed(elsewhere))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the handler of step cannot go there");
    assertThatThrownBy(() -> Batcher.builder(handler).workers(Workers.placed(elsewhere)).build())
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aSwapGoesToTheSamePlacement() throws Exception {
    Flow<Integer, String> flow = build().start();
    flow.swapPerWorker("step", factory);
    assertThat(elsewhere.placed).hasSize(2);
    assertThat(elsewhere.starts).isEqualTo(2);
    assertThat(elsewhere.closes).as("the old one").isEqualTo(1);
    assertThatThrownBy(() -> flow.swap("step", (Handler<Integer, String>) items -> List.of()))
        .isInstanceOf(IllegalArgumentException.class);
    flow.close();
    assertThat(elsewhere.closes).isEqualTo(2);
  }

  @Test
  void theOldExecutorIsClosedAfterItsLastBatch() throws Exception {
    Flow<Integer, String> flow = build(BatchPolicy.greedy(3), new VirtualTime()).start();
    CompletableFuture<String> future = flow.submit(1);
    Elsewhere other = new Elsewhere();
    elsewhere.executor = other;
    flow.swapPerWorker("step", factory);
    assertThat(elsewhere.closes).isZero();
    elsewhere.answer(0);
    assertThat(future).isCompletedWithValue("<1>");
    assertThat(elsewhere.closes).isEqualTo(1);
    flow.close();
    assertThat(other.closes).isEqualTo(1);
  }

  @Test
  void afterASwapTheNewExecutorSaysHowManyBatchesItWants() throws Exception {
    Flow<Integer, String> flow = build().start();
    Elsewhere other = new Elsewhere();
    other.wanted = () -> 1;
    elsewhere.executor = other;
    flow.swapPerWorker("step", factory);
    List<CompletableFuture<String>> futures = flow.submitAll(items(6));
    assertThat(other.batches).hasSize(1);
    other.answer(0);
    assertThat(other.batches).hasSize(2);
    other.answer(1);
    assertThat(futures).allMatch(CompletableFuture::isDone);
    assertThat(elsewhere.batches).isEmpty();
    flow.close();
  }

  @Test
  void aSwapToFewerPlacesIsRefused() throws Exception {
    Flow<Integer, String> flow = build().start();
    Elsewhere other = new Elsewhere();
    other.places = PLACES - 1;
    elsewhere.executor = other;
    assertThatThrownBy(() -> flow.swapPerWorker("step", factory))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("elsewhere has 1 places now, step step of flow has 2 and cannot have fewer");
    assertThat(other.starts).isZero();
    flow.close();
  }

  @Test
  void aResizeChangesHowManyBatchesThereAreAtOnce() throws Exception {
    elsewhere.maxWorkers = 3;
    Flow<Integer, String> flow = build().start();
    var futures = flow.submitAll(IntStream.range(0, 20).boxed().toList());
    assertThat(elsewhere.batches).hasSize(2);
    flow.resize("step", 3);
    assertThat(elsewhere.batches).hasSize(3);
    flow.resize("step", 1);
    elsewhere.answer(0);
    elsewhere.answer(1);
    assertThat(elsewhere.batches).hasSize(3);
    for (int i = 2; i < elsewhere.batches.size(); i++) {
      elsewhere.answer(i);
    }
    assertThat(futures).allMatch(CompletableFuture::isDone);
    assertThat(elsewhere.resizes).containsExactly(3, 1);
    flow.close();
  }

  @Test
  void aHandlerThatIsSwappedStartsWithAsManyWorkers() throws Exception {
    elsewhere.maxWorkers = 3;
    Flow<Integer, String> flow = build().start();
    flow.resize("step", 1);
    Elsewhere other = new Elsewhere();
    elsewhere.executor = other;
    flow.swapPerWorker("step", factory);
    assertThat(other.resizes).containsExactly(1);
    flow.close();
  }

  @Test
  void aResizeThatFailsChangesNothing() throws Exception {
    elsewhere.maxWorkers = 3;
    Flow<Integer, String> flow = build().start();
    elsewhere.resizeFailure = new IllegalStateException("no memory");
    assertThatThrownBy(() -> flow.resize("step", 3))
        .isInstanceOf(StartException.class)
        .hasMessageContaining("step step of flow was not resized")
        .hasCause(elsewhere.resizeFailure);
    elsewhere.resizeFailure = new InterruptedException();
    assertThatThrownBy(() -> flow.resize("step", 3)).isSameAs(elsewhere.resizeFailure);
    assertThatThrownBy(() -> flow.resize("step", 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("workers is 4, it has to be from 1 to 3");
    flow.submitAll(IntStream.range(0, 20).boxed().toList());
    assertThat(elsewhere.batches).hasSize(PLACES);
    flow.shutdownNow();
  }

  @Test
  void theNumberOfWorkersIsFixedIfThePlacementSaysNothingElse() throws Exception {
    Flow<Integer, String> flow = build().start();
    assertThatThrownBy(() -> flow.resize("step", 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("workers of step step of flow are elsewhere, their number is fixed");
    flow.close();
    elsewhere.places = 0;
    assertThatThrownBy(this::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("places is 0, it has to be at least 1");
  }
}
