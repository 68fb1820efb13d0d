package io.headrace;

import static io.headrace.FlowProbes.aside;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a flow answers in time when it is asked for three times as much as it can do. */
class OverloadTest {
  private static final int MAX_SIZE = 32;
  private static final long FIXED_NANOS = 2_000_000;
  private static final long ITEM_NANOS = 100_000;
  private static final Duration DEADLINE = Duration.ofMillis(50);
  private static final Duration LENGTH = Duration.ofSeconds(3);

  /** What two workers can do in a second with full batches. */
  private static final double CAPACITY =
      2 * MAX_SIZE / ((FIXED_NANOS + MAX_SIZE * ITEM_NANOS) / 1e9);

  private VirtualTime time = new VirtualTime();
  private final Random random = new Random(1);
  private final long[] answered = new long[2];
  private final long[] asked = new long[2];
  private final List<CompletableFuture<Integer>> submitted = new ArrayList<>();

  private CompletableFuture<List<Integer>> handle(List<Integer> items) {
    return handle(items, FIXED_NANOS, ITEM_NANOS);
  }

  private CompletableFuture<List<Integer>> handle(
      List<Integer> items, long fixedNanos, long itemNanos) {
    CompletableFuture<List<Integer>> answer = new CompletableFuture<>();
    double noise = 0.8 + 0.4 * random.nextDouble();
    long nanos = (long) ((fixedNanos + items.size() * itemNanos) * noise);
    time.schedule(nanos, () -> answer.complete(items));
    return answer;
  }

  private Flow<Integer, Integer> flow(boolean isLimited) throws InterruptedException {
    FlowBuilder<Integer, Integer> builder =
        Flow.<Integer>builder("overloaded").timeSource(time).priorities(2);
    if (isLimited) {
      builder.answerWithin(DEADLINE);
    }
    return builder
        .asyncStep(
            "cheap",
            items -> CompletableFuture.completedFuture(items),
            step -> step.workers(Workers.executor(Runnable::run, 1)))
        .<Integer>asyncStep(
            "scarce",
            this::handle,
            step ->
                step.batch(BatchPolicy.greedy(MAX_SIZE))
                    .workers(Workers.executor(Runnable::run, 2)))
        .build()
        .start();
  }

  /** Callers that come whatever happens, in Poisson arrivals. */
  private void openLoop(Flow<Integer, Integer> flow, double perSecond) {
    long nextNanos = (long) (-Math.log(1 - random.nextDouble()) / perSecond * 1e9);
    time.schedule(
        nextNanos,
        () -> {
          int priority = random.nextInt(4) == 0 ? 1 : 0;
          ask(flow, priority);
          openLoop(flow, perSecond);
        });
  }

  /** A caller that asks again when it has an answer, or a moment after it was refused. */
  private void closedLoop(Flow<Integer, Integer> flow) {
    var _ =
        ask(flow, 0)
            .whenComplete(
                (result, failure) ->
                    time.schedule(
                        failure == null ? 0 : Duration.ofMillis(20).toNanos(),
                        () -> closedLoop(flow)));
  }

  private CompletableFuture<Integer> ask(Flow<Integer, Integer> flow, int priority) {
    long askedNanos = time.nanoTime();
    asked[priority]++;
    return flow.submit(1, CallOptions.timeout(DEADLINE).withPriority(priority))
        .thenApply(
            result -> {
              if (time.nanoTime() - askedNanos <= DEADLINE.toNanos()) {
                answered[priority]++;
              }
              return result;
            });
  }

  private double goodput() {
    return (answered[0] + answered[1]) / (double) LENGTH.toSeconds() / CAPACITY;
  }

  @ParameterizedTest
  @CsvSource({"1.5", "3", "10"})
  void openLoopKeepsItsGoodput(double load) throws InterruptedException {
    Flow<Integer, Integer> flow = flow(true);
    openLoop(flow, load * CAPACITY);
    time.advance(LENGTH);
    assertThat(goodput()).as("share of the capacity at a load of " + load).isGreaterThan(0.9);
  }

  @ParameterizedTest
  @CsvSource({"1", "3"})
  void closedLoopKeepsItsGoodput(double load) throws InterruptedException {
    Flow<Integer, Integer> flow = flow(true);
    // As many callers as the flow could answer within the deadline, times the load.
    int callers = (int) (load * CAPACITY * DEADLINE.toNanos() / 1e9);
    List<Runnable> starts = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      starts.add(() -> closedLoop(flow));
    }
    starts.forEach(Runnable::run);
    time.advance(LENGTH);
    assertThat(goodput()).as("share of the capacity at a load of " + load).isGreaterThan(0.9);
  }

  /** Where items take different ways: the flow, and its step that takes them all. */
  enum Shape {
    CHOOSE {
      @Override
      FlowBuilder<Integer, Integer> add(FlowBuilder<Integer, Integer> flow, OverloadTest test) {
        return flow.<Integer>choose(item -> item)
            .<Integer>when(CHEAP, branch -> test.quick(branch, "cheap"))
            .when(SCARCE, branch -> test.scarce(branch, "scarce"))
            .end();
      }
    },
    STEP_IF {
      @Override
      FlowBuilder<Integer, Integer> add(FlowBuilder<Integer, Integer> flow, OverloadTest test) {
        return test.quick(flow, "first")
            .asyncStepIf(item -> item == SCARCE, "scarce", test::handle, OverloadTest::twoWorkers);
      }
    },
    STEPS_OF_A_BRANCH {
      @Override
      FlowBuilder<Integer, Integer> add(FlowBuilder<Integer, Integer> flow, OverloadTest test) {
        return flow.<Integer>choose(item -> item)
            .<Integer>when(
                SCARCE, branch -> test.scarce(test.scarce(branch, "scarce"), "scarce too"))
            .otherwise(branch -> test.quick(branch, "cheap"));
      }
    },
    FAILS_EARLY {
      @Override
      FlowBuilder<Integer, Integer> add(FlowBuilder<Integer, Integer> flow, OverloadTest test) {
        return test.scarce(
            flow.asyncStep(
                "check",
                items -> {
                  Outcomes<Integer> outcomes = new Outcomes<>(items.size());
                  for (int item : items) {
                    if (item == CHEAP) {
                      outcomes.addFailure(new IllegalArgumentException("cheap"));
                    } else {
                      outcomes.add(item);
                    }
                  }
                  return CompletableFuture.completedFuture(outcomes);
                },
                step -> step.workers(Workers.executor(Runnable::run, 1))),
            "scarce");
      }
    };

    abstract FlowBuilder<Integer, Integer> add(
        FlowBuilder<Integer, Integer> flow, OverloadTest test);
  }

  private static final int CHEAP = 0;
  private static final int SCARCE = 1;

  private FlowBuilder<Integer, Integer> quick(FlowBuilder<Integer, Integer> flow, String name) {
    return flow.asyncStep(
        name,
        items -> time.after(items, Duration.ofNanos(100_000)),
        step -> step.workers(Workers.executor(Runnable::run, 4)));
  }

  private FlowBuilder<Integer, Integer> scarce(FlowBuilder<Integer, Integer> flow, String name) {
    return flow.asyncStep(name, this::handle, OverloadTest::twoWorkers);
  }

  private static void twoWorkers(StepOptions<Integer> step) {
    step.batch(BatchPolicy.greedy(MAX_SIZE)).workers(Workers.executor(Runnable::run, 2));
  }

  /** Items of one kind, in Poisson arrivals; their answers count if they are in time. */
  private void openLoop(
      Flow<Integer, Integer> flow, int item, double perSecond, CallOptions options) {
    long nextNanos = (long) (-Math.log(1 - random.nextDouble()) / perSecond * 1e9);
    time.schedule(
        nextNanos,
        () -> {
          ask(flow, item, options);
          openLoop(flow, item, perSecond, options);
        });
  }

  private CompletableFuture<Integer> ask(
      Flow<Integer, Integer> flow, int item, CallOptions options) {
    long askedNanos = time.nanoTime();
    asked[item]++;
    return flow.submit(item, options)
        .thenApply(
            result -> {
              if (time.nanoTime() - askedNanos <= DEADLINE.toNanos()) {
                answered[item]++;
              }
              return result;
            });
  }

  /** A step that only some items go through is kept busy, and the others are not refused for it. */
  @ParameterizedTest
  @CsvSource({
    "CHOOSE, 1",
    "CHOOSE, 3",
    "STEP_IF, 1",
    "STEP_IF, 3",
    "STEPS_OF_A_BRANCH, 1",
    "STEPS_OF_A_BRANCH, 3",
    "FAILS_EARLY, 1",
    "FAILS_EARLY, 3"
  })
  void eachStepIsLimitedByWhatGoesThroughIt(Shape shape, double cheap) throws InterruptedException {
    for (CallOptions options : List.of(CallOptions.timeout(DEADLINE), CallOptions.DEFAULT)) {
      Flow<Integer, Integer> flow =
          shape
              .add(Flow.<Integer>builder("branches").timeSource(time).answerWithin(DEADLINE), this)
              .build()
              .start();
      openLoop(flow, CHEAP, cheap * CAPACITY, options);
      openLoop(flow, SCARCE, 3 * CAPACITY, options);
      time.advance(LENGTH);
      assertThat(goodput(SCARCE)).as("share of the capacity").isGreaterThan(0.9);
      if (shape != Shape.FAILS_EARLY) { // where they are refused at the entry as all others are
        assertThat((double) answered[CHEAP] / asked[CHEAP]).as("cheap ones").isGreaterThan(0.99);
      }
      flow.shutdownNow();
      time = new VirtualTime();
      answered[CHEAP] = 0;
      answered[SCARCE] = 0;
      asked[CHEAP] = 0;
    }
  }

  private double goodput(int item) {
    return answered[item] / (double) LENGTH.toSeconds() / CAPACITY;
  }

  /** What an item has spent before a step that refuses it is not there anymore. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void stepInABranchKnowsHowLongAnItemHasBeenInTheFlow(boolean hasTimeout)
      throws InterruptedException {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("long way")
            .timeSource(time)
            .answerWithin(DEADLINE)
            .<Integer>asyncStep(
                "slow",
                items -> time.after(items, DEADLINE.dividedBy(2)),
                step -> step.workers(Workers.inline()))
            .asyncStepIf(item -> item == SCARCE, "scarce", this::handle, OverloadTest::twoWorkers)
            .build()
            .start();
    openLoop(
        flow,
        SCARCE,
        3 * CAPACITY,
        hasTimeout ? CallOptions.timeout(DEADLINE) : CallOptions.DEFAULT);
    time.advance(LENGTH);
    assertThat(goodput(SCARCE)).as("share of the capacity").isGreaterThan(0.9);
  }

  /** It takes as long as it takes. */
  @Test
  void stepInABranchRefusesNothingOfTheWarmUp() {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("warm")
            .timeSource(time)
            .answerWithin(Duration.ofMillis(10))
            .warmUp(Collections.nCopies(50, SCARCE))
            .<Integer>asyncStep(
                "first",
                items -> time.after(items, Duration.ofMillis(1)),
                step ->
                    step.batch(BatchPolicy.greedy(1)).workers(Workers.executor(Runnable::run, 1)))
            .asyncStepIf(
                item -> item == SCARCE,
                "scarce",
                items -> time.after(items, Duration.ofMillis(4)),
                step ->
                    step.batch(BatchPolicy.greedy(1)).workers(Workers.executor(Runnable::run, 1)))
            .build();
    CompletableFuture<Void> start = aside(flow::start);
    while (!start.isDone()) {
      time.advance(Duration.ofMillis(1));
      Thread.onSpinWait();
    }
    valueOf(start);
    assertThat(flow.state()).isEqualTo(Flow.State.RUNNING);
    flow.shutdownNow();
  }

  @Test
  void stepsThatNotAllItemsGoThroughRefuseThemselves() {
    Flow<Integer, Integer> flow =
        inAndOut(
                inAndOut(Flow.<Integer>builder("flow").answerWithin(DEADLINE), "certain")
                    .parallel(
                        branch -> inAndOut(branch, "certain part"),
                        branch ->
                            branch
                                .<Integer>choose(item -> item)
                                .<Integer>when(0, inner -> inAndOut(inner, "chosen"))
                                .when(
                                    1,
                                    inner ->
                                        inner.parallel(
                                            part -> inAndOut(part, "part of chosen"),
                                            part -> part,
                                            (one, _) -> one))
                                .otherwise(inner -> inner),
                        (one, _) -> one),
                "certain again")
            .stepIf(item -> item > 0, "conditional", items -> items, _ -> {})
            .<Integer>choose(item -> item)
            .<Integer>when(0, branch -> inAndOut(branch, "only branch"))
            .end()
            .<Integer>step("last", items -> items, step -> step.workers(Workers.inline()))
            .build();
    List<String> refusing = new ArrayList<>();
    for (int i = 0; i < flow.stationCount(); i++) {
      if (flow.station(i).refusesByTime()) {
        refusing.add(flow.station(i).step.name());
      }
    }
    assertThat(refusing).containsExactly("chosen", "part of chosen", "conditional", "only branch");
  }

  private static FlowBuilder<Integer, Integer> inAndOut(
      FlowBuilder<Integer, Integer> flow, String name) {
    return flow.step(name, items -> items);
  }

  /**
   * A batcher with a full batch of 26 ms. An adaptive policy knows which items can be in time,
   * where their number says little.
   */
  @ParameterizedTest
  @CsvSource({"40, true, 0.9", "60, true, 0.9", "80, false, 0.9"})
  void keepsItsGoodputIfFewBatchesAreInTime(int deadlineMillis, boolean isAdaptive, double share) {
    int maxSize = 64;
    Duration deadline = Duration.ofMillis(deadlineMillis);
    double capacity = maxSize / 0.026;
    Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>asyncBuilder(items -> handle(items, 10_000_000, 250_000))
            .batch(
                isAdaptive ? BatchPolicy.adaptive(maxSize, deadline) : BatchPolicy.greedy(maxSize))
            .workers(Workers.executor(Runnable::run, 1))
            .answerWithin(deadline)
            .timeout(deadline)
            .timeSource(time)
            .build();
    assertThat(shareInTime(batcher, capacity, LENGTH)).isGreaterThan(share);
  }

  /** The share of the capacity that is in time if it is asked for three times as much. */
  private double shareInTime(Batcher<Integer, Integer> batcher, double perSecond, Duration length) {
    AtomicInteger inTime = new AtomicInteger();
    every(
        (long) (1e9 / 3 / perSecond),
        () -> {
          var _ = batcher.submit(0).thenAccept(_ -> inTime.incrementAndGet());
        });
    time.advance(length);
    return inTime.get() / (double) length.toSeconds() / perSecond;
  }

  private void every(long nanos, Runnable task) {
    time.schedule(
        nanos,
        () -> {
          task.run();
          every(nanos, task);
        });
  }

  /** Little has been let in in vain when it is known what slow batches do. */
  @Test
  void learnsWithinTheFirstBatches() {
    int maxSize = 8;
    Duration deadline = Duration.ofMillis(200);
    double capacity = 4 * maxSize / 0.058;
    Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>asyncBuilder(items -> handle(items, 50_000_000, 1_000_000))
            .batch(BatchPolicy.greedy(maxSize))
            .workers(Workers.executor(Runnable::run, 4))
            .answerWithin(deadline)
            .timeout(deadline)
            .timeSource(time)
            .build();
    assertThat(shareInTime(batcher, capacity, Duration.ofSeconds(1))).isGreaterThan(0.75);
  }

  @Test
  void withoutLimitHardlyAnyAnswerIsInTime() throws InterruptedException {
    Flow<Integer, Integer> flow = flow(false);
    openLoop(flow, 3 * CAPACITY);
    time.advance(LENGTH);
    assertThat(goodput()).as("what the limit is for").isLessThan(0.9);
  }

  @Test
  void higherPriorityIsServedFirst() throws InterruptedException {
    Flow<Integer, Integer> flow = flow(true);
    openLoop(flow, 3 * CAPACITY); // a quarter of it, less than the capacity, has the higher one
    time.advance(LENGTH);
    assertThat((double) answered[1] / asked[1]).as("share of the higher one").isGreaterThan(0.97);
    assertThat((double) answered[0] / asked[0]).as("share of the lower one").isLessThan(0.2);
  }

  @Test
  void nothingIsRefusedBelowTheCapacity() throws InterruptedException {
    Flow<Integer, Integer> flow = flow(true);
    openLoop(flow, 0.7 * CAPACITY);
    time.advance(LENGTH);
    assertThat(flow.statistics().rejected()).isZero();
  }

  /** Steps with idle workers do not show what they can do, were it known how much that is. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void burstAfterQuietTimesIsNotRefused(boolean wasBusyBefore) throws InterruptedException {
    Flow<Integer, Integer> flow = flow(true);
    if (wasBusyBefore) {
      saturate(flow);
    }
    openLoop(flow, 0.05 * CAPACITY);
    time.advance(LENGTH);
    List<CompletableFuture<Integer>> burst = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      burst.add(ask(flow, 0));
    }
    time.advance(DEADLINE);
    assertThat(burst).allMatch(future -> !future.isCompletedExceptionally());
  }

  @Test
  void followsWhatTheFlowCanDo() throws InterruptedException {
    Flow<Integer, Integer> flow = flow(true);
    openLoop(flow, 3 * CAPACITY);
    time.advance(LENGTH);
    flow.resize("scarce", 4);
    answered[0] = 0;
    answered[1] = 0;
    time.advance(LENGTH);
    assertThat(goodput()).as("share of the capacity of two workers").isGreaterThan(1.8);
  }

  /** Of calls that come together only those are refused that cannot make their own deadline. */
  @Test
  void eachCallIsJudgedByItsOwnDeadline() throws InterruptedException {
    Flow<Integer, Integer> flow = flow(true);
    saturate(flow);
    List<CompletableFuture<Integer>> patient = new ArrayList<>();
    List<CompletableFuture<Integer>> hurried = new ArrayList<>();
    for (int i = 0; i < 400; i++) { // the last of them need about 40 ms
      patient.add(flow.submit(i, CallOptions.timeout(Duration.ofMillis(200))));
      hurried.add(flow.submit(i, CallOptions.timeout(Duration.ofMillis(20))));
    }
    List<CompletableFuture<Integer>> letIn =
        hurried.stream().filter(call -> !call.isDone()).toList();
    assertThat(letIn).as("those for which there is time").hasSizeBetween(60, 120);
    assertThat(hurried.subList(letIn.size(), 400))
        .allSatisfy(call -> assertThat(call.exceptionNow()).isInstanceOf(RejectedException.class));
    time.advance(Duration.ofMillis(200));
    assertThat(letIn).allMatch(call -> call.isDone() && !call.isCompletedExceptionally());
    assertThat(patient).allMatch(call -> call.isDone() && !call.isCompletedExceptionally());
  }

  /** Keeps the flow busy until it knows what it can do, and then lets it work all off. */
  private void saturate(Flow<Integer, Integer> flow) {
    List<CompletableFuture<Integer>> calls = new ArrayList<>();
    for (int i = 0; i < 10_000; i++) {
      calls.add(ask(flow, 0));
      time.advance(Duration.ofNanos(60_000)); // 16 667 in a second
    }
    time.advance(LENGTH);
    assertThat(calls).allMatch(CompletableFuture::isDone);
  }

  /**
   * A batcher that answers 400 items in a second: of 100 that come together those go into batches
   * that it expects to answer in three quarters of 100 ms, and the others are refused.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void batcherAnswersWithinItsObjective(boolean hasLongTimeout) {
    Duration objective = Duration.ofMillis(100);
    List<List<Integer>> batches = new ArrayList<>();
    BatcherBuilder<Integer, Integer> builder =
        Batcher.<Integer, Integer>asyncBuilder(
                items -> {
                  batches.add(List.copyOf(items));
                  return time.after(items, Duration.ofMillis(10));
                })
            .batch(BatchPolicy.greedy(4))
            .workers(Workers.executor(Runnable::run, 1))
            .answerWithin(objective)
            .timeSource(time);
    if (hasLongTimeout) {
      builder.timeout(objective.multipliedBy(100)); // no caller has named it
    }
    Batcher<Integer, Integer> batcher = builder.build();
    for (int i = 0; i < 1_000; i++) {
      var _ = batcher.submit(-1);
      time.advance(Duration.ofMillis(2));
    }
    time.advance(LENGTH);
    batches.clear();
    List<CompletableFuture<Integer>> calls = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      calls.add(batcher.submit(i));
    }
    List<CompletableFuture<Integer>> letIn = calls.stream().filter(call -> !call.isDone()).toList();
    assertThat(letIn).hasSizeBetween(28, 32).isEqualTo(calls.subList(0, letIn.size()));
    assertThat(calls.subList(letIn.size(), 100))
        .allSatisfy(call -> assertThat(call.exceptionNow()).isInstanceOf(RejectedException.class));
    time.advance(objective);
    assertThat(letIn).allMatch(call -> call.isDone() && !call.isCompletedExceptionally());
    assertThat(batches.stream().mapToInt(List::size).sum()).isEqualTo(letIn.size());
  }

  @Test
  void objectiveHasToBeAboveZero() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Flow.builder("flow").answerWithin(Duration.ZERO))
        .withMessage("objective is PT0S, it has to be above zero");
  }

  /** How many items are handled of 2000 in a second, by a batcher that can do 1000. */
  private int handled(Handler<Integer, Integer> handler, IntConsumer inBatch) {
    AtomicInteger handled = new AtomicInteger();
    VirtualTime clock = new VirtualTime();
    Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>asyncBuilder(
                items -> {
                  handled.addAndGet(items.size());
                  List<Integer> batch = List.copyOf(items);
                  clock.schedule(5_000_000, () -> batch.forEach(inBatch::accept));
                  return clock
                      .after(batch, Duration.ofMillis(10))
                      .thenApply(
                          done -> {
                            try {
                              return handler.handle(done);
                            } catch (Exception e) {
                              throw new CompletionException(e);
                            }
                          });
                })
            .batch(BatchPolicy.greedy(10))
            .workers(Workers.executor(Runnable::run, 1))
            .answerWithin(Duration.ofMillis(100))
            .timeSource(clock)
            .build();
    submitted.clear();
    for (int i = 0; i < 10_000; i++) {
      submitted.add(batcher.submit(i));
      clock.advance(Duration.ofNanos(500_000));
    }
    return handled.get();
  }

  /** What a handler can do does not depend on what becomes of the items. */
  @Test
  void whatFailsOrIsCancelledInItsBatchIsDoneToo() {
    int expected = handled(items -> items, _ -> {});
    assertThat(expected).isBetween(4_900, 5_100);
    assertThat(
            handled(
                items -> {
                  throw new IllegalStateException("down");
                },
                _ -> {}))
        .isEqualTo(expected);
    Handler<Integer, Integer> some =
        items -> {
          Outcomes<Integer> outcomes = new Outcomes<>(items.size());
          for (int item : items) {
            if (item % 10 > 0) {
              outcomes.addFailure(new IllegalStateException("bad"));
            } else {
              outcomes.add(item);
            }
          }
          return outcomes;
        };
    assertThat(handled(some, _ -> {})).isEqualTo(expected);
    assertThat(handled(items -> items, item -> submitted.get(item).cancel(true)))
        .isEqualTo(expected);
  }

  /** What leaves before its turn says nothing of what the handler can do. */
  @Test
  void whatIsNotHandledDoesNotCount() {
    Duration objective = Duration.ofMillis(100);
    Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>asyncBuilder(items -> time.after(items, Duration.ofMillis(10)))
            .batch(BatchPolicy.greedy(4))
            .weight(
                item -> {
                  if (item < 0) {
                    throw new IllegalArgumentException("negative");
                  }
                  return 1;
                })
            .workers(Workers.executor(Runnable::run, 1))
            .answerWithin(objective)
            .timeSource(time)
            .build();
    for (int i = 0; i < 1_000; i++) {
      var _ = batcher.submit(i);
      var _ = batcher.submit(-1);
      batcher.submit(i).cancel(true);
      time.advance(Duration.ofMillis(2));
    }
    time.advance(LENGTH);
    List<CompletableFuture<Integer>> calls = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      calls.add(batcher.submit(i));
    }
    assertThat(calls.stream().filter(call -> !call.isDone())).hasSizeBetween(28, 32);
  }
}
