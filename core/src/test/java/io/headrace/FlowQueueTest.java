package io.headrace;

import static io.headrace.FlowProbes.failureOf;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The order and the size of batches at the steps of a flow, in steps by hand. */
class FlowQueueTest {
  private final VirtualTime time = new VirtualTime();
  private final SteppedExecutor one = new SteppedExecutor();
  private final SteppedExecutor two = new SteppedExecutor();
  private final GatedHandler<String> first = GatedHandler.opened();
  private final GatedHandler<String> second = GatedHandler.opened();

  private Flow<String, String> flow(int priorities, int batchSize, int capacity, OnFull onFull)
      throws InterruptedException {
    BatchPolicy policy = BatchPolicy.greedy(batchSize);
    return Flow.<String>builder("queues")
        .priorities(priorities)
        .timeSource(time)
        .step(
            "one",
            first,
            s -> s.batch(policy).workers(Workers.executor(one, 1)).queue(capacity, onFull))
        .step(
            "two",
            second,
            s -> s.batch(policy).workers(Workers.executor(two, 1)).queue(capacity, OnFull.await()))
        .build()
        .start();
  }

  private static List<CompletableFuture<String>> submit(
      Flow<String, String> flow, int priority, String... items) {
    return flow.submitAll(List.of(items), CallOptions.priority(priority));
  }

  @ParameterizedTest
  @CsvSource({"1, a d b c e", "0, a b c d e"})
  void itemOfHigherPriorityOvertakesThoseThatWait(int priority, String order) throws Exception {
    Flow<String, String> flow = flow(2, 1, 100, OnFull.fail());

    submit(flow, 0, "a", "b", "c");
    submit(flow, priority, "d");
    submit(flow, 0, "e");
    one.runAll();
    two.runAll();

    assertThat(first.items()).containsExactly(order.split(" "));
    flow.close();
  }

  @Test
  void prioritiesAreStrictAndFirstInFirstOutWithinAtEveryStep() throws Exception {
    Flow<String, String> flow = flow(3, 1, 100, OnFull.fail());

    submit(flow, 0, "taken", "low1", "low2");
    submit(flow, 2, "high1", "high2");
    submit(flow, 1, "mid1", "mid2");
    submit(flow, 2, "high3");
    submit(flow, 0, "low3");
    String[] order =
        new String[] {"taken", "high1", "high2", "high3", "mid1", "mid2", "low1", "low2", "low3"};
    one.runAll();
    assertThat(first.items()).containsExactly(order);

    // The first had been taken by step two before the others came.
    two.runAll();
    assertThat(second.items()).containsExactly(order);
    flow.close();
  }

  @Test
  void lowPriorityThatIsAheadAtOneStepIsOvertakenAtTheNext() throws Exception {
    Flow<String, String> flow = flow(2, 1, 100, OnFull.fail());

    submit(flow, 0, "taken", "low1", "low2");
    one.runAll();
    submit(flow, 1, "high");
    one.runAll();
    two.runAll();

    assertThat(first.items()).containsExactly("taken", "low1", "low2", "high");
    assertThat(second.items()).containsExactly("taken", "high", "low1", "low2");
    flow.close();
  }

  @Test
  void batchTakesHigherPrioritiesFirstAndMayMix() throws Exception {
    Flow<String, String> flow = flow(2, 3, 100, OnFull.fail());

    submit(flow, 0, "taken");
    submit(flow, 0, "low1", "low2", "low3");
    submit(flow, 1, "high1", "high2");
    one.runAll();
    two.runAll();

    assertThat(first.batches)
        .containsExactly(
            List.of("taken"), List.of("high1", "high2", "low1"), List.of("low2", "low3"));
    flow.close();
  }

  @Test
  void eachPriorityHasRoomOfItsOwn() throws Exception {
    Flow<String, String> flow = flow(2, 1, 2, OnFull.fail());
    submit(flow, 0, "taken");

    List<CompletableFuture<String>> low = submit(flow, 0, "low1", "low2", "low3");
    List<CompletableFuture<String>> high = submit(flow, 1, "high1", "high2", "high3");

    assertThat(failureOf(low.get(2)))
        .isInstanceOf(QueueFullException.class)
        .hasMessage("the queue of step one of queues is full: 2 items wait");
    assertThat(failureOf(high.get(2))).isInstanceOf(QueueFullException.class);
    assertThat(flow.queued("one")).isEqualTo(4);
    while (one.runAll() + two.runAll() > 0) {}
    assertThat(first.items()).containsExactly("taken", "high1", "high2", "low1", "low2");
    flow.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 2, 3, Integer.MAX_VALUE})
  void priorityThatDoesNotExistIsRefused(int priority) throws Exception {
    Flow<String, String> flow = flow(2, 1, 2, OnFull.fail());

    assertThatIllegalArgumentException()
        .isThrownBy(() -> flow.submit("item", CallOptions.priority(priority)))
        .withMessage(
            priority < 0
                ? "priority is -1, it has to be at least 0"
                : "priority is " + priority + ", queues has 0 to 1");
    flow.close();
  }

  @ParameterizedTest
  @CsvSource({"1, 1 1 1", "2, 2 1", "3, 3", "4, 3"})
  void batchNeverExceedsTheMaximum(int maximum, String sizes) throws Exception {
    Flow<String, String> flow = flow(1, maximum, 100, OnFull.fail());
    submit(flow, 0, "taken");

    submit(flow, 0, "a", "b", "c");
    one.runAll();
    two.runAll();

    List<String> expected = new ArrayList<>(List.of("1"));
    expected.addAll(List.of(sizes.split(" ")));
    assertThat(first.batches.stream().map(batch -> String.valueOf(batch.size())))
        .containsExactlyElementsOf(expected);
    flow.close();
  }

  @Test
  void fullQueueGivesExactlyFullBatchesInOrder() throws Exception {
    Flow<String, String> flow = flow(1, 100, 10_000, OnFull.fail());
    submit(flow, 0, "taken");
    List<String> items = IntStream.range(0, 5_000).mapToObj(Integer::toString).toList();

    flow.submitAll(items);
    one.runAll();

    assertThat(first.batches).hasSize(51);
    assertThat(first.batches.subList(1, 51)).allMatch(batch -> batch.size() == 100);
    assertThat(first.items().subList(1, 5_001)).containsExactlyElementsOf(items);
    two.runAll();
    assertThat(second.items()).containsExactlyElementsOf(first.items());
    flow.close();
  }

  @Test
  void workersFillTheirBatchesOneAfterAnother() throws Exception {
    GatedHandler<Integer> handler = GatedHandler.interruptible();
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("pair")
            .timeSource(time)
            .step(
                "only",
                handler,
                s ->
                    s.batch(BatchPolicy.fixed(16, Duration.ofSeconds(1)))
                        .workers(Workers.threads(2)))
            .build()
            .start()) {
      List<CompletableFuture<Integer>> futures =
          IntStream.range(0, 16).mapToObj(flow::submit).toList();
      handler.awaitEntered();
      assertThat(handler.batches).hasSize(1);
      assertThat(handler.batches.getFirst())
          .containsExactlyElementsOf(IntStream.range(0, 16).boxed().toList());
      handler.open();
      futures.forEach(FlowProbes::valueOf);
    }
  }

  @ParameterizedTest
  @CsvSource({"10, 1 1 1 1", "30, 1 2 1"})
  void batchGoesWhenItsFirstItemHasWaitedForTheDelay(long delayMillis, String sizes)
      throws Exception {
    GatedHandler<Integer> handler = GatedHandler.opened();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("timed")
            .timeSource(time)
            .<Integer>step("before", items -> items, s -> s.workers(Workers.inline()))
            .step(
                "timed",
                handler,
                s ->
                    s.batch(BatchPolicy.fixed(3, Duration.ofMillis(delayMillis)))
                        .workers(Workers.executor(Runnable::run, 1)))
            .build()
            .start();
    long now = 0;
    for (long at : new long[] {10, 80, 100, 240}) {
      time.advance(Duration.ofMillis(at - now));
      now = at;
      flow.submit((int) at);
    }
    time.advance(Duration.ofMillis(delayMillis).minusNanos(1));
    int before = handler.items().size();
    time.advance(Duration.ofNanos(1));

    assertThat(before).isEqualTo(3);
    assertThat(handler.batches.stream().map(batch -> String.valueOf(batch.size())))
        .containsExactly(sizes.split(" "));
    flow.close();
  }

  @Test
  void itemsStayInOrderThroughStepsWithOneWorker() throws Exception {
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("ordered")
            .<Integer>step("one", items -> items, s -> s.batch(BatchPolicy.greedy(7)))
            .<Integer>step("two", items -> items, s -> s.batch(BatchPolicy.greedy(3)))
            .<Integer>step("three", items -> items, s -> s.batch(BatchPolicy.greedy(5)))
            .build()
            .start()) {
      List<Integer> ends = Collections.synchronizedList(new ArrayList<>());
      List<CompletableFuture<Integer>> futures = new ArrayList<>();
      for (int i = 0; i < 1_000; i++) {
        futures.add(flow.submit(i).whenComplete((value, failure) -> ends.add(value)));
      }

      futures.forEach(future -> assertThat(valueOf(future)).isNotNull());
      assertThat(ends.stream().filter(n -> n != null).toList()).isSorted().hasSize(1_000);
    }
  }

  /** Four batches of the largest size, but 1024 items at least and 1,048,576 at most. */
  @ParameterizedTest
  @CsvSource({"1, 1024", "256, 1024", "257, 1028", "2000, 8000"})
  void queueHoldsSomeBatchesByDefault(int batchSize, int capacity) throws Exception {
    Flow<String, String> flow =
        Flow.<String>builder("queues")
            .step(
                "one",
                first,
                s -> s.batch(BatchPolicy.greedy(batchSize)).workers(Workers.executor(one, 1)))
            .build()
            .start();
    flow.submit("taken");
    List<CompletableFuture<String>> waiting =
        flow.submitAll(Collections.nCopies(capacity, "waits"));

    assertThat(flow.submit("too many").exceptionNow())
        .isInstanceOf(QueueFullException.class)
        .hasMessage("the queue of step one of queues is full: " + capacity + " items wait");
    assertThat(waiting).noneMatch(CompletableFuture::isDone);
    flow.shutdownNow();
    one.runAll();
    flow.close();
  }

  @Test
  void queueOfBatchesWithoutALimitIsBoundedByDefault() {
    StepOptions<String> options = new StepOptions<>();
    assertThat(options.batch(BatchPolicy.greedy(Integer.MAX_VALUE)).defaultCapacity())
        .isEqualTo(1 << 20);
  }
}
