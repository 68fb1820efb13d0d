package io.headrace;

import static io.headrace.FlowProbes.aside;
import static io.headrace.FlowProbes.awaitThat;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The stack of a calling thread ends somewhere within a call: nobody else waits for ever. */
class StackEndTest {
  private static final int STACK_BYTES = 200_000;

  /** A call needs fewer frames than these. */
  private static final int FRAMES = 60;

  /** Runs a task in the last frames of a stack, leaving a number of them. */
  private static final class Diver {
    private final int left;
    private final Runnable task;
    private int risen;

    Diver(int left, Runnable task) {
      this.left = left;
      this.task = task;
    }

    @SuppressWarnings("InfiniteRecursion") // until the stack ends
    void dive() {
      try {
        dive();
      } catch (StackOverflowError bottom) {
        // this frame is one of the last
      }
      if (risen++ == left) {
        task.run();
      }
    }
  }

  private static void submitAtTheEnd(
      Service<Integer, Integer> service, int left, List<CompletableFuture<Integer>> futures)
      throws InterruptedException {
    Diver diver =
        new Diver(
            left,
            () -> {
              try {
                futures.add(service.submit(1));
              } catch (StackOverflowError end) {
                // the caller knows
              }
            });
    Thread thread = new Thread(null, diver::dive, "end-of-stack", STACK_BYTES);
    thread.start();
    thread.join();
  }

  private static Batcher.Builder<Integer, Integer> echo() {
    return Batcher.<Integer, Integer>builder(items -> items).batch(BatchPolicy.greedy(8));
  }

  static Stream<Arguments> kinds() {
    return Stream.<Supplier<Batcher.Builder<Integer, Integer>>>of(
            StackEndTest::echo,
            () -> echo().workers(Workers.virtualThreads(1)),
            () -> echo().workers(Workers.executor(Runnable::run, 2)),
            () -> echo().workers(Workers.inline()),
            () -> echo().queue(100, OnFull.fail()),
            () -> echo().queue(100, OnFull.await()),
            () -> echo().bucket(item -> item % 2))
        .map(Arguments::of);
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void everyCallEndsAndTheServiceCloses(Supplier<Batcher.Builder<Integer, Integer>> kind)
      throws Exception {
    for (int left = 0; left < FRAMES; left += 2) {
      Batcher<Integer, Integer> batcher = kind.get().build();
      List<CompletableFuture<Integer>> futures = new ArrayList<>();
      submitAtTheEnd(batcher, left, futures);
      futures.add(batcher.submit(2));
      awaitThat(
          "calls have ended, with " + left + " frames left",
          () -> futures.stream().allMatch(CompletableFuture::isDone));
      valueOf(aside(batcher::close));
      assertThat(batcher.state()).isIn(Flow.State.STOPPED, Flow.State.FAILED);
    }
  }

  static Stream<Arguments> onTheCallersThread() {
    return Stream.of(Workers.inline(), Workers.executor(Runnable::run, 1_000_000))
        .map(Arguments::of);
  }

  /** The handler calls its own service until the stack ends. */
  @ParameterizedTest
  @MethodSource("onTheCallersThread")
  void aServiceThatCallsItselfWithoutEndCloses(Workers workers) throws Exception {
    for (int round = 0; round < 3; round++) {
      AtomicReference<Batcher<Integer, Integer>> self = new AtomicReference<>();
      Handler<Integer, Integer> handler =
          items -> List.of(self.get().submit(items.getFirst()).join());
      Batcher<Integer, Integer> batcher =
          Batcher.<Integer, Integer>builder(handler)
              .workers(workers)
              .batch(BatchPolicy.greedy(1))
              .build();
      self.set(batcher);
      AtomicReference<CompletableFuture<Integer>> future = new AtomicReference<>();
      Thread caller =
          new Thread(null, () -> future.set(batcher.submit(1)), "end-of-stack", STACK_BYTES);
      caller.start();
      caller.join();
      awaitThat("the first call has failed", () -> future.get().isCompletedExceptionally());
      valueOf(aside(batcher::close));
    }
  }
}
