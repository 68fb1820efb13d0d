package io.headrace;

import static io.headrace.FlowProbes.aside;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A list of results may be a view: to read it is part of what the handler does. */
class ComputedResultsTest {
  static Stream<Workers> everyKind() {
    return Stream.of(
        Workers.threads(1),
        Workers.virtualThreads(1),
        Workers.executor(FlowProbes.POOL, 1),
        Workers.unlimited(),
        Workers.inline());
  }

  private static <T> List<T> computed(int size, IntFunction<T> compute) {
    return new AbstractList<>() {
      @Override
      public T get(int index) {
        return compute.apply(index);
      }

      @Override
      public int size() {
        return size;
      }
    };
  }

  /** Its results can be read until it is closed. */
  private static final class Native implements Handler<Integer, Integer> {
    final CountDownLatch entered = new CountDownLatch(1);
    final CountDownLatch gate = new CountDownLatch(1);
    private volatile boolean isClosed;

    @Override
    public List<Integer> handle(List<Integer> items) throws InterruptedException {
      entered.countDown();
      gate.await();
      return computed(items.size(), this::read);
    }

    private int read(int index) {
      if (isClosed) {
        throw new IllegalStateException("already closed");
      }
      return 10 * index;
    }

    @Override
    public void close() {
      isClosed = true;
    }
  }

  /** The clock of the test closes a handler at the moment that it may be closed. */
  private static void swapWhileItHandles(Workers workers, boolean isPerWorker) throws Exception {
    Native handler = new Native();
    FlowBuilder<Integer, Integer> builder =
        Flow.<Integer>builder("swap").timeSource(new VirtualTime());
    Flow<Integer, Integer> flow =
        (isPerWorker
                ? builder.<Integer>stepPerWorker("only", () -> handler, s -> s.workers(workers))
                : builder.<Integer>step("only", handler, s -> s.workers(workers)))
            .build()
            .start();
    CompletableFuture<List<CompletableFuture<Integer>>> submitted = new CompletableFuture<>();
    CompletableFuture<Void> submitter =
        aside(() -> submitted.complete(flow.submitAll(List.of(0, 1, 2))));
    FlowProbes.awaitLatch("it handles", handler.entered);
    if (isPerWorker) {
      flow.swapPerWorker("only", () -> items -> items);
    } else {
      flow.swap("only", items -> items);
    }
    handler.gate.countDown();
    valueOf(submitter);
    for (int i = 0; i < 3; i++) {
      assertThat(valueOf(valueOf(submitted).get(i))).isEqualTo(10 * i);
    }
    flow.close();
    assertThat(handler.isClosed).isTrue();
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void theyAreReadBeforeTheHandlerIsClosedByASwap(Workers workers) throws Exception {
    swapWhileItHandles(workers, false);
  }

  @Test
  void theyAreReadBeforeTheHandlerOfOneWorkerIsClosedByASwap() throws Exception {
    swapWhileItHandles(Workers.threads(1), true);
  }

  @Test
  void observersSeeTheFailureAndTheTimeOfReading() {
    VirtualTime time = new VirtualTime();
    List<Observer.BatchEvent> events = new CopyOnWriteArrayList<>();
    int[] failing = {-1};
    Handler<Integer, Integer> handler =
        items ->
            computed(
                items.size(),
                i -> {
                  time.advance(Duration.ofMillis(1));
                  if (i == failing[0]) {
                    throw new IllegalArgumentException("bad");
                  }
                  return i;
                });
    Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(handler)
            .batch(BatchPolicy.greedy(8))
            .workers(Workers.executor(Runnable::run, 1))
            .timeSource(time)
            .observer(
                new Observer() {
                  @Override
                  public void onBatch(BatchEvent event) {
                    events.add(event);
                  }
                })
            .build();
    List<Integer> items = IntStream.range(0, 8).boxed().toList();
    assertThat(batcher.submitAll(items)).allMatch(future -> !future.isCompletedExceptionally());
    failing[0] = 4;
    assertThat(batcher.submitAll(items)).allMatch(CompletableFuture::isCompletedExceptionally);
    assertThat(events).extracting(Observer.BatchEvent::failed).containsExactly(0, 8);
    assertThat(events)
        .extracting(event -> Duration.ofNanos(event.handleNanos()).toMillis())
        .containsExactly(8L, 5L);
    assertThat(batcher.statistics().failed()).isEqualTo(8);
    batcher.close();
  }

  /** Who is told of a result may submit the next item, on the same thread. */
  @Test
  void anInlineHandlerMayUseItsListAgain() {
    List<Integer> results = new ArrayList<>();
    Handler<Integer, Integer> handler =
        items -> {
          results.clear();
          items.forEach(item -> results.add(10 * item));
          return results;
        };
    Batcher<Integer, Integer> batcher =
        Batcher.<Integer, Integer>builder(handler).workers(Workers.inline()).build();
    AtomicBoolean isFirst = new AtomicBoolean(true);
    List<CompletableFuture<Integer>> more = new ArrayList<>();
    batcher.observe(
        new Observer() {
          @Override
          public void onCallEnd(String service, Outcome outcome, long nanos, Object call) {
            if (isFirst.getAndSet(false)) {
              more.add(batcher.submit(7));
            }
          }
        });
    List<CompletableFuture<Integer>> futures = batcher.submitAll(List.of(1, 2, 3));
    assertThat(futures).extracting(CompletableFuture::resultNow).containsExactly(10, 20, 30);
    assertThat(more.getFirst().resultNow()).isEqualTo(70);
    batcher.close();
  }

  @Test
  void listsThatHoldTheirElementsAreNotCopied() {
    List<Integer> array = Arrays.asList(1, 2);
    List<Integer> list = new ArrayList<>(array);
    Outcomes<Integer> outcomes = new Outcomes<>(2);
    outcomes.addAll(array);
    List<Integer> items = List.of(1, 2);
    List<Integer> longer = items.stream().toList();
    for (List<Integer> usual : List.of(array, list, outcomes, items, longer)) {
      assertThat(ResultLists.read(usual, 2, false)).isSameAs(usual);
    }
    for (List<Integer> fixed : List.of(outcomes, items, longer)) {
      assertThat(ResultLists.read(fixed, 2, true)).isSameAs(fixed);
    }
    for (List<Integer> reusable : List.of(array, list)) {
      assertThat(ResultLists.read(reusable, 2, true)).isNotSameAs(reusable).isEqualTo(reusable);
    }
    assertThat(ResultLists.read(null, 2, true)).isNull();
    List<Integer> one = new ArrayList<>(List.of(1));
    assertThat(ResultLists.read(one, 1, true)).isSameAs(one);
    List<Integer> view = Collections.unmodifiableList(list);
    assertThat(ResultLists.read(view, 2, false)).isNotSameAs(view).isEqualTo(view);
    assertThat(ResultLists.read(view, 3, false)).isSameAs(view);
  }
}
