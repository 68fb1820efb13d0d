package io.headrace;

import static io.headrace.FlowProbes.aside;
import static io.headrace.FlowProbes.awaitNoThreadsOf;
import static io.headrace.FlowProbes.awaitThat;
import static io.headrace.FlowProbes.failureOf;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FlowWarmUpTest {
  static Stream<Workers> everyKind() {
    return Stream.of(
        Workers.threads(2),
        Workers.virtualThreads(2),
        Workers.executor(FlowProbes.POOL, 2),
        Workers.executor(Runnable::run, 1),
        Workers.inline());
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void handlersSeeTheItemsBeforeTheFlowRuns(Workers workers) throws Exception {
    AtomicReference<Flow<String, String>> flow = new AtomicReference<>();
    List<String> seen = new CopyOnWriteArrayList<>();
    Handler<String, String> watching =
        items -> {
          items.forEach(item -> seen.add(item + " while " + flow.get().state()));
          return items;
        };
    flow.set(
        Flow.<String>builder("warm")
            .step("one", watching, s -> s.workers(workers))
            .stepIf(text -> text.startsWith("w"), "two", watching, s -> s.workers(workers))
            .warmUp(List.of("w", "x"))
            .build());
    flow.get().start();

    assertThat(seen)
        .containsExactlyInAnyOrder("w while STARTING", "x while STARTING", "w while STARTING");
    assertThat(flow.get().call("y")).isEqualTo("y");
    assertThat(seen).hasSize(4).last().isEqualTo("y while RUNNING");
    flow.get().close();
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void warmUpIsNoCall(Workers workers) throws Exception {
    List<Observer.Outcome> outcomes = new CopyOnWriteArrayList<>();
    List<Flow.State> states = new CopyOnWriteArrayList<>();
    Observer observer =
        new Observer() {
          @Override
          public void onCallEnd(
              String service, Outcome outcome, long nanos, @Nullable Object call) {
            outcomes.add(outcome);
          }

          @Override
          public void onState(String service, Flow.State state) {
            states.add(state);
          }
        };
    Flow<String, String> flow =
        Flow.<String>builder("warm")
            .observer(observer)
            .step("only", items -> items, s -> s.workers(workers).batch(BatchPolicy.greedy(4)))
            .warmUp(List.of("a", "b", "c"))
            .build()
            .start();

    assertThat(flow.statistics().ended()).isZero();
    flow.call("x");
    flow.close();
    assertThat(flow.statistics().completed()).isEqualTo(1);
    assertThat(flow.statistics().ended()).isEqualTo(1);
    assertThat(flow.statistics().steps().getFirst().running()).isZero();
    assertThat(outcomes).containsExactly(Observer.Outcome.COMPLETED);
    assertThat(states)
        .containsExactly(
            Flow.State.STARTING, Flow.State.RUNNING, Flow.State.DRAINING, Flow.State.STOPPED);
  }

  @Test
  void whatTheWarmUpExecutesAgainIsNotCounted() throws Exception {
    AtomicInteger executions = new AtomicInteger();
    Handler<String, String> failingFirst =
        items -> {
          if (executions.getAndIncrement() == 0) {
            throw new IllegalStateException("not warm");
          }
          return items;
        };
    Flow<String, String> flow =
        Flow.<String>builder("warm")
            .step("only", failingFirst, s -> s.workers(Workers.inline()).isolate(8))
            .warmUp(List.of("a", "b"))
            .build()
            .start();

    assertThat(executions).hasValue(3);
    assertThat(flow.statistics().steps().getFirst().retried()).isZero();
    flow.close();
  }

  @Test
  void warmUpGoesThroughForksAndChoicesAndIsNoCallThere() throws Exception {
    GatedHandler<String> a = GatedHandler.opened();
    GatedHandler<String> b = GatedHandler.opened();
    try (Flow<String, String> flow =
        Flow.<String>builder("warm")
            .choose(String::length)
            .when(1, x -> x.parallel(y -> y.step("a", a), y -> y.step("b", b), (l, r) -> l + r))
            .otherwise(x -> x)
            .warmUp(List.of("1", "22"))
            .build()
            .start()) {
      assertThat(a.items()).containsExactly("1");
      assertThat(b.items()).containsExactly("1");
      assertThat(flow.statistics().ended()).isZero();
      assertThat(flow.call("2")).isEqualTo("22");
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void itemThatFailsFailsTheStartAndHandlersAreClosed(Workers workers) {
    IllegalStateException failure = new IllegalStateException("cold");
    GatedHandler<String> fine = GatedHandler.opened();
    GatedHandler<String> picky = GatedHandler.opened();
    Flow<String, String> flow =
        Flow.<String>builder("fails")
            .step("fine", fine, s -> s.workers(workers))
            .step(
                "picky",
                new Handler<String, String>() {
                  @Override
                  public List<String> handle(List<String> items) throws Exception {
                    if (items.contains("bad")) {
                      throw failure;
                    }
                    return picky.handle(items);
                  }

                  @Override
                  public void close() {
                    picky.close();
                  }
                },
                s -> s.workers(workers))
            .warmUp(List.of("good", "bad"))
            .build();

    assertThatThrownBy(flow::start)
        .isInstanceOf(StartException.class)
        .hasMessage("fails failed to warm up: " + failure)
        .hasCause(failure);
    assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
    flow.close(); // waits until the handlers are closed
    assertThat(fine.closedOn).hasSize(1);
    assertThat(picky.closedOn).hasSize(1);
    assertThat(failureOf(flow.submit("late"))).isInstanceOf(StoppedException.class);
    awaitNoThreadsOf("fails");
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void startThatTakesTooLongInTheWarmUpFails(Workers workers) {
    VirtualTime time = new VirtualTime();
    GatedHandler<String> stuck = GatedHandler.interruptible();
    if (workers.kind == Workers.Kind.EXECUTOR) {
      return; // one that runs tasks on the calling thread cannot be left
    }
    Flow<String, String> flow =
        Flow.<String>builder("late")
            .timeSource(time)
            .step("stuck", stuck, s -> s.workers(workers))
            .warmUp(List.of("x"))
            .build();
    CompletableFuture<Void> start = aside(() -> flow.start(Duration.ofSeconds(3)));
    stuck.awaitEntered();
    awaitThat("the start has an alarm", () -> time.alarms() == 1);
    time.advance(Duration.ofSeconds(3));

    assertThat(failureOf(start))
        .isInstanceOf(StartException.class)
        .hasMessage("late has not started within PT3S: the warm-up has not ended");
    assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
    valueOf(aside(flow::close)); // it is interrupted
    assertThat(stuck.closedOn).hasSize(1);
    assertThat(time.alarms()).isZero();
    awaitNoThreadsOf("late");
  }

  @Test
  void closeDuringTheWarmUpFailsTheStart() {
    for (boolean isShutDown : new boolean[] {false, true}) {
      GatedHandler<String> stuck = GatedHandler.interruptible();
      Flow<String, String> flow =
          Flow.<String>builder("closed").step("stuck", stuck).warmUp(List.of("x", "y")).build();
      CompletableFuture<Void> start = aside(flow::start);
      stuck.awaitEntered();
      CompletableFuture<Void> close = aside(isShutDown ? flow::shutdownNow : flow::close);

      assertThat(failureOf(start))
          .isInstanceOf(StartException.class)
          .hasMessage("closed was closed while it started");
      valueOf(close);
      flow.close();
      assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
      assertThat(stuck.interrupts).hasValue(1);
      assertThat(stuck.closedOn).hasSize(1);
      awaitNoThreadsOf("closed");
    }
  }

  @Test
  void interruptOfTheStartDuringTheWarmUpFailsIt() {
    GatedHandler<String> stuck = GatedHandler.interruptible();
    Flow<String, String> flow =
        Flow.<String>builder("interrupted").step("stuck", stuck).warmUp(List.of("x")).build();
    AtomicReference<Thread> starter = new AtomicReference<>();
    CompletableFuture<Void> start =
        aside(
            () -> {
              starter.set(Thread.currentThread());
              flow.start();
            });
    stuck.awaitEntered();
    starter.get().interrupt();

    assertThat(failureOf(start)).isInstanceOf(InterruptedException.class);
    flow.close();
    assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
    assertThat(stuck.closedOn).hasSize(1);
  }

  @Test
  void callsAreRefusedDuringTheWarmUp() {
    GatedHandler<String> slow = GatedHandler.interruptible();
    Flow<String, String> flow =
        Flow.<String>builder("refuses").step("slow", slow).warmUp(List.of("x")).build();
    CompletableFuture<Void> start = aside(flow::start);
    slow.awaitEntered();

    assertThat(failureOf(flow.submit("early")))
        .isInstanceOf(StoppedException.class)
        .hasMessage("refuses is STARTING");
    assertThatThrownBy(() -> flow.swap("slow", Handler.each(text -> text)))
        .isInstanceOf(StoppedException.class);
    assertThatThrownBy(() -> flow.resize("slow", 2)).isInstanceOf(StoppedException.class);
    slow.open();
    valueOf(start);
    assertThat(slow.items()).containsExactly("x");
    flow.close();
  }

  @Test
  void warmUpIsSetOnceAndOfItems() {
    FlowBuilder<String, String> builder = Flow.<String>builder("once").warmUp(List.of("a"));
    assertThatIllegalStateException()
        .isThrownBy(() -> builder.warmUp(List.of("b")))
        .withMessage("warm-up is set to [b], it was set to [a] before");
    assertThatNullPointerException().isThrownBy(() -> Flow.<String>builder("null").warmUp(null));
    assertThatNullPointerException()
        .isThrownBy(() -> Flow.<String>builder("null").warmUp(Arrays.asList("a", null)));
  }

  @Test
  void emptyWarmUpIsNone() throws Exception {
    try (Flow<String, String> flow =
        Flow.<String>builder("none")
            .step("only", items -> items)
            .warmUp(List.of())
            .build()
            .start()) {
      assertThat(flow.call("x")).isEqualTo("x");
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void batchesOfAWarmUpAreNotCounted(Workers workers) throws Exception {
    Flow<String, String> flow =
        Flow.<String>builder("warm")
            .step("one", items -> items, s -> s.workers(workers))
            .parallel(x -> x.step("two", items -> items), x -> x, (l, r) -> l + r)
            .warmUp(List.of("a", "b", "c"))
            .build()
            .start();

    assertThat(flow.statistics().steps()).allMatch(step -> step.batches() + step.items() == 0);
    flow.call("x");
    flow.close();
    assertThat(flow.statistics().steps()).allMatch(step -> step.batches() == 1);
    assertThat(flow.statistics().steps())
        .allMatch(step -> step.items() == 1 && step.running() == 0);
  }
}
