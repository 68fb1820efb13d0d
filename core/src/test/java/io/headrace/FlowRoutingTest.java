package io.headrace;

import static io.headrace.FlowProbes.failureOf;
import static io.headrace.FlowProbes.valueOf;
import static java.util.concurrent.CompletableFuture.completedFuture;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FlowRoutingTest {
  static Stream<Workers> everyKind() {
    return Stream.of(
        Workers.threads(1),
        Workers.virtualThreads(1),
        Workers.executor(Runnable::run, 1),
        Workers.inline());
  }

  /** A task that says which steps it wants, and remembers those that handled it. */
  private static final class Task {
    final int type;
    final List<String> path = Collections.synchronizedList(new ArrayList<>());

    Task(int type) {
      this.type = type;
    }

    static InPlaceHandler<Task> visit(String step) {
      return tasks -> tasks.forEach(task -> task.path.add(step));
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void itemPassesByStepsThatDoNotApply(Workers workers) throws Exception {
    try (Flow<Task, Task> flow =
        Flow.<Task>builder("types")
            .inPlaceIf(t -> t.type == 0, "a", Task.visit("a"), s -> s.workers(workers))
            .inPlaceIf(t -> t.type <= 1, "b", Task.visit("b"), s -> s.workers(workers))
            .inPlaceIf(t -> t.type == 0, "c", Task.visit("c"), s -> s.workers(workers))
            .inPlaceIf(t -> t.type == 3, "d", Task.visit("d"), s -> s.workers(workers))
            .build()
            .start()) {
      assertThat(flow.call(new Task(0)).path).containsExactly("a", "b", "c");
      assertThat(flow.call(new Task(1)).path).containsExactly("b");
      assertThat(flow.call(new Task(2)).path).isEmpty();
      assertThat(flow.call(new Task(3)).path).containsExactly("d");
      List<Task> together = List.of(new Task(0), new Task(1), new Task(2), new Task(3));
      flow.submitAll(together).forEach(FlowProbes::valueOf);
      assertThat(together.stream().map(task -> String.join("", task.path)))
          .containsExactly("abc", "b", "", "d");
    }
  }

  @Test
  void itemToWhichNoStepAppliesComesBackUnchangedAtOnce() throws Exception {
    GatedHandler<Object> stuck = GatedHandler.interruptible();
    Object item = new Object();
    Flow<Object, Object> flow =
        Flow.builder("by")
            .stepIf(object -> object != item, "one", stuck, s -> s.queue(1, OnFull.fail()))
            .stepIf(object -> false, "two", stuck, s -> {})
            .build()
            .start();
    flow.submit(new Object());
    stuck.awaitEntered();
    flow.submit(new Object());

    assertThat(flow.submit(item)).isCompletedWithValue(item);
    assertThat(flow.submitAll(List.of(item, item)))
        .allSatisfy(future -> assertThat(future).isCompletedWithValue(item));
    stuck.open();
    flow.close();
  }

  @Test
  void itemDoesNotWaitForAStepThatItPassesBy() throws Exception {
    GatedHandler<Integer> stuck = GatedHandler.interruptible();
    Flow<Integer, Integer> flow =
        Flow.<Integer>builder("past")
            .<Integer>step("first", items -> items, s -> s.batch(BatchPolicy.greedy(1)))
            .stepIf(n -> n < 0, "stuck", stuck, s -> s.queue(10, OnFull.await()))
            .<Integer>step("last", Handler.each(n -> n * 10))
            .build()
            .start();
    CompletableFuture<Integer> negative = flow.submit(-1);
    stuck.awaitEntered();

    assertThat(valueOf(flow.submit(1))).isEqualTo(10);

    assertThat(negative).isNotDone();
    stuck.open();
    assertThat(valueOf(negative)).isEqualTo(-10);
    flow.close();
    assertThat(stuck.items()).containsExactly(-1);
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void conditionThatThrowsFailsItsItemAlone(Workers workers) throws Exception {
    IllegalStateException failure = new IllegalStateException("undecided");
    Predicate<Integer> undecidedAtZero =
        n -> {
          if (n == 0) {
            throw failure;
          }
          return true;
        };
    for (boolean isFirst : new boolean[] {true, false}) {
      FlowBuilder<Integer, Integer> builder = Flow.builder("undecided");
      if (!isFirst) {
        builder = builder.step("before", items -> items, s -> s.workers(workers));
      }
      try (Flow<Integer, Integer> flow =
          builder
              .stepIf(undecidedAtZero, "after", items -> items, s -> s.workers(workers))
              .build()
              .start()) {
        List<CompletableFuture<Integer>> futures = flow.submitAll(List.of(1, 0, 2));

        assertThat(valueOf(futures.get(0))).isEqualTo(1);
        assertThat(failureOf(futures.get(1))).isSameAs(failure);
        assertThat(valueOf(futures.get(2))).isEqualTo(2);
        assertThat(failureOf(flow.submit(0))).isSameAs(failure);
        assertThat(flow.state()).isEqualTo(Flow.State.RUNNING);
        assertThat(flow.call(3)).isEqualTo(3);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void itemsThatLookEmptyOrFalseAreHandled(Workers workers) throws Exception {
    GatedHandler<Object> handler = GatedHandler.opened();
    try (Flow<Object, Object> flow =
        Flow.builder("falsy").step("only", handler, s -> s.workers(workers)).build().start()) {
      List<Object> items = List.of(false, 0, "", List.of(), Optional.empty(), new int[0]);
      for (Object item : items) {
        assertThat(flow.call(item)).isSameAs(item);
      }
      assertThat(handler.items()).containsExactlyElementsOf(items);
    }
  }

  @Test
  void conditionSeesTheItemAsTheStepBeforeHasLeftItAndOnlyOnce() throws Exception {
    List<String> seen = new CopyOnWriteArrayList<>();
    List<Thread> threads = new CopyOnWriteArrayList<>();
    Predicate<String> look =
        text -> {
          seen.add(text);
          threads.add(Thread.currentThread());
          return true;
        };
    try (Flow<String, String> flow =
        Flow.<String>builder("looks")
            .stepIf(look, "one", Handler.each(text -> text + "1"), s -> {})
            .stepIf(look, "two", Handler.each(text -> text + "2"), s -> {})
            .stepIf(look, "three", Handler.each(text -> text + "3"), s -> {})
            .build()
            .start()) {
      assertThat(flow.call("0")).isEqualTo("0123");
      assertThat(seen).containsExactly("0", "01", "012");
      assertThat(threads.stream().map(Thread::getName))
          .containsExactly(
              Thread.currentThread().getName(), "headrace-looks-one-1", "headrace-looks-two-1");
    }
  }

  @Test
  void itemsOfOneBatchGoSeparateWays() throws Exception {
    GatedHandler<Integer> first = GatedHandler.interruptible();
    GatedHandler<Integer> even = GatedHandler.opened();
    GatedHandler<Integer> odd = GatedHandler.opened();
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("fork")
            .step("first", first)
            .stepIf(n -> n % 2 == 0, "even", even, s -> {})
            .stepIf(n -> n % 2 != 0, "odd", odd, s -> {})
            .build()
            .start()) {
      flow.submit(100);
      first.awaitEntered();
      List<CompletableFuture<Integer>> futures = flow.submitAll(List.of(1, 2, 3, 4, 5));
      first.open();

      futures.forEach(FlowProbes::valueOf);
      assertThat(even.items()).containsExactly(100, 2, 4);
      assertThat(odd.items()).containsExactly(1, 3, 5);
      assertThat(odd.batches).containsExactly(List.of(1, 3, 5));
    }
  }

  /** One for each worker, and both are items to which the step applies. */
  @Test
  void conditionOfAStepWithAHandlerForEachWorker() throws Exception {
    AtomicInteger made = new AtomicInteger();
    try (Flow<String, String> flow =
        Flow.<String>builder("cutting")
            .stepPerWorkerIf(
                text -> text.length() > 3,
                "cut",
                () -> {
                  made.incrementAndGet();
                  return Handler.each((String text) -> text.substring(0, 3));
                },
                step -> step.workers(Workers.threads(2)))
            .build()
            .start()) {
      assertThat(flow.call("hello")).isEqualTo("hel");
      assertThat(flow.call("ab")).isEqualTo("ab");
    }
    assertThat(made).hasValue(2);
  }

  @Test
  void shortFormsHaveTheDefaultOptions() throws Exception {
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("short")
            .stepPerWorker("double", () -> Handler.each((Integer n) -> 2 * n))
            .asyncStep("negate", AsyncHandler.each((Integer n) -> completedFuture(-n)))
            .build()
            .start()) {
      assertThat(flow.call(4)).isEqualTo(-8);
      assertThat(flow).hasToString("Flow[name=short, state=RUNNING, steps=[double, negate]]");
    }
  }
}
