package io.headrace;

import static io.headrace.FlowProbes.aside;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Handlers are replaced and workers come and go while real threads submit; the number of changes
 * comes from {@code headrace.test.swaps}.
 */
class SwapStressTest {
  private static final int SWAPS = Integer.getInteger("headrace.test.swaps", 300);

  static Stream<Workers> everyKind() {
    return Stream.of(
        Workers.threads(2),
        Workers.virtualThreads(2),
        Workers.executor(FlowProbes.POOL, 2),
        Workers.inline());
  }

  static Stream<Workers> limited() {
    return everyKind().filter(workers -> workers.kind != Workers.Kind.INLINE);
  }

  /** Sees that it is started, called and closed in this order, and closed once. */
  private static final class Checked implements Handler<Integer, Integer> {
    private final AtomicInteger starts = new AtomicInteger();
    private final AtomicInteger closes = new AtomicInteger();
    private final AtomicInteger running = new AtomicInteger();
    private final Queue<String> violations;

    Checked(Queue<Checked> made, Queue<String> violations) {
      this.violations = violations;
      made.add(this);
    }

    @Override
    public void onStart() {
      starts.incrementAndGet();
    }

    @Override
    public List<Integer> handle(List<Integer> items) {
      running.incrementAndGet();
      if (starts.get() != 1 || closes.get() != 0) {
        violations.add("a batch when started " + starts + " and closed " + closes + " times");
      }
      Thread.onSpinWait();
      if (closes.get() != 0) {
        violations.add("closed while a batch ran");
      }
      running.decrementAndGet();
      return items;
    }

    @Override
    public void close() {
      if (running.get() != 0 || closes.incrementAndGet() != 1) {
        violations.add("closed " + closes + " times while " + running + " batches ran");
      }
    }
  }

  private final Queue<Checked> made = new ConcurrentLinkedQueue<>();
  private final Queue<String> violations = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean isOver = new AtomicBoolean();
  private final LongAdder submitted = new LongAdder();
  private final LongAdder succeeded = new LongAdder();
  private final LongAdder refused = new LongAdder();

  private Checked checked() {
    return new Checked(made, violations);
  }

  private void submitAll(Flow<Integer, Integer> flow) {
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    for (int i = 0; !isOver.get(); i++) {
      futures.add(flow.submit(i));
      submitted.increment();
      if (futures.size() == 50) {
        futures.forEach(this::count);
        futures.clear();
      }
    }
    futures.forEach(this::count);
  }

  private void count(CompletableFuture<Integer> future) {
    var _ =
        future
            .handle(
                (value, failure) -> {
                  (failure == null ? succeeded : refused).increment();
                  if (failure != null && !(failure instanceof StoppedException)) {
                    violations.add("failed with " + failure);
                  }
                  return null;
                })
            .join();
  }

  private void checkAfter(Flow<Integer, Integer> flow, List<CompletableFuture<Void>> users) {
    isOver.set(true);
    users.forEach(FlowProbes::valueOf);
    flow.close();
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(violations).isEmpty();
    assertThat(succeeded.sum() + refused.sum()).isEqualTo(submitted.sum());
    assertThat(made)
        .allSatisfy(
            handler -> {
              assertThat(handler.starts).hasValue(1);
              assertThat(handler.closes).hasValue(1);
            });
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void swapsLoseNothing(Workers workers) throws Exception {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("swaps")
            .step("only", checked(), s -> s.workers(workers))
            .build()
            .start();
    List<CompletableFuture<Void>> users =
        List.of(aside(() -> submitAll(flow)), aside(() -> submitAll(flow)));
    for (int i = 0; i < SWAPS; i++) {
      flow.swap("only", checked());
    }
    checkAfter(flow, users);
    assertThat(refused.sum()).isZero();
    assertThat(made).hasSize(SWAPS + 1);
  }

  @ParameterizedTest
  @MethodSource("limited")
  void swapsOfEachWorkerAndChangesOfTheirNumberLoseNothing(Workers workers) throws Exception {
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("swaps")
            .stepPerWorker("each", this::checked, s -> s.workers(workers))
            .build()
            .start();
    List<CompletableFuture<Void>> users = new ArrayList<>();
    users.add(aside(() -> submitAll(flow)));
    users.add(aside(() -> submitAll(flow)));
    users.add(
        aside(
            () -> {
              for (int i = 0; i < SWAPS / 3; i++) {
                flow.resize("each", 1 + i * 7 % 5);
              }
            }));
    for (int i = 0; i < SWAPS / 3; i++) {
      flow.swapPerWorker("each", this::checked);
    }
    valueOf(users.removeLast());
    checkAfter(flow, users);
    assertThat(refused.sum()).isZero();
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void swapsAndNewNumbersMayMeetAClose(Workers workers) throws Exception {
    for (int round = 0; round < 30; round++) {
      boolean isShared = round % 2 == 0 || workers.kind == Workers.Kind.INLINE;
      made.clear();
      isOver.set(false);
      FlowBuilder<Integer, Integer> builder = Flow.builder("swaps");
      Flow<Integer, Integer> flow =
          (isShared
                  ? builder.step("only", checked(), s -> s.workers(workers))
                  : builder.stepPerWorker("only", this::checked, s -> s.workers(workers)))
              .build()
              .start();
      List<CompletableFuture<Void>> users = new ArrayList<>();
      users.add(aside(() -> submitAll(flow)));
      users.add(aside(() -> changeUntilClosed(() -> swap(flow, isShared))));
      if (workers.kind != Workers.Kind.INLINE) {
        AtomicInteger number = new AtomicInteger();
        users.add(
            aside(
                () ->
                    changeUntilClosed(
                        () -> flow.resize("only", 1 + number.incrementAndGet() % 4))));
      }
      int enough = 3 + round;
      FlowProbes.awaitThat("some swaps", () -> made.size() > enough);
      if (round % 3 == 0) {
        flow.shutdownNow();
      }
      flow.close();
      checkAfter(flow, users);
    }
  }

  private void swap(Flow<Integer, Integer> flow, boolean isShared) {
    if (isShared) {
      flow.swap("only", checked());
    } else {
      flow.swapPerWorker("only", this::checked);
    }
  }

  /** A change that comes too late makes a handler that is not started. */
  private void changeUntilClosed(FlowProbes.ThrowingRunnable change) throws Exception {
    try {
      while (true) {
        change.run();
      }
    } catch (StoppedException e) {
      made.removeIf(handler -> handler.starts.get() == 0);
    }
  }
}
