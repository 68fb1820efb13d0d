package io.headrace;

import static io.headrace.FlowProbes.awaitThat;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.SteppedExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class WorkersTest {
  static Stream<Workers> threeOfEveryKind() {
    return Stream.of(
        Workers.threads(3), Workers.virtualThreads(3), Workers.executor(FlowProbes.POOL, 3));
  }

  private static Flow<Integer, Integer> flow(GatedHandler<Integer> handler, Workers workers)
      throws InterruptedException {
    return Flow.<Integer>builder("workers")
        .step("s", handler, s -> s.batch(BatchPolicy.greedy(1)).workers(workers))
        .build()
        .start();
  }

  private static List<CompletableFuture<Integer>> submit(Flow<Integer, Integer> flow, int count) {
    return flow.submitAll(IntStream.range(0, count).boxed().toList());
  }

  @ParameterizedTest
  @MethodSource("threeOfEveryKind")
  void asManyBatchesRunAtOnceAsThereAreWorkers(Workers workers) throws Exception {
    GatedHandler<Integer> gated = GatedHandler.interruptible();
    Flow<Integer, Integer> flow = flow(gated, workers);

    List<CompletableFuture<Integer>> futures = submit(flow, 10);

    awaitThat("three batches run", () -> gated.running.get() == 3);
    assertThat(flow.queued("s")).isEqualTo(7);
    assertThat(gated.batches).hasSize(3);
    gated.open();
    futures.forEach(FlowProbes::valueOf);
    flow.close();
  }

  @Test
  void unlimitedWorkersRunEverythingAtOnce() throws Exception {
    GatedHandler<Integer> gated = GatedHandler.interruptible();
    Flow<Integer, Integer> flow = flow(gated, Workers.unlimited());

    List<CompletableFuture<Integer>> futures = submit(flow, 200);

    awaitThat("all batches run", () -> gated.running.get() == 200);
    assertThat(flow.queued("s")).isZero();
    gated.open();
    futures.forEach(FlowProbes::valueOf);
    flow.close();
    assertThat(gated.starts).hasValue(1);
    assertThat(gated.closedOn).hasSize(1);
  }

  @Test
  void threadsSayWhoseTheyAre() throws Exception {
    List<Thread> threads = new CopyOnWriteArrayList<>();
    Handler<Integer, Integer> remember =
        items -> {
          threads.add(Thread.currentThread());
          return items;
        };
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("names")
            .step("platform", remember)
            .step("virtual", remember, s -> s.workers(Workers.virtualThreads(1)))
            .step("inline", remember, s -> s.workers(Workers.inline()))
            .build()
            .start()) {
      assertThat(valueOf(flow.submit(1))).isEqualTo(1);
    }

    assertThat(threads.stream().map(Thread::getName))
        .containsExactly(
            "headrace-names-platform-1", "headrace-names-virtual-1", "headrace-names-virtual-1");
    assertThat(threads.stream().map(Thread::isVirtual)).containsExactly(false, true, true);
    assertThat(threads).allMatch(Thread::isDaemon);
  }

  @Test
  void inlineHandlersRunOnTheThreadThatSubmitsInBatchesOfWhatItBrings() throws Exception {
    List<Thread> threads = new ArrayList<>();
    List<List<Integer>> batches = new ArrayList<>();
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("inline")
            .<Integer>step(
                "s",
                items -> {
                  threads.add(Thread.currentThread());
                  batches.add(List.copyOf(items));
                  return items;
                },
                s -> s.batch(BatchPolicy.greedy(3)).workers(Workers.inline()))
            .build()
            .start()) {
      assertThat(submit(flow, 7)).allMatch(CompletableFuture::isDone);
      assertThat(flow.submit(7)).isCompletedWithValue(7);
      assertThat(flow.call(8)).isEqualTo(8);
    }

    assertThat(batches)
        .containsExactly(List.of(0, 1, 2), List.of(3, 4, 5), List.of(6), List.of(7), List.of(8));
    assertThat(threads).containsOnly(Thread.currentThread());
  }

  @Test
  void workersOfAnExecutorLeaveItWhenThereIsNothingToDo() throws Exception {
    SteppedExecutor stepped = new SteppedExecutor();
    GatedHandler<Integer> handler = GatedHandler.opened();
    Flow<Integer, Integer> flow = flow(handler, Workers.executor(stepped, 2));

    submit(flow, 5);
    assertThat(stepped.pending()).isEqualTo(2);
    stepped.runNext();
    assertThat(handler.items()).as("one task goes on while there is work").hasSize(4);
    stepped.runNext();
    assertThat(stepped.pending()).isZero();
    flow.submit(5);
    assertThat(stepped.pending()).isEqualTo(1);
    stepped.runAll();
    assertThat(handler.items()).hasSize(6).doesNotHaveDuplicates();
    flow.close();
  }
}
