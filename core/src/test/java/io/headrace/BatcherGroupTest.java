package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Batchers that are closed together. */
class BatcherGroupTest {
  private final BatcherGroup group = new BatcherGroup();

  private static Batcher<Integer, Integer> batcher(String name, Handler<Integer, Integer> handler) {
    return Batcher.builder(handler).name(name).batch(BatchPolicy.greedy(1)).build();
  }

  @Test
  void hasEachNameOnce() {
    var first = group.add(batcher("a", items -> items));
    try (var second = batcher("a", items -> items)) {
      assertThatThrownBy(() -> group.add(second))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("name is a, the group has such a batcher");
      assertThatThrownBy(() -> group.add(null))
          .isInstanceOf(NullPointerException.class)
          .hasMessage("batcher");
      group.close();
      assertThat(first.state()).isEqualTo(Flow.State.STOPPED);
      assertThat(second.state()).isEqualTo(Flow.State.RUNNING);
    }
  }

  @Test
  void takesNoMoreAfterTheClose() {
    group.close();
    try (var late = batcher("late", items -> items)) {
      assertThatThrownBy(() -> group.add(late))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the group is closed, late cannot be added");
      assertThat(late.state()).isEqualTo(Flow.State.RUNNING);
    }
    group.close();
    group.shutdownNow();
    assertThat(group.statistics()).isEmpty();
  }

  @Test
  void statisticsAreInTheOrderOfAddition() throws Exception {
    List<String> names = List.of("zeta", "alpha", "mid", "beta");
    for (String name : names) {
      group.add(batcher(name, items -> items)).call(1);
    }
    group.close();
    var statistics = group.statistics();
    assertThat(statistics.keySet()).containsExactlyElementsOf(names);
    assertThat(statistics.values())
        .allMatch(each -> each.completed() == 1 && each.state() == Flow.State.STOPPED);
    assertThat(statistics.get("mid").name()).isEqualTo("mid");
  }

  @Test
  void flushSendsWhatWaitsInAll() {
    List<CompletableFuture<Integer>> futures =
        IntStream.range(0, 3)
            .mapToObj(
                i ->
                    group
                        .add(
                            Batcher.<Integer, Integer>builder(items -> items)
                                .name("b" + i)
                                .batch(BatchPolicy.fixed(10, Duration.ofHours(1)))
                                .build())
                        .submit(i))
            .toList();
    group.flush();
    futures.forEach(FlowProbes::valueOf);
    group.close();
  }

  @Test
  void closesSideBySide() {
    GatedHandler<Integer> first = GatedHandler.interruptible();
    GatedHandler<Integer> second = GatedHandler.interruptible();
    var one = group.add(batcher("one", first));
    var two = group.add(batcher("two", second));
    var futures = List.of(one.submit(1), two.submit(2));
    first.awaitEntered();
    second.awaitEntered();
    var closed = FlowProbes.aside(group::close);
    FlowProbes.awaitThat("both are closing", () -> two.state() == Flow.State.DRAINING);
    assertThat(one.state()).isEqualTo(Flow.State.DRAINING);
    second.open();
    FlowProbes.awaitThat("the second has ended", () -> two.state() == Flow.State.STOPPED);
    assertThat(closed).isNotDone();
    first.open();
    closed.join();
    assertThat(futures).allMatch(future -> future.state() == CompletableFuture.State.SUCCESS);
  }

  @Test
  void batchFunctionsThatCloseTheGroupDoNotWaitForOneAnother() {
    CyclicBarrier together = new CyclicBarrier(2);
    Handler<Integer, Integer> handler =
        items -> {
          together.await();
          group.close();
          return items;
        };
    var one = group.add(batcher("one", handler));
    var two = group.add(batcher("two", handler));
    var futures = List.of(one.submit(1), two.submit(2));
    assertThat(FlowProbes.valueOf(futures.get(0))).isEqualTo(1);
    assertThat(FlowProbes.valueOf(futures.get(1))).isEqualTo(2);
    group.close();
    assertThat(one.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(two.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void batchFunctionsThatCloseTheGroupWithATimeoutDoNotWaitEither() {
    CyclicBarrier together = new CyclicBarrier(2);
    Handler<Integer, Integer> handler =
        items -> {
          together.await();
          return group.close(Duration.ofHours(1)) ? items : List.of();
        };
    var futures =
        List.of(
            group.add(batcher("one", handler)).submit(1),
            group.add(batcher("two", handler)).submit(2));
    futures.forEach(FlowProbes::valueOf);
    group.close();
  }

  @Test
  void aContinuationMayCloseTheGroup() {
    GatedHandler<Integer> handler = GatedHandler.interruptible();
    var one = group.add(batcher("one", handler));
    var other = group.add(batcher("other", items -> items));
    var closed = one.submit(1).thenRun(group::close);
    handler.open();
    closed.orTimeout(20, TimeUnit.SECONDS).join();
    group.close();
    assertThat(other.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void anInterruptedCloseGoesOnAsAShutdown() throws Exception {
    GatedHandler<Integer> first = GatedHandler.interruptible();
    GatedHandler<Integer> second = GatedHandler.interruptible();
    var futures =
        List.of(
            group.add(batcher("one", first)).submit(1),
            group.add(batcher("two", second)).submit(2));
    first.awaitEntered();
    second.awaitEntered();
    boolean[] interrupted = {false};
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  group.close();
                  interrupted[0] = Thread.currentThread().isInterrupted();
                });
    FlowProbes.awaitThat("it waits", () -> thread.getState() == Thread.State.WAITING);
    thread.interrupt();
    thread.join();
    assertThat(interrupted[0]).isTrue();
    assertThat(futures).allMatch(future -> future.exceptionNow() instanceof StoppedException);
  }

  @Test
  void aCloseWithATimeoutSaysWhetherAllWasWorkedOff() {
    GatedHandler<Integer> stuck = GatedHandler.interruptible();
    var future = group.add(batcher("stuck", stuck)).submit(1);
    var done = group.add(batcher("free", items -> items)).submit(2);
    stuck.awaitEntered();
    FlowProbes.valueOf(done);
    assertThat(group.close(Duration.ofMillis(20))).isFalse();
    assertThat(FlowProbes.failureOf(future)).isInstanceOf(StoppedException.class);
    assertThat(group.close(Duration.ofSeconds(20))).as("again, when all have ended").isFalse();
    assertThatThrownBy(() -> group.close(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("timeout is PT0S, it has to be above zero");
  }

  @Test
  void shutdownStopsAll() {
    GatedHandler<Integer> stuck = GatedHandler.interruptible();
    var batcher = group.add(batcher("stuck", stuck));
    var futures = batcher.submitAll(List.of(1, 2, 3));
    stuck.awaitEntered();
    group.shutdownNow();
    futures.forEach(
        future -> assertThat(FlowProbes.failureOf(future)).isInstanceOf(StoppedException.class));
    group.close();
    assertThat(batcher.state()).isEqualTo(Flow.State.STOPPED);
  }
}
