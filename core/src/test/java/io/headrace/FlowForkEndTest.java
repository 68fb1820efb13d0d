package io.headrace;

import static io.headrace.FlowProbes.failureOf;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Items in several branches at once that fail, are given up, are late or wait for room. */
class FlowForkEndTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor onA = new SteppedExecutor();
  private final SteppedExecutor onB = new SteppedExecutor();
  private final SteppedExecutor onOut = new SteppedExecutor();
  private final GatedHandler<String> a = GatedHandler.opened();
  private final GatedHandler<String> b = GatedHandler.opened();
  private final GatedHandler<String> out = GatedHandler.opened();
  private final List<Observer.Outcome> outcomes = new CopyOnWriteArrayList<>();
  private Runnable whileARuns = () -> {};
  private Flow<String, String> flow;

  @BeforeEach
  void start() throws InterruptedException {
    Observer observer =
        new Observer() {
          @Override
          public void onCallEnd(
              String service, Outcome outcome, long nanos, @Nullable Object call) {
            outcomes.add(outcome);
          }
        };
    flow =
        Flow.<String>builder("fork")
            .timeSource(time)
            .priorities(2)
            .observer(observer)
            .parallel(
                x -> x.step("a", failing(this::handleA, "a!"), step -> one(step, onA)),
                x -> x.step("b", failing(b, "b!"), step -> one(step, onB)),
                (left, right) -> left + "+" + right)
            .step("out", out, step -> one(step, onOut).queue(1, OnFull.await()))
            .build()
            .start();
  }

  private List<String> handleA(List<String> items) throws InterruptedException {
    whileARuns.run();
    return a.handle(items);
  }

  private static StepOptions<String> one(StepOptions<String> step, SteppedExecutor executor) {
    return step.batch(BatchPolicy.greedy(1)).workers(Workers.executor(executor, 1));
  }

  private static Handler<String, String> failing(Handler<String, String> handler, String item) {
    return items -> {
      List<String> results = handler.handle(items);
      if (items.contains(item)) {
        throw new IllegalStateException(item);
      }
      return results;
    };
  }

  @AfterEach
  void drainsAndLeavesNothing() {
    CompletableFuture<Void> close = FlowProbes.aside(flow::close);
    while (!close.isDone()) {
      runAll();
    }
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    while (time.advanceToNext()) {}
    assertThat(time.alarms()).isZero();
    assertThat(flow.statistics().ended()).isEqualTo(outcomes.size());
    assertThat(flow.statistics().steps())
        .allSatisfy(
            step -> {
              assertThat(step.queued()).isZero();
              assertThat(step.running()).isZero();
            });
  }

  private void runAll() {
    while (onA.runAll() + onB.runAll() + onOut.runAll() > 0) {}
  }

  @Test
  void joinDoesNotDependOnWhoComesLast() {
    CompletableFuture<String> first = flow.submit("1");
    onA.runAll();
    onB.runAll();
    onOut.runAll();
    CompletableFuture<String> second = flow.submit("2");
    onB.runAll();
    assertThat(second).isNotDone();
    onA.runAll();
    onOut.runAll();

    assertThat(first).isCompletedWithValue("1+1");
    assertThat(second).isCompletedWithValue("2+2");
  }

  @Test
  void branchThatFailsTakesTheOtherOutOfItsQueue() {
    CompletableFuture<String> busy = flow.submit("busy");
    CompletableFuture<String> fails = flow.submit("a!");
    assertThat(flow.queued("b")).isEqualTo(1);
    onA.runAll();

    assertThat(failureOf(fails)).isInstanceOf(IllegalStateException.class).hasMessage("a!");
    assertThat(flow.queued("b")).isZero();
    runAll();
    assertThat(busy).isCompletedWithValue("busy+busy");
    assertThat(b.items()).containsExactly("busy");
    assertThat(outcomes).containsExactly(Observer.Outcome.FAILED, Observer.Outcome.COMPLETED);
  }

  @Test
  void branchThatFailsWhenTheOtherHasArrivedFailsTheCall() {
    CompletableFuture<String> fails = flow.submit("b!");
    onA.runAll();
    assertThat(fails).isNotDone();
    onB.runAll();

    assertThat(failureOf(fails)).hasMessage("b!");
    runAll();
    assertThat(out.items()).isEmpty();
    assertThat(flow.statistics().failed()).isEqualTo(1);
  }

  @Test
  void callThatIsCancelledLeavesBothQueues() {
    CompletableFuture<String> busy = flow.submit("busy");
    CompletableFuture<String> cancelled = flow.submit("cancelled");
    assertThat(flow.queued("a") + flow.queued("b")).isEqualTo(2);

    cancelled.cancel(false);

    assertThat(flow.queued("a") + flow.queued("b")).isZero();
    assertThat(flow.statistics().cancelled()).isEqualTo(1);
    runAll();
    assertThat(busy).isCompletedWithValue("busy+busy");
    assertThat(a.items()).containsExactly("busy");
    assertThat(b.items()).containsExactly("busy");
  }

  @Test
  void callThatIsCancelledWhileABranchRunsGoesNoFurther() {
    CompletableFuture<String> cancelled = flow.submit("cancelled");
    assertThat(onA.pending() + onB.pending()).isEqualTo(2); // both are in batches
    whileARuns = () -> cancelled.cancel(false);
    runAll();

    assertThat(a.items()).containsExactly("cancelled");
    assertThat(b.items()).as("the other had not begun").isEmpty();
    assertThat(out.items()).isEmpty();
    assertThat(flow.statistics().cancelled()).isEqualTo(1);
  }

  @Test
  void callThatIsCancelledBehindTheJoinLeaves() {
    CompletableFuture<String> busy = flow.submit("busy");
    CompletableFuture<String> cancelled = flow.submit("cancelled");
    onA.runAll();
    onB.runAll();
    assertThat(flow.queued("out")).isEqualTo(1);
    cancelled.cancel(false);
    assertThat(flow.queued("out")).isZero();
    runAll();
    assertThat(busy).isCompletedWithValue("busy+busy");
  }

  @Test
  void callOutOfTimeIsHandledByNeitherBranch() {
    CompletableFuture<String> busy = flow.submit("busy");
    CompletableFuture<String> brief = flow.submit("brief", CallOptions.timeout(SECOND));
    time.advance(SECOND);

    assertThat(failureOf(brief)).isInstanceOf(DeadlineExceededException.class);
    assertThat(flow.queued("a") + flow.queued("b")).isZero();
    runAll();
    assertThat(busy).isCompletedWithValue("busy+busy");
    assertThat(a.items()).containsExactly("busy");
    assertThat(b.items()).containsExactly("busy");
    assertThat(flow.statistics().timedOut()).isEqualTo(1);
  }

  @Test
  void callOutOfTimeWhenOneBranchHasArrived() {
    CompletableFuture<String> brief = flow.submit("brief", CallOptions.timeout(SECOND));
    onA.runAll();
    time.advance(SECOND);
    runAll();

    assertThat(failureOf(brief)).isInstanceOf(DeadlineExceededException.class);
    assertThat(out.items()).isEmpty();
    assertThat(flow.statistics().timedOut()).isEqualTo(1);
    assertThat(outcomes).containsExactly(Observer.Outcome.TIMED_OUT);
  }

  @Test
  void prioritiesAreKeptInBranchesAndBehindThem() {
    flow.submit("busy");
    flow.submit("low");
    flow.submit("high", CallOptions.priority(1));
    runAll();

    assertThat(a.items()).containsExactly("busy", "high", "low");
    assertThat(b.items()).containsExactly("busy", "high", "low");
    assertThat(out.items()).containsExactly("busy+busy", "high+high", "low+low");
  }

  @Test
  void listenerIsToldOfBothBranches() {
    List<String> told = new CopyOnWriteArrayList<>();
    CompletableFuture<String> call =
        flow.submit(
            "x",
            CallOptions.DEFAULT.withListener(
                (step, size, queueNanos, handleNanos) -> told.add(step + " " + size)));
    runAll();

    assertThat(call).isCompletedWithValue("x+x");
    assertThat(told).containsExactly("a 1", "b 1", "out 1");
  }

  @Test
  void stepBehindTheJoinHoldsTheWorkerThatBringsTheLast() {
    List<CompletableFuture<String>> futures = flow.submitAll(List.of("1", "2", "3", "4", "5", "6"));
    onA.runAll(); // all have come to the end of branch a, which waits for nothing
    assertThat(a.items()).hasSize(6);
    onB.runAll(); // out has 1 in its batch, 2 in its queue, and 3 waits with the worker of b
    assertThat(b.items()).containsExactly("1", "2", "3");
    assertThat(flow.queued("out")).isEqualTo(1);
    assertThat(onB.pending()).isZero();

    onOut.runNext();
    runAll();
    assertThat(futures.stream().map(FlowProbes::valueOf))
        .containsExactly("1+1", "2+2", "3+3", "4+4", "5+5", "6+6");
  }

  @Test
  void closeWorksOffWhatWaitsAtAJoin() {
    List<CompletableFuture<String>> futures = flow.submitAll(List.of("1", "2", "3"));
    onA.runAll();
    CompletableFuture<Void> close = FlowProbes.aside(flow::close);
    FlowProbes.awaitThat("it drains", () -> flow.state() == Flow.State.DRAINING);
    assertThat(failureOf(flow.submit("late"))).isInstanceOf(StoppedException.class);
    while (!close.isDone()) {
      runAll();
    }
    assertThat(futures.stream().map(FlowProbes::valueOf)).containsExactly("1+1", "2+2", "3+3");
    assertThat(flow.statistics().completed()).isEqualTo(3);
    assertThat(flow.statistics().rejected()).isEqualTo(1);
  }

  @Test
  void shutdownFailsWhatWaitsRunsAndHasArrived() {
    List<CompletableFuture<String>> futures = flow.submitAll(List.of("1", "2", "3", "4"));
    onA.runAll();
    onB.runAll(); // 1 runs behind the join, 2 and 3 wait there, 4 waits for branch b
    assertThat(flow.queued("b")).isEqualTo(1);
    flow.shutdownNow();
    runAll();

    assertThat(futures)
        .allSatisfy(future -> assertThat(failureOf(future)).isInstanceOf(StoppedException.class));
    assertThat(flow.statistics().rejected()).isEqualTo(4);
    assertThat(outcomes).hasSize(4).containsOnly(Observer.Outcome.REJECTED);
  }

  @Test
  void ticketOfABranchDoesNotWaitWhenTheOtherFailsOnTheWayThere() throws Exception {
    SteppedExecutor stepped = new SteppedExecutor();
    Consumer<StepOptions<String>> oneByOne = step -> one(step, stepped).queue(1, OnFull.fail());
    Flow<String, String> picky =
        Flow.<String>builder("picky")
            .parallel(
                x -> x.step("a", a, oneByOne),
                x ->
                    x.stepIf(
                        text -> {
                          if (text.equals("?")) {
                            throw new IllegalStateException("undecided");
                          }
                          return false;
                        },
                        "b",
                        b,
                        step -> {}),
                String::concat)
            .build()
            .start();
    CompletableFuture<String> busy = picky.submit("busy");
    CompletableFuture<String> fails = picky.submit("?");

    assertThat(failureOf(fails)).hasMessage("undecided");
    assertThat(picky.queued("a")).isZero();
    CompletableFuture<String> next = picky.submit("next");
    stepped.runAll();
    assertThat(busy).isCompletedWithValue("busybusy");
    assertThat(next).isCompletedWithValue("nextnext");
    assertThat(a.items()).containsExactly("busy", "next");
    picky.close();
  }

  @Test
  void fullQueueOfOneBranchFailsTheCallAndFreesTheOther() throws Exception {
    SteppedExecutor steppedA = new SteppedExecutor();
    SteppedExecutor steppedB = new SteppedExecutor();
    Flow<String, String> small =
        Flow.<String>builder("small")
            .parallel(
                x -> x.step("a", a, step -> one(step, steppedA)),
                x -> x.step("b", b, step -> one(step, steppedB).queue(1, OnFull.fail())),
                String::concat)
            .build()
            .start();
    List<CompletableFuture<String>> futures = List.of(small.submit("1"), small.submit("2"));
    CompletableFuture<String> refused = small.submit("3");

    assertThat(failureOf(refused)).isInstanceOf(QueueFullException.class);
    assertThat(small.queued("a")).isEqualTo(1);
    while (steppedA.runAll() + steppedB.runAll() > 0) {}
    assertThat(futures.stream().map(FlowProbes::valueOf)).containsExactly("11", "22");
    assertThat(small.statistics().rejected()).isEqualTo(1);
    small.close();
  }

  @Test
  void nestedBranchThatFailsTakesAllOthersOut() throws Exception {
    SteppedExecutor quick = new SteppedExecutor();
    SteppedExecutor slow = new SteppedExecutor();
    Handler<String, String> fails =
        items -> {
          throw new IllegalStateException("inner");
        };
    Flow<String, String> tree =
        Flow.<String>builder("tree")
            .parallel(
                outer ->
                    outer.parallel(
                        x -> x.step("fails", fails, step -> one(step, quick)),
                        x -> x.step("in", a, step -> one(step, slow)),
                        String::concat),
                outer -> outer.step("side", b, step -> one(step, slow)),
                String::concat)
            .build()
            .start();
    CompletableFuture<String> busy = tree.submit("busy");
    CompletableFuture<String> second = tree.submit("second");
    quick.runAll();

    assertThat(failureOf(busy)).hasMessage("inner");
    assertThat(failureOf(second)).hasMessage("inner");
    assertThat(tree.queued("in") + tree.queued("side")).isZero();
    slow.runAll();
    assertThat(a.items()).isEmpty();
    assertThat(b.items()).isEmpty();
    assertThat(tree.statistics().failed()).isEqualTo(2);
    tree.close();
  }
}
