package io.headrace;

import static io.headrace.FlowProbes.failureOf;
import static io.headrace.FlowProbes.valueOf;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FlowTest {
  static Stream<Workers> everyKind() {
    return Stream.of(
        Workers.threads(2),
        Workers.virtualThreads(2),
        Workers.executor(FlowProbes.POOL, 2),
        Workers.executor(Runnable::run, 1),
        Workers.unlimited(),
        Workers.inline());
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void stepsMapItemsFromTypeToType(Workers workers) throws Exception {
    try (Flow<String, Double> flow =
        Flow.<String>builder("typed")
            .step("parse", Handler.<String, Integer>each(Integer::valueOf), s -> s.workers(workers))
            .step("halve", Handler.<Integer, Double>each(n -> n / 2.0), s -> s.workers(workers))
            .build()
            .start()) {
      assertThat(flow.call("5")).isEqualTo(2.5);
      List<Double> halves =
          flow.submitAll(List.of("1", "2", "3")).stream().map(FlowProbes::valueOf).toList();
      assertThat(halves).containsExactly(0.5, 1.0, 1.5);
    }
  }

  /** A task as users write it whose steps work on one object. */
  private static final class ImageTask {
    final String url;
    byte[] pixels = new byte[0];
    String label = "";
    final List<String> steps = new ArrayList<>();

    ImageTask(String url) {
      this.url = url;
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void stepsChangeTasksInPlace(Workers workers) throws Exception {
    InPlaceHandler<ImageTask> download =
        tasks ->
            tasks.forEach(
                task -> {
                  task.pixels = task.url.getBytes(UTF_8);
                  task.steps.add("download");
                });
    InPlaceHandler<ImageTask> classify =
        tasks -> {
          for (ImageTask task : tasks) {
            task.label = "size " + task.pixels.length;
            task.steps.add("classify");
          }
        };
    try (Flow<ImageTask, ImageTask> flow =
        Flow.<ImageTask>builder("in-place")
            .inPlace("download", download, step -> step.workers(workers))
            .inPlace("classify", classify, step -> step.workers(workers))
            .build()
            .start()) {
      ImageTask task = new ImageTask("/cat");

      assertThat(flow.call(task)).isSameAs(task);
      assertThat(task.label).isEqualTo("size 4");
      assertThat(task.steps).containsExactly("download", "classify");
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void handlerThatThrowsFailsItsBatchAndTheFlowGoesOn(Workers workers) throws Exception {
    IllegalStateException failure = new IllegalStateException("x".repeat(1 << 20));
    Handler<String, String> handler =
        items -> {
          if (items.contains("bad")) {
            throw failure;
          }
          return items;
        };
    try (Flow<String, String> flow =
        Flow.<String>builder("faulty")
            .step("first", handler, s -> s.workers(workers).batch(BatchPolicy.greedy(1)))
            .<String>step("second", items -> items)
            .build()
            .start()) {
      for (int i = 0; i < 20; i++) {
        CompletableFuture<String> good = flow.submit("good");
        assertThat(failureOf(flow.submit("bad"))).isSameAs(failure);
        assertThat(valueOf(good)).isEqualTo("good");
      }
      assertThatThrownBy(() -> flow.call("bad")).isSameAs(failure);
      assertThat(flow.state()).isEqualTo(Flow.State.RUNNING);
      assertThat(flow.call("good")).isEqualTo("good");
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void errorsAndCheckedExceptionsReachTheCaller(Workers workers) throws Exception {
    Handler<Throwable, String> handler =
        items -> {
          switch (items.getFirst()) {
            case Error error -> throw error;
            case Exception exception -> throw exception;
            default -> throw new IllegalArgumentException();
          }
        };
    try (Flow<Throwable, String> flow =
        Flow.<Throwable>builder("thrower")
            .step("only", handler, s -> s.workers(workers).batch(BatchPolicy.greedy(1)))
            .build()
            .start()) {
      for (Throwable thrown :
          List.of(new StackOverflowError(), new OutOfMemoryError("off heap"), new IOException())) {
        assertThat(failureOf(flow.submit(thrown))).isSameAs(thrown);
      }
      AssertionError error = new AssertionError("as it is");
      assertThatThrownBy(() -> flow.call(error)).isSameAs(error);
      IOException checked = new IOException("wrapped");
      assertThatExceptionOfType(CompletionException.class)
          .isThrownBy(() -> flow.call(checked))
          .withCause(checked);
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void itemThatFailsLeavesItsNeighboursAlone(Workers workers) throws Exception {
    try (Flow<String, Integer> flow =
        Flow.<String>builder("isolated")
            .step("parse", Handler.<String, Integer>each(Integer::valueOf), s -> s.workers(workers))
            .<Integer>step("next", items -> items)
            .build()
            .start()) {
      List<CompletableFuture<Integer>> futures = flow.submitAll(List.of("1", "two", "3"));

      assertThat(valueOf(futures.get(0))).isEqualTo(1);
      assertThat(failureOf(futures.get(1))).isInstanceOf(NumberFormatException.class);
      assertThat(valueOf(futures.get(2))).isEqualTo(3);
    }
  }

  @Test
  void oneObjectCanBeUnderWaySeveralTimes() throws Exception {
    GatedHandler<String> gated = GatedHandler.interruptible();
    String task = "shared";
    try (Flow<String, Integer> flow =
        Flow.<String>builder("twice")
            .step("gated", gated)
            .step("length", Handler.<String, Integer>each(String::length))
            .build()
            .start()) {
      List<CompletableFuture<Integer>> futures =
          List.of(flow.submit(task), flow.submit(task), flow.submit(task));
      gated.open();

      assertThat(futures).allSatisfy(future -> assertThat(valueOf(future)).isEqualTo(6));
      assertThat(gated.items()).hasSize(3);
    }
  }

  @Test
  void aResultMayBeNull() throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("null")
            .<String>step("list of nulls", Handler.each(item -> null))
            .<String>step("no list", items -> null)
            .build()
            .start()) {
      assertThat(flow.call("item")).isNull();
    }
  }

  @Test
  void listOfAnotherLengthFailsItsBatchAlone() throws Exception {
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("lengths")
            .<Integer>step(
                "wrong",
                items -> items.getFirst() == 0 ? List.of() : items,
                step -> step.batch(BatchPolicy.greedy(1)))
            .build()
            .start()) {
      assertThat(failureOf(flow.submit(0)))
          .isInstanceOf(BatchSizeMismatchException.class)
          .hasMessage("the handler of step wrong of lengths returned 0 results for a batch of 1");
      assertThat(flow.call(1)).isEqualTo(1);
    }
  }

  @Test
  void moreItemsThanTheQueueHoldsAllComplete() throws Exception {
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("small")
            .<Integer>step("one", items -> items, s -> s.queue(20, OnFull.await()))
            .<Integer>step("two", items -> items, s -> s.queue(20, OnFull.await()))
            .build()
            .start()) {
      List<CompletableFuture<Integer>> futures =
          IntStream.range(0, 90).mapToObj(flow::submit).toList();

      assertThat(futures.stream().map(FlowProbes::valueOf))
          .containsExactlyElementsOf(IntStream.range(0, 90).boxed().toList());
    }
  }

  @Test
  void farMoreCallersThanPlacesAreServed() throws Exception {
    int callers = 1_000;
    int callsEach = 20;
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("crowd")
            .<Integer>step(
                "one", items -> items, s -> s.queue(20, OnFull.await()).workers(Workers.threads(2)))
            .<Integer>step("two", items -> items, s -> s.queue(20, OnFull.await()))
            .build()
            .start()) {
      Set<Thread> threads = new HashSet<>();
      CompletableFuture<?>[] ends = new CompletableFuture<?>[callers];
      for (int i = 0; i < callers; i++) {
        int caller = i;
        CompletableFuture<Integer> end = new CompletableFuture<>();
        ends[i] = end;
        threads.add(Thread.startVirtualThread(() -> callInARow(flow, caller, callsEach, end)));
      }

      valueOf(CompletableFuture.allOf(ends));
      assertThat(threads).hasSize(callers);
    }
  }

  private static void callInARow(
      Flow<Integer, Integer> flow, int caller, int calls, CompletableFuture<Integer> end) {
    try {
      for (int i = 0; i < calls; i++) {
        assertThat(flow.call(caller * calls + i)).isEqualTo(caller * calls + i);
      }
      end.complete(calls);
    } catch (Throwable failure) {
      end.completeExceptionally(failure);
    }
  }

  @Test
  void resultThatComesTooLateIsDropped() throws Exception {
    GatedHandler<String> gated = GatedHandler.interruptible();
    GatedHandler<String> next = GatedHandler.opened();
    try (Flow<String, String> flow =
        Flow.<String>builder("late").step("gated", gated).step("next", next).build().start()) {
      CompletableFuture<String> future = flow.submit("item");
      gated.awaitEntered();

      assertThat(future.cancel(true)).isTrue();
      gated.open();

      assertThat(flow.call("other")).isEqualTo("other");
      assertThat(future).isCancelled();
      assertThatExceptionOfType(CancellationException.class).isThrownBy(future::join);
      assertThat(gated.interrupts).hasValue(0);
      assertThat(next.items()).containsExactly("other");
    }
  }

  @Test
  void callThatIsInterruptedWithdrawsItsItem() throws Exception {
    GatedHandler<String> gated = GatedHandler.interruptible();
    try (Flow<String, String> flow =
        Flow.<String>builder("withdrawn")
            .step("gated", gated, s -> s.batch(BatchPolicy.greedy(1)))
            .build()
            .start()) {
      CompletableFuture<String> first = flow.submit("first");
      gated.awaitEntered();
      CompletableFuture<Throwable> end = new CompletableFuture<>();
      Thread caller =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      end.completeExceptionally(new AssertionError(flow.call("second")));
                    } catch (Throwable failure) {
                      end.complete(failure);
                    }
                  });
      FlowProbes.awaitThat("the second item waits", () -> flow.queued("gated") == 1);

      caller.interrupt();

      assertThat(valueOf(end)).isInstanceOf(InterruptedException.class);
      assertThat(flow.queued("gated")).isZero();
      gated.open();
      assertThat(valueOf(first)).isEqualTo("first");
      assertThat(flow.call("third")).isEqualTo("third");
      assertThat(gated.items()).containsExactly("first", "third");
    }
  }

  @Test
  void handlersOfTwoStepsMayBeOneObject() throws Exception {
    GatedHandler<String> both = GatedHandler.opened();
    Flow<String, String> flow =
        Flow.<String>builder("same").step("one", both).step("two", both).build().start();

    assertThat(flow.call("item")).isEqualTo("item");
    assertThat(both.items()).containsExactly("item", "item");
    flow.close();
    assertThat(flow.state()).isEqualTo(Flow.State.STOPPED);
  }

  @Test
  void stepThatDoesNotExistIsNamed() {
    Flow<String, String> flow =
        Flow.<String>builder("names")
            .<String>step("one", items -> items)
            .<String>step("two", items -> items)
            .build();

    assertThat(flow.queued("two")).isZero();
    assertThatExceptionOfType(IllegalArgumentException.class)
        .isThrownBy(() -> flow.queued("three"))
        .withMessage("step is three, names has [one, two]");
  }

  @Test
  void noItemIsSentIfOneOfThemMakesNoSense() throws Exception {
    List<Integer> asked = new CopyOnWriteArrayList<>();
    try (Flow<Integer, Integer> flow =
        Flow.<Integer>builder("flow")
            .stepIf(asked::add, "step", items -> items, step -> {})
            .answerWithin(Duration.ofSeconds(1))
            .build()
            .start()) {
      assertThatNullPointerException()
          .isThrownBy(() -> flow.submitAll(Arrays.asList(1, null)))
          .withMessage("item");
      assertThat(asked).isEmpty();
      assertThat(flow.statistics().ended()).isZero();
    }
  }
}
