package io.headrace;

import static io.headrace.FlowProbes.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Wrong options fail at the call that sets them, and the message names the value. */
class BuilderChecksTest {
  private static final Handler<Integer, Integer> HANDLER = items -> items;

  private static final BatchPolicy ADAPTIVE = BatchPolicy.adaptive(8, Duration.ofSeconds(1));
  private static final Consumer<StepOptions<Integer>> INLINE = o -> o.workers(Workers.inline());

  private static BatcherBuilder<Integer, Integer> batcher() {
    return Batcher.builder(HANDLER);
  }

  private static Wrong step(String message, Consumer<StepOptions<Integer>> options) {
    return new Wrong(message, () -> Flow.<Integer>builder("flow").step("step", HANDLER, options));
  }

  private static FlowBuilder<Integer, Integer> inFront(Workers workers) {
    return Flow.<Integer>builder("flow").step("a", HANDLER, o -> o.workers(workers));
  }

  static Stream<Wrong> wrongValues() {
    Duration negative = Duration.ofMillis(-1);
    return Stream.of(
        new Wrong("maxSize is 0, it has to be at least 1", () -> BatchPolicy.greedy(0)),
        new Wrong("maxSize is -1, it has to be at least 1", () -> BatchPolicy.greedy(-1)),
        new Wrong(
            "maxSize is 0, it has to be at least 1", () -> BatchPolicy.fixed(0, Duration.ZERO)),
        new Wrong(
            "maxDelay is PT-0.001S, it has to be at least zero",
            () -> BatchPolicy.fixed(1, negative)),
        new Wrong("count is 0, it has to be from 1 to 1048576", () -> Workers.threads(0)),
        new Wrong("count is -7, it has to be from 1 to 1048576", () -> Workers.virtualThreads(-7)),
        new Wrong(
            "count is 2147483647, it has to be from 1 to 1048576",
            () -> Workers.threads(Integer.MAX_VALUE)),
        new Wrong(
            "count is 1048577, it has to be from 1 to 1048576",
            () -> Workers.virtualThreads(1_048_577)),
        new Wrong(
            "objective is PT0S, it has to be above zero",
            () -> batcher().answerWithin(Duration.ZERO)),
        new Wrong(
            "objective is PT-0.001S, it has to be above zero",
            () -> Flow.<Integer>builder("flow").answerWithin(negative)),
        new Wrong(
            "timeout is PT0S, it has to be above zero", () -> batcher().timeout(Duration.ZERO)),
        new Wrong(
            "timeout is PT-0.001S, it has to be above zero",
            () -> Flow.<Integer>builder("flow").timeout(negative)),
        new Wrong(
            "branches is empty, flow needs at least one",
            () -> Flow.<Integer>builder("flow").parallel(List.of(), values -> values)),
        new Wrong(
            "timeout is PT-0.001S, it has to be above zero",
            () -> new BatcherGroup().close(negative)),
        new Wrong(
            "workers is 1048577, it has to be from 1 to 1048576",
            () -> batcher().build().resize(1_048_577)),
        new Wrong("count is 0, it has to be at least 1", () -> Workers.executor(Runnable::run, 0)),
        new Wrong("atMost is PT0S, it has to be above zero", () -> OnFull.await(Duration.ZERO)),
        new Wrong("atMost is PT-0.001S, it has to be above zero", () -> OnFull.await(negative)),
        new Wrong(
            "timeout is PT0S, it has to be above zero", () -> CallOptions.timeout(Duration.ZERO)),
        new Wrong(
            "timeout is PT-0.001S, it has to be above zero",
            () -> CallOptions.DEFAULT.withTimeout(negative)),
        new Wrong("priority is -1, it has to be at least 0", () -> CallOptions.priority(-1)),
        new Wrong(
            "capacity is 0, it has to be at least 1", () -> batcher().queue(0, OnFull.fail())),
        new Wrong(
            "capacity is -1, it has to be at least 1", () -> batcher().queue(-1, OnFull.await())),
        new Wrong("priorities is 0, it has to be from 1 to 64", () -> batcher().priorities(0)),
        new Wrong("priorities is -1, it has to be from 1 to 64", () -> batcher().priorities(-1)),
        new Wrong("priorities is 65, it has to be from 1 to 64", () -> batcher().priorities(65)),
        new Wrong("name is blank, it has to say what this is", () -> batcher().name(" \t")),
        new Wrong("name is blank, it has to say what this is", () -> batcher().name("")),
        new Wrong("name is blank, it has to say what this is", () -> Flow.builder(" ")),
        new Wrong(
            "name is blank, it has to say what this is",
            () -> Flow.<Integer>builder("flow").step("", HANDLER)),
        new Wrong(
            "name is a, flow has such a step",
            () -> Flow.<Integer>builder("flow").step("a", HANDLER).step("a", HANDLER)),
        new Wrong(
            "priorities is 65, it has to be from 1 to 64",
            () -> Flow.<Integer>builder("flow").priorities(65)),
        step("capacity is 0, it has to be at least 1", o -> o.queue(0, OnFull.fail())),
        step("maxTries is 1, it has to be at least 2", o -> o.isolate(1)),
        new Wrong("maxTries is 0, it has to be at least 2", () -> batcher().isolate(0)),
        new Wrong("maxTries is -3, it has to be at least 2", () -> batcher().isolate(-3)),
        new Wrong(
            "timeout is PT0S, it has to be above zero",
            () -> Flow.<Integer>builder("flow").step("a", HANDLER).build().start(Duration.ZERO)),
        new Wrong(
            "timeout is PT0S, it has to be above zero",
            () -> batcher().build().close(Duration.ZERO)),
        new Wrong(
            "workers of step are unlimited on virtual threads, a handler for each needs a limit",
            () ->
                Flow.<Integer>builder("flow")
                    .stepPerWorker("step", () -> HANDLER, o -> o.workers(Workers.unlimited()))),
        step(
            "workers of step are inline, weights and buckets need a queue",
            o -> o.workers(Workers.inline()).weight(i -> i)),
        step(
            "workers of step are inline, they have no queue that could be full",
            o -> o.workers(Workers.inline()).queue(5, OnFull.await())),
        step(
            "workers of step are inline, items wait for no others; the policy is"
                + " FixedPolicy[maxSize=5, maxDelay=PT0.000000001S], it has to be greedy",
            o -> o.workers(Workers.inline()).batch(BatchPolicy.fixed(5, Duration.ofNanos(1)))),
        new Wrong(
            "workers of batcher are inline, items wait for no others; the policy is "
                + ADAPTIVE
                + ", it has to be greedy",
            () -> batcher().workers(Workers.inline()).batch(ADAPTIVE).build()),
        step(
            "batches of step have one item, isolate has no parts to execute again",
            o -> o.batch(BatchPolicy.greedy(1)).isolate(2)),
        new Wrong(
            "maxDelay is PT0.000000001S, it has to be zero for batches of one item, which are full"
                + " at once",
            () -> BatchPolicy.fixed(1, Duration.ofNanos(1))),
        new Wrong(
            "objective of batcher is PT0.003S, it needs workers that are neither inline nor"
                + " unlimited: nothing waits for those",
            () ->
                batcher().workers(Workers.unlimited()).answerWithin(Duration.ofMillis(3)).build()),
        new Wrong(
            "objective of flow is PT3S, it needs workers that are neither inline nor unlimited:"
                + " nothing waits for those",
            () ->
                inFront(Workers.unlimited())
                    .step("b", HANDLER, INLINE)
                    .answerWithin(Duration.ofSeconds(3))
                    .build()),
        new Wrong(
            "workers of step are inline, a handler for each needs a limit",
            () ->
                Flow.<Integer>builder("flow")
                    .stepPerWorker("step", () -> HANDLER, o -> o.workers(Workers.inline()))));
  }

  @ParameterizedTest
  @MethodSource("wrongValues")
  void aWrongValueIsNamedTogetherWithWhatIsAllowed(Wrong wrong) {
    wrong.assertRefusedWith(IllegalArgumentException.class);
  }

  static Stream<Wrong> secondSettings() {
    BatchPolicy policy = BatchPolicy.greedy(2);
    VirtualTime time = new VirtualTime();
    return Stream.of(
        new Wrong("name is set to b, it was set to a before", () -> batcher().name("a").name("b")),
        new Wrong(
            "batch policy is set to FixedPolicy[maxSize=3, maxDelay=PT0S],"
                + " it was set to GreedyPolicy[maxSize=2] before",
            () -> batcher().batch(policy).batch(BatchPolicy.fixed(3, Duration.ZERO))),
        new Wrong(
            "workers is set to inline, it was set to 2 threads before",
            () -> batcher().workers(Workers.threads(2)).workers(Workers.inline())),
        new Wrong(
            "queue is set to 2 and fail, it was set to 1 and await PT1S before",
            () -> batcher().queue(1, OnFull.await(Duration.ofSeconds(1))).queue(2, OnFull.fail())),
        new Wrong(
            "priorities is set to 3, it was set to 2 before",
            () -> batcher().priorities(2).priorities(3)),
        new Wrong(
            "time source is set to " + time + ", it was set to " + time + " before",
            () -> batcher().timeSource(time).timeSource(time)),
        new Wrong(
            "priorities is set to 1, it was set to 1 before",
            () -> Flow.<Integer>builder("flow").priorities(1).priorities(1)),
        new Wrong(
            "time source is set to " + time + ", it was set to " + time + " before",
            () -> Flow.<Integer>builder("flow").timeSource(time).timeSource(time)),
        new Wrong(
            "objective is set to PT2S, it was set to PT1S before",
            () ->
                batcher().answerWithin(Duration.ofSeconds(1)).answerWithin(Duration.ofSeconds(2))),
        new Wrong(
            "timeout is set to PT2S, it was set to PT1S before",
            () -> batcher().timeout(Duration.ofSeconds(1)).timeout(Duration.ofSeconds(2))),
        new Wrong(
            "timeout is set to PT2S, it was set to PT1S before",
            () ->
                Flow.<Integer>builder("flow")
                    .timeout(Duration.ofSeconds(1))
                    .timeout(Duration.ofSeconds(2))),
        step("isolate is set to 3, it was set to 2 before", o -> o.isolate(2).isolate(3)),
        step(
            "workers is set to 3 virtual threads, it was set to inline before",
            o -> o.workers(Workers.inline()).workers(Workers.virtualThreads(3))));
  }

  @ParameterizedTest
  @MethodSource("secondSettings")
  void aSecondSettingNamesBothValues(Wrong wrong) {
    wrong.assertRefusedWith(IllegalStateException.class);
  }

  static Stream<Wrong> nulls() {
    return Stream.of(
        new Wrong("handler", () -> Batcher.builder(null)),
        new Wrong("handler", () -> Batcher.asyncBuilder(null)),
        new Wrong("name", () -> batcher().name(null)),
        new Wrong("batch policy", () -> batcher().batch(null)),
        new Wrong("workers", () -> batcher().workers(null)),
        new Wrong("queue", () -> batcher().queue(1, null)),
        new Wrong("observer", () -> batcher().observer(null)),
        new Wrong("weight", () -> batcher().weight(null)),
        new Wrong("bucket", () -> batcher().bucket(null)),
        new Wrong("splitter", () -> batcher().split(null)),
        new Wrong("time source", () -> batcher().timeSource(null)),
        new Wrong("executor", () -> Workers.executor(null, 1)),
        new Wrong("timeout", () -> CallOptions.timeout(null)),
        new Wrong("listener", () -> CallOptions.DEFAULT.withListener(null)),
        new Wrong("maxDelay", () -> BatchPolicy.fixed(1, null)),
        new Wrong("atMost", () -> OnFull.await(null)),
        new Wrong("task", () -> Handler.each(null)),
        new Wrong("loader", () -> Handler.mapped(null)),
        new Wrong("function", () -> AsyncHandler.each(null)),
        new Wrong("name", () -> Flow.builder(null)),
        new Wrong("name", () -> Flow.<Integer>builder("flow").step(null, HANDLER)),
        new Wrong(
            "handler",
            () -> Flow.<Integer>builder("flow").step("a", (Handler<Integer, Integer>) null)),
        new Wrong("options", () -> Flow.<Integer>builder("flow").step("a", HANDLER, null)),
        new Wrong("factory", () -> Flow.<Integer>builder("flow").stepPerWorker("a", null, o -> {})),
        new Wrong(
            "condition", () -> Flow.<Integer>builder("flow").stepIf(null, "a", HANDLER, o -> {})),
        new Wrong(
            "handler", () -> Flow.<Integer>builder("flow").stepIf(i -> true, "a", null, o -> {})),
        new Wrong("handler", () -> Flow.<Integer>builder("flow").asyncStep("a", null, o -> {})),
        new Wrong("warm-up", () -> Flow.<Integer>builder("flow").warmUp(null)),
        new Wrong(
            "item of the warm-up",
            () -> Flow.<Integer>builder("flow").warmUp(Arrays.asList(1, null))),
        new Wrong("observer", () -> Flow.<Integer>builder("flow").observer(null)),
        new Wrong("time source", () -> Flow.<Integer>builder("flow").timeSource(null)));
  }

  @ParameterizedTest
  @MethodSource("nulls")
  void nullIsRefusedByTheNameOfTheArgument(Wrong wrong) {
    wrong.assertRefusedWith(NullPointerException.class);
  }

  @Test
  void aCallThatMakesNoSenseFailsAtOnce() {
    try (var one = batcher().build();
        var three = batcher().name("three").priorities(3).build()) {
      assertThatThrownBy(() -> one.submit(null))
          .isInstanceOf(NullPointerException.class)
          .hasMessage("item");
      assertThatThrownBy(() -> one.submit(1, null))
          .isInstanceOf(NullPointerException.class)
          .hasMessage("options");
      assertThatThrownBy(() -> one.submit(1, CallOptions.priority(1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("priority is 1, batcher has only 0");
      for (int priority : new int[] {3, 64, 128, 256, Integer.MAX_VALUE}) {
        assertThatThrownBy(() -> three.call(1, CallOptions.priority(priority)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("priority is " + priority + ", three has 0 to 2");
      }
      assertThat(catchThrowable(() -> three.submitAll(List.of(1, 2), CallOptions.priority(9))))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  /** What has an effect in one step of a flow at least, or a small one, is accepted. */
  @Test
  void optionsThatHaveAnEffectAreAccepted() {
    inFront(Workers.inline())
        .step("b", HANDLER)
        .priorities(2)
        .answerWithin(Duration.ofSeconds(1))
        .build();
    batcher()
        .workers(Workers.inline())
        .batch(BatchPolicy.fixed(5, Duration.ZERO))
        .isolate(2)
        .priorities(2) // calls may name one
        .build()
        .close();
    batcher().workers(Workers.unlimited()).batch(ADAPTIVE).priorities(2).build().close();
    try (var batcher = batcher().workers(Workers.unlimited()).queue(2, OnFull.fail()).build()) {
      assertThat(batcher.submitAll(List.of(1, 2, 3)).getLast()).isCompletedExceptionally();
    }
  }

  @Test
  void aFlowWithoutStepsIsRefused() {
    assertThatThrownBy(() -> Flow.builder("flow").build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("flow has no steps, it needs at least one");
  }

  @Test
  void aBuilderBuildsOnceBecauseItHasOneHandler() {
    var batcher = batcher().name("b");
    batcher.build().close();
    assertThatThrownBy(batcher::build)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("b is built, a builder builds once");
    var flow = Flow.<Integer>builder("flow").step("step", HANDLER);
    flow.build();
    assertThatThrownBy(flow::build)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("flow is built, a builder builds once");
  }

  @Test
  void anOptionThatWasRefusedCanBeSetAgain() throws Exception {
    var builder = batcher();
    for (ThrowingCallable wrong :
        List.<ThrowingCallable>of(
            () -> builder.priorities(0),
            () -> builder.queue(0, OnFull.fail()),
            () -> builder.name(" "))) {
      assertThatThrownBy(wrong).isInstanceOf(IllegalArgumentException.class);
    }
    try (var batcher = builder.priorities(2).queue(1, OnFull.fail()).name("b").build()) {
      assertThat(batcher.call(1, CallOptions.priority(1))).isEqualTo(1);
      assertThat(batcher.name()).isEqualTo("b");
    }
  }

  @Test
  void optionsSayWhatTheyAre() {
    assertThat(CallOptions.DEFAULT)
        .hasToString("CallOptions[timeout=none, priority=0, listener=none]");
    assertThat(CallOptions.timeout(Duration.ofSeconds(2)).withPriority(3))
        .hasToString("CallOptions[timeout=PT2S, priority=3, listener=none]");
    assertThat(OnFull.await()).hasToString("await");
    assertThat(OnFull.await(Duration.ofSeconds(1))).hasToString("await PT1S");
  }

  @Test
  void aBuilderThatFailedCanBeTriedAgain() throws Exception {
    Splitter<Integer, Integer> splitter =
        new Splitter<>() {
          @Override
          public List<Integer> split(Integer item, int maxWeight) {
            return List.of(item);
          }

          @Override
          public Integer join(Integer item, List<Integer> results) {
            return item;
          }
        };
    AtomicInteger starts = new AtomicInteger();
    Handler<Integer, Integer> late =
        new Handler<>() {
          @Override
          public void onStart() {
            if (starts.incrementAndGet() == 1) {
              throw new IllegalStateException("not yet");
            }
          }

          @Override
          public List<Integer> handle(List<Integer> items) {
            return items;
          }
        };
    var builder = Batcher.builder(late).name("b").split(splitter);
    assertThatThrownBy(builder::build).hasMessage("b has a splitter, that needs weights");
    builder.weight(_ -> 1);
    assertThatThrownBy(builder::build).isInstanceOf(StartException.class);
    try (var batcher = builder.build()) {
      assertThat(batcher.call(1)).isEqualTo(1);
    }
    assertThatThrownBy(builder::build).hasMessage("b is built, a builder builds once");
  }

  /** A handler that counts; its first start and its closes are what a test makes of them. */
  private abstract static class Counting implements Handler<Integer, Integer> {
    final AtomicInteger starts = new AtomicInteger();
    final AtomicInteger closes = new AtomicInteger();

    abstract void firstStart() throws Exception;

    void closing() throws Exception {}

    @Override
    public void onStart() throws Exception {
      if (starts.incrementAndGet() == 1) {
        firstStart();
      }
    }

    @Override
    public List<Integer> handle(List<Integer> items) {
      if (starts.get() == closes.get()) {
        throw new IllegalStateException("the handler is closed");
      }
      return items;
    }

    @Override
    public void close() throws Exception {
      closing();
      closes.incrementAndGet();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void theHandlerOfABuildThatFailedIsClosedBeforeTheNext(int workers) throws Exception {
    CountDownLatch isClosing = new CountDownLatch(1);
    CountDownLatch mayClose = new CountDownLatch(1);
    Counting handler =
        new Counting() {
          @Override
          void firstStart() {
            throw new IllegalStateException("not yet");
          }

          @Override
          void closing() throws InterruptedException {
            isClosing.countDown();
            mayClose.await();
          }
        };
    var builder = Batcher.builder(handler).workers(Workers.threads(workers));
    AtomicInteger closesWhenItFailed = new AtomicInteger();
    Thread building =
        Thread.ofPlatform()
            .start(
                () -> {
                  assertThatThrownBy(builder::build).isInstanceOf(StartException.class);
                  closesWhenItFailed.set(handler.closes.get());
                });
    isClosing.await();
    awaitThat("the build waits", () -> building.getState() == Thread.State.WAITING);
    mayClose.countDown();
    building.join();
    assertThat(closesWhenItFailed).hasValue(1);
    try (var batcher = builder.build()) {
      assertThat(batcher.call(1)).isEqualTo(1);
    }
    assertThat(handler.closes).hasValue(2);
    assertThat(handler.starts).hasValue(2);
  }

  @Test
  void aBuilderThatWasInterruptedDoesNotStartItsHandlerAgain() throws Exception {
    CountDownLatch isStarting = new CountDownLatch(1);
    CountDownLatch mayStart = new CountDownLatch(1);
    Counting handler =
        new Counting() {
          @Override
          void firstStart() {
            isStarting.countDown();
            awaitUninterruptibly(mayStart);
          }
        };
    var builder = Batcher.builder(handler).name("b");
    AtomicBoolean isInterrupted = new AtomicBoolean();
    Thread building =
        Thread.ofPlatform()
            .start(
                () -> {
                  assertThatThrownBy(builder::build)
                      .hasMessage("b was interrupted while it started");
                  isInterrupted.set(Thread.interrupted());
                });
    isStarting.await();
    building.interrupt();
    building.join();
    assertThat(isInterrupted).isTrue();
    assertThatThrownBy(builder::build).isInstanceOf(IllegalStateException.class);
    mayStart.countDown();
    awaitThat("the handler is closed", () -> handler.closes.get() == 1);
    assertThat(handler.starts).hasValue(1);
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    while (latch.getCount() != 0) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        // the start goes on all the same
      }
    }
  }

  @Test
  void aLearningPolicyThatMakesNoneForAQueueIsRefused() {
    LearningPolicy policy =
        new SendsAll(1) {
          @Override
          public LearningPolicy forQueue() {
            return null;
          }

          @Override
          public String toString() {
            return "a policy";
          }
        };
    assertThatThrownBy(() -> batcher().name("b").batch(policy).build())
        .isInstanceOf(NullPointerException.class)
        .hasMessage("the policy that forQueue of a policy makes for b");
  }
}
