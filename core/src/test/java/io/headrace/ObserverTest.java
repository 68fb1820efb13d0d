package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.Observer.BatchEvent;
import io.headrace.Observer.Outcome;
import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.ToIntFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What observers and listeners are told, and that they cannot do harm. */
class ObserverTest {
  private final VirtualTime time = new VirtualTime();
  private final HeldBatches<Integer> held = new HeldBatches<>();
  private final Recorder recorder = new Recorder();

  private static class Recorder implements Observer {
    final List<BatchEvent> batches = new ArrayList<>();
    final List<String> calls = new ArrayList<>();
    final List<Flow.State> states = new ArrayList<>();
    final List<Observed> started = new ArrayList<>();
    final List<Outcome> drops = new ArrayList<>();

    @Override
    public void onDrop(String service, String step, Outcome outcome) {
      drops.add(outcome);
    }

    long told(Outcome outcome) {
      long inBatches = batches.stream().mapToLong(BatchEvent::failed).sum();
      return drops.stream().filter(outcome::equals).count()
          + (outcome == Outcome.FAILED ? inBatches : 0);
    }

    @Override
    public void onStart(Observed service) {
      started.add(service);
    }

    @Override
    public void onBatch(BatchEvent batch) {
      batches.add(batch);
    }

    @Override
    public void onCallEnd(String service, Outcome outcome, long nanos, @Nullable Object call) {
      calls.add(service + " " + outcome + " " + nanos);
    }

    @Override
    public void onState(String service, Flow.State state) {
      states.add(state);
    }
  }

  private static final class Broken implements Observer, CallListener {
    @Override
    public void onStart(Observed service) {
      throw new IllegalStateException("onStart");
    }

    @Override
    public void onBatch(BatchEvent batch) {
      throw new IllegalStateException("onBatch");
    }

    @Override
    public void onCallEnd(String service, Outcome outcome, long nanos, @Nullable Object call) {
      throw new StackOverflowError();
    }

    @Override
    public void onState(String service, Flow.State state) {
      throw new IllegalStateException("onState");
    }

    @Override
    public void onStep(String step, int batchSize, long queueNanos, long handleNanos) {
      throw new AssertionError("onStep");
    }

    @Override
    public String toString() {
      return "a broken observer";
    }
  }

  private BatcherBuilder<Integer, Integer> held() {
    return Batcher.asyncBuilder(held)
        .name("held")
        .workers(Workers.executor(Runnable::run, 1))
        .timeSource(time);
  }

  private BatcherBuilder<Integer, Integer> direct(Handler<Integer, Integer> handler) {
    return Batcher.builder(handler)
        .name("direct")
        .workers(Workers.executor(Runnable::run, 1))
        .timeSource(time);
  }

  private void advance(long nanos) {
    time.advance(Duration.ofNanos(nanos));
  }

  @Test
  void aBatchIsReportedWithItsSizesAndTimes() {
    var batcher = held().batch(BatchPolicy.greedy(2)).observer(recorder).build();
    batcher.submit(0);
    advance(10);
    batcher.submit(1);
    advance(5);
    batcher.submitAll(List.of(2, 3));
    advance(100);
    held.answer();
    advance(7);
    held.answer();
    assertThat(recorder.batches).hasSize(2);
    BatchEvent first = recorder.batches.get(0);
    assertThat(first.size()).isEqualTo(1);
    assertThat(first.handleNanos()).isEqualTo(115);
    assertThat(first.queueNanos()).containsExactly(0);
    BatchEvent second = recorder.batches.get(1);
    assertThat(second.service()).isEqualTo("held");
    assertThat(second.step()).isEqualTo("held");
    assertThat(second.size()).isEqualTo(2);
    assertThat(second.failed()).isZero();
    assertThat(second.handleNanos()).isEqualTo(7);
    assertThat(second.queueNanos()).containsExactly(105, 100);
    assertThat(second.queueLength()).isEqualTo(1);
    assertThat(second.collecting()).isEqualTo(Duration.ofNanos(105));
    held.answerAll();
    batcher.close();
  }

  @Test
  void whatStartsCanBeAskedAnyTime() {
    var batcher = held().observer(recorder).build();
    assertThat(recorder.started).hasSize(1);
    Observer.Observed observed = recorder.started.getFirst();
    assertThat(observed.name()).isEqualTo("held");
    assertThat(observed.steps()).containsExactly("held");
    assertThat(observed.state()).isEqualTo(Flow.State.RUNNING);
    batcher.submit(1);
    batcher.submit(2);
    assertThat(observed.queued("held")).isEqualTo(1);
    assertThatThrownBy(() -> observed.queued("other"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("step is other, held has [held]");
    held.answerAll();
    batcher.close();
    assertThat(observed.state()).isEqualTo(Flow.State.STOPPED);
    assertThat(observed.queued("held")).isZero();
  }

  @Test
  void aListenerIsToldOfItsOwnItem() {
    List<String> told = new ArrayList<>();
    var batcher = held().build();
    batcher.submit(0);
    batcher.submit(1);
    advance(10);
    batcher.submit(
        2,
        CallOptions.DEFAULT.withListener(
            (step, batchSize, queueNanos, handleNanos) ->
                told.add(step + " " + batchSize + " " + queueNanos + " " + handleNanos)));
    advance(5);
    held.answer();
    advance(3);
    assertThat(told).isEmpty();
    held.answer();
    assertThat(told).containsExactly("held 2 5 3");
    batcher.close();
  }

  @Test
  void eachEndOfACallIsReportedOnceWithItsOutcomeAndTime() {
    var batcher = held().queue(3, OnFull.fail()).observer(recorder).build();
    batcher.submit(0);
    batcher.submit(1, CallOptions.timeout(Duration.ofNanos(20)));
    var cancelled = batcher.submit(2);
    var replaced = batcher.submit(3);
    batcher.submit(4);
    advance(10);
    cancelled.cancel(true);
    cancelled.cancel(true);
    replaced.complete(-1);
    advance(10);
    held.answer();
    batcher.close();
    batcher.submit(5);
    assertThat(recorder.calls)
        .containsExactly(
            "held REJECTED 0",
            "held CANCELLED 10",
            "held CANCELLED 10",
            "held TIMED_OUT 20",
            "held COMPLETED 20",
            "held REJECTED 0");
    assertThat(recorder.states)
        .containsExactly(
            Flow.State.STARTING, Flow.State.RUNNING, Flow.State.DRAINING, Flow.State.STOPPED);
  }

  @Test
  void aBatchThatFailsIsReportedWithAllItsItemsAsFailed() {
    List<Handler<Integer, Integer>> failing =
        List.of(
            items -> {
              throw new IOException();
            },
            items -> List.of(),
            items -> {
              Outcomes<Integer> outcomes = new Outcomes<>(2);
              outcomes.addFailure(new IOException());
              outcomes.addFailure(new IOException());
              return outcomes;
            });
    for (Handler<Integer, Integer> handler : failing) {
      Recorder own = new Recorder();
      List<String> told = new ArrayList<>();
      var batcher = direct(handler).observer(own).build();
      batcher.submitAll(
          List.of(1, 2),
          CallOptions.DEFAULT.withListener(
              (step, batchSize, queueNanos, handleNanos) -> told.add(step + " " + batchSize)));
      batcher.close();
      assertThat(own.batches).hasSize(1);
      assertThat(own.batches.getFirst().failed()).isEqualTo(2);
      assertThat(own.calls).containsExactly("direct FAILED 0", "direct FAILED 0");
      assertThat(told).containsExactly("direct 2", "direct 2");
    }
  }

  /** Three items, the first of which is cancelled while the handler has them. */
  private void assertToldAsCounted(
      Handler<Integer, Integer> handler, UnaryOperator<BatcherBuilder<Integer, Integer>> options) {
    var own = new Recorder();
    var executor = new SteppedExecutor();
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    Handler<Integer, Integer> cancelling =
        items -> {
          futures.getFirst().cancel(true);
          return handler.handle(items);
        };
    var batcher =
        options
            .apply(Batcher.builder(cancelling).observer(own).timeSource(time))
            .workers(Workers.executor(executor, 1))
            .build();
    futures.addAll(batcher.submitAll(List.of(1, 2, 3), CallOptions.DEFAULT));
    executor.runAll();
    batcher.close();
    var step = batcher.statistics().steps().getFirst();
    assertThat(step.failed()).isPositive();
    assertThat(own.told(Outcome.FAILED)).isEqualTo(step.failed());
    assertThat(own.told(Outcome.CANCELLED)).isEqualTo(step.cancelled());
    assertThat(step.failed() + step.cancelled() + batcher.statistics().completed()).isEqualTo(3);
  }

  @Test
  void observersAreToldOfAsManyFailuresAsAreCounted() {
    Handler<Integer, Integer> failing =
        items -> {
          throw new IOException();
        };
    Handler<Integer, Integer> failingEach =
        items -> {
          Outcomes<Integer> outcomes = new Outcomes<>(3);
          items.forEach(item -> outcomes.addFailure(new IOException()));
          return outcomes;
        };
    Handler<Integer, Integer> failingLater =
        items ->
            new AbstractList<>() {
              @Override
              public Integer get(int index) {
                if (index == 1) {
                  throw new IllegalStateException();
                }
                return index;
              }

              @Override
              public int size() {
                return items.size();
              }
            };
    ToIntFunction<Integer> heavy = item -> 1 / (item - 2);
    assertToldAsCounted(failing, builder -> builder);
    assertToldAsCounted(failing, builder -> builder.isolate(10));
    assertToldAsCounted(failing, builder -> builder.isolate(2));
    assertToldAsCounted(failingEach, builder -> builder);
    assertToldAsCounted(failingLater, builder -> builder);
    assertToldAsCounted(items -> items, builder -> builder.weight(heavy));
  }

  @Test
  void whatAShutdownRejectsIsNotToldAsFailed() {
    var batcher = held().batch(BatchPolicy.greedy(2)).observer(recorder).build();
    batcher.submitAll(List.of(1, 2), CallOptions.DEFAULT);
    batcher.shutdownNow();
    var step = batcher.statistics().steps().getFirst();
    assertThat(step.rejected()).isEqualTo(2);
    assertThat(recorder.told(Outcome.REJECTED)).isEqualTo(2);
    assertThat(recorder.batches).extracting(BatchEvent::failed).containsExactly(0);
  }

  @Test
  void aRefusedBatchEndsItsCallsAsRejected() {
    var batcher =
        Batcher.<Integer, Integer>builder(items -> items)
            .workers(
                Workers.executor(
                    task -> {
                      throw new IllegalStateException();
                    },
                    1))
            .observer(recorder)
            .timeSource(time)
            .build();
    batcher.submit(1);
    batcher.close();
    assertThat(recorder.calls).containsExactly("batcher REJECTED 0");
  }

  @Test
  void observersAndListenersThatThrowTouchNothing() {
    try (var log = new LogCapture()) {
      var batcher =
          direct(items -> items)
              .observer(new Broken())
              .observer(recorder)
              .observer(new Broken())
              .build();
      for (int i = 0; i < 100; i++) {
        var future = batcher.submit(i, CallOptions.DEFAULT.withListener(new Broken()));
        assertThat(future).isCompletedWithValue(i);
      }
      var cancelled = new CompletableFuture<Integer>();
      cancelled.cancel(true);
      batcher.close();
      assertThat(recorder.batches).hasSize(100);
      assertThat(recorder.calls).hasSize(100);
      assertThat(recorder.states).endsWith(Flow.State.STOPPED);
      assertThat(log.messages())
          .containsExactly(
              "a broken observer of direct failed; it is ignored, further failures are not logged");
    }
  }

  @Test
  void anObserverMayUseTheServiceItObserves() {
    List<CompletableFuture<Integer>> more = new ArrayList<>();
    var batcher = new Batcher<?, ?>[1];
    var observed =
        direct(items -> items)
            .observer(
                new Observer() {
                  @Override
                  @SuppressWarnings("unchecked")
                  public void onCallEnd(
                      String service, Outcome outcome, long nanos, @Nullable Object call) {
                    if (more.size() < 3) {
                      more.add(((Batcher<Integer, Integer>) batcher[0]).submit(more.size()));
                    }
                  }
                })
            .build();
    batcher[0] = observed;
    observed.submit(9);
    assertThat(more).hasSize(3);
    assertThat(more.get(2)).isCompletedWithValue(2);
    observed.close();
  }

  @Test
  void nothingIsLoggedInNormalWorkNorForFailuresThatCallersAreTold() {
    try (var log = new LogCapture()) {
      var batcher =
          direct(
                  items -> {
                    throw new IOException();
                  })
              .queue(1, OnFull.fail())
              .build();
      for (int i = 0; i < 100; i++) {
        batcher.submit(i);
      }
      batcher.close();
      assertThat(log.messages()).isEmpty();
    }
  }

  @Test
  void anObserverThatComesLaterIsToldOfTheStartAndOfWhatBeginsFromThenOn() {
    var batcher = held().build();
    batcher.submit(1);
    time.advance(Duration.ofMillis(5));
    batcher.submit(2);
    batcher.observe(recorder);
    batcher.observe(recorder);
    assertThat(recorder.started).hasSize(1);
    assertThat(recorder.started.getFirst().name()).isEqualTo("held");
    batcher.submit(3);
    time.advance(Duration.ofMillis(7));
    held.answerAll();
    batcher.close();
    assertThat(recorder.batches).hasSize(1);
    assertThat(recorder.batches.getFirst().size()).isEqualTo(2);
    assertThat(recorder.batches.getFirst().collecting()).isEqualTo(Duration.ofMillis(7));
    assertThat(recorder.calls).containsExactly("held COMPLETED 7000000");
    assertThat(recorder.states).containsExactly(Flow.State.DRAINING, Flow.State.STOPPED);
  }

  @Test
  void anObserverThatTwoThreadsAddIsToldOnce() throws Exception {
    CountDownLatch isTold = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    var slow =
        new Recorder() {
          @Override
          public void onStart(Observed service) {
            super.onStart(service);
            isTold.countDown();
            if (started.size() == 1) {
              FlowProbes.awaitLatch("the other thread has added it", goOn);
            }
          }
        };
    var batcher = held().build();
    var first = FlowProbes.aside(() -> batcher.observe(slow));
    isTold.await();
    batcher.observe(slow);
    goOn.countDown();
    first.get();
    batcher.submit(1);
    held.answerAll();
    batcher.close();
    assertThat(slow.started).hasSize(1);
    assertThat(slow.batches).hasSize(1);
    assertThat(slow.states).containsExactly(Flow.State.DRAINING, Flow.State.STOPPED);
  }

  @Test
  void anObserverThatComesBeforeTheStartIsOneLikeOthers() throws Exception {
    var flow = Flow.<Integer>builder("f").step("s", items -> items).observer(recorder).build();
    var later = new Recorder();
    flow.observe(later);
    assertThat(later.started).isEmpty();
    flow.start().close();
    assertThat(later.started).isEqualTo(recorder.started).hasSize(1);
    assertThat(later.states).isEqualTo(recorder.states).startsWith(Flow.State.STARTING);
  }

  @Test
  void anObserverThatComesAfterTheEndIsToldOfIt() throws Exception {
    for (boolean isObserved : new boolean[] {false, true}) {
      var builder = Flow.<Integer>builder("f").step("s", items -> items);
      var flow = (isObserved ? builder.observer(new Observer() {}) : builder).build().start();
      flow.close();
      var later = new Recorder();
      flow.observe(later);
      flow.observe(later);
      assertThat(later.started).hasSize(1);
      assertThat(later.states).containsExactly(Flow.State.STOPPED);
      assertThatThrownBy(flow.submit(1)::join).hasCauseInstanceOf(StoppedException.class);
      assertThat(later.calls).hasSize(1);
    }
    var never = Flow.<Integer>builder("f").step("s", items -> items).build();
    never.close();
    var later = new Recorder();
    never.observe(later);
    assertThat(later.started).isEmpty();
    assertThat(later.states).containsExactly(Flow.State.STOPPED);
  }

  /** The end comes while it is told of the start. */
  @Test
  void anObserverThatComesWithTheEndIsToldOfItOnce() throws Exception {
    var flow = Flow.<Integer>builder("f").step("s", items -> items).build().start();
    var states = new ArrayList<Flow.State>();
    flow.observe(
        new Observer() {
          @Override
          public void onStart(Observed service) {
            flow.close();
          }

          @Override
          public void onState(String service, Flow.State state) {
            states.add(state);
          }
        });
    assertThat(states).containsExactly(Flow.State.STOPPED);
  }

  /** The wait of each execution begins where the one before has ended: no time counts twice. */
  @Test
  void aPartThatIsExecutedAgainHasWaitedSinceItsLastExecution() {
    var waits = new ArrayList<Long>();
    CallListener listener = (_, _, queueNanos, _) -> waits.add(queueNanos);
    var batcher = held().batch(BatchPolicy.greedy(2)).isolate(10).observer(recorder).build();
    batcher.submit(-1);
    var good = batcher.submit(0, CallOptions.DEFAULT.withListener(listener));
    advance(5);
    var bad = batcher.submit(1);
    held.answer();
    advance(100);
    held.fail(new IOException("of one of them"));
    advance(30);
    held.answer();
    advance(40);
    held.fail(new IOException("of this one"));
    assertThat(good).isCompletedWithValue(0);
    assertThat(bad.exceptionNow()).hasMessage("of this one");
    assertThat(recorder.batches.stream().map(BatchEvent::queueNanos))
        .containsExactly(new long[] {0}, new long[] {5, 0}, new long[] {0}, new long[] {30});
    assertThat(waits).containsExactly(5L, 0L);
    batcher.close();
  }

  @Test
  void anObserverThatThrowsWhenItComesTouchesNothing() {
    try (var log = new LogCapture()) {
      var batcher = direct(items -> items).build();
      batcher.observe(new Broken());
      batcher.observe(recorder);
      assertThat(batcher.submit(1)).isCompletedWithValue(1);
      batcher.close();
      assertThat(recorder.calls).hasSize(1);
      assertThat(log.messages()).hasSize(1);
    }
  }

  @Test
  void ofItemsThatAreNotSentForOneThatIsNullNobodyIsTold() {
    List<String> told = new ArrayList<>();
    var batcher =
        held()
            .observer(
                new Observer() {
                  @Override
                  public @Nullable Object onSubmit(String service) {
                    told.add("submitted");
                    return null;
                  }
                })
            .build();
    assertThatThrownBy(() -> batcher.submitAll(Arrays.asList(1, 2, null)))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("item");
    assertThat(told).isEmpty();
    batcher.submitAll(List.of(1, 2));
    assertThat(told).hasSize(2);
  }
}
