package io.headrace;

import static io.headrace.FlowProbes.aside;
import static io.headrace.FlowProbes.awaitNoThreadsOf;
import static io.headrace.FlowProbes.awaitThat;
import static io.headrace.FlowProbes.failureOf;
import static io.headrace.FlowProbes.threadsOf;
import static io.headrace.FlowProbes.valueOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FlowStartTest {
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

  /** What a handler does when it starts. */
  private interface Starting {
    void run() throws Exception;
  }

  private static <T> Handler<T, T> startingWith(Starting starting) {
    return new Handler<>() {
      @Override
      public List<T> handle(List<T> items) {
        return items;
      }

      @Override
      public void onStart() throws Exception {
        starting.run();
      }
    };
  }

  @Test
  void startWaitsForEveryWorkerOfEveryStep() {
    Semaphore permits = new Semaphore(0);
    AtomicInteger begun = new AtomicInteger();
    AtomicInteger ready = new AtomicInteger();
    Supplier<Handler<String, String>> slow =
        () ->
            startingWith(
                () -> {
                  begun.incrementAndGet();
                  permits.acquire();
                  ready.incrementAndGet();
                });
    Flow<String, String> flow =
        Flow.<String>builder("waits")
            .stepPerWorker("one", slow, step -> step.workers(Workers.threads(3)))
            .stepPerWorker("two", slow, step -> step.workers(Workers.threads(3)))
            .build();

    CompletableFuture<Void> start = aside(flow::start);
    awaitThat("all handlers are being started side by side", () -> begun.get() == 6);
    permits.release(5);
    awaitThat("five of six are ready", () -> ready.get() == 5);
    assertThat(start).isNotDone();
    assertThat(flow.state()).isEqualTo(Flow.State.STARTING);
    permits.release();

    valueOf(start);
    assertThat(flow.state()).isEqualTo(Flow.State.RUNNING);
    flow.close();
  }

  private static boolean isParked(String name) {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(
            thread -> thread.getName().equals(name) && thread.getState() == Thread.State.WAITING);
  }

  @Test
  void startThatTakesTooLongFails() {
    VirtualTime time = new VirtualTime();
    GatedHandler<String> fast = GatedHandler.opened();
    CountDownLatch starting = new CountDownLatch(2);
    AtomicInteger interrupted = new AtomicInteger();
    CountDownLatch never = new CountDownLatch(1);
    Flow<String, String> flow =
        Flow.<String>builder("late")
            .timeSource(time)
            .step("fast", fast)
            .stepPerWorker(
                "slow",
                () ->
                    startingWith(
                        () -> {
                          starting.countDown();
                          try {
                            never.await();
                          } finally {
                            interrupted.incrementAndGet();
                          }
                        }),
                step -> step.workers(Workers.threads(2)))
            .build();

    CompletableFuture<Void> start = aside(() -> flow.start(Duration.ofSeconds(3)));
    awaitThat("the fast worker waits for work", () -> isParked("headrace-late-fast-1"));
    FlowProbes.awaitLatch("the slow workers start", starting);
    awaitThat("the alarm is set", () -> time.alarms() == 1);
    time.advance(Duration.ofSeconds(3).minusNanos(1));
    assertThat(start).isNotDone();
    time.advance(Duration.ofNanos(1));

    assertThat(failureOf(start))
        .isInstanceOf(StartException.class)
        .hasMessage(
            "late has not started within PT3S: 2 workers of step slow of late were not ready")
        .hasNoCause();
    assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
    awaitNoThreadsOf("late");
    assertThat(interrupted).hasValue(2);
    assertThat(fast.closedOn).hasSize(1);
    assertThat(failureOf(flow.submit("item")))
        .isInstanceOf(StoppedException.class)
        .hasMessage("late is FAILED");
    assertThat(time.alarms()).isZero();
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void failureOfTheHandlerComesOutOfStartAtOnce(Workers workers) {
    IOException failure = new IOException("no such model");
    CountDownLatch never = new CountDownLatch(1);
    GatedHandler<String> first = GatedHandler.opened();
    Flow<String, String> flow =
        Flow.<String>builder("broken")
            .step("first", first)
            .step(
                "second",
                startingWith(
                    () -> {
                      throw failure;
                    }),
                step -> step.workers(workers))
            .step("third", FlowStartTest.<String>startingWith(never::await))
            .build();

    assertThatExceptionOfType(StartException.class)
        .isThrownBy(flow::start)
        .withMessage(
            "the handler of step second of broken failed to start: java.io.IOException: no such"
                + " model")
        .withCause(failure);
    assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
    awaitNoThreadsOf("broken");
    assertThat(first.closedOn).hasSize(first.starts.get());
  }

  @ParameterizedTest
  @MethodSource("limited")
  void failureOfAFactoryComesOutOfStart(Workers workers) {
    IllegalStateException failure = new IllegalStateException("no device left");
    GatedHandler<String> first = GatedHandler.opened();
    AtomicInteger calls = new AtomicInteger();
    Flow<String, String> flow =
        Flow.<String>builder("factory")
            .step("first", first)
            .stepPerWorker(
                "second",
                () -> {
                  calls.incrementAndGet();
                  throw failure;
                },
                step -> step.workers(workers))
            .<String>step("third", items -> List.of())
            .build();

    assertThat(calls).as("calls before the flow starts").hasValue(0);
    assertThatExceptionOfType(StartException.class).isThrownBy(flow::start).withCause(failure);
    assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
    awaitNoThreadsOf("factory");
    assertThat(first.closedOn).hasSize(first.starts.get());
  }

  @ParameterizedTest
  @MethodSource("limited")
  void factoryThatMakesNothingFailsTheStart(Workers workers) {
    Flow<String, String> flow =
        Flow.<String>builder("nothing")
            .<String>stepPerWorker("only", () -> null, step -> step.workers(workers))
            .build();

    assertThatExceptionOfType(StartException.class)
        .isThrownBy(flow::start)
        .withMessageContaining("step only of nothing")
        .withCauseInstanceOf(NullPointerException.class);
    awaitNoThreadsOf("nothing");
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void errorOfTheHandlerFailsTheStart(Workers workers) {
    NoClassDefFoundError error = new NoClassDefFoundError("libmodel");
    AtomicInteger closes = new AtomicInteger();
    Handler<String, String> handler =
        new Handler<>() {
          @Override
          public void onStart() {
            throw error;
          }

          @Override
          public List<String> handle(List<String> items) {
            return items;
          }

          @Override
          public void close() {
            closes.incrementAndGet();
          }
        };
    Flow<String, String> flow =
        Flow.<String>builder("error").step("only", handler, step -> step.workers(workers)).build();

    assertThatThrownBy(flow::start).isInstanceOf(StartException.class).hasCause(error);
    awaitNoThreadsOf("error");
    awaitThat("the handler is closed, once", () -> closes.get() == 1);
  }

  @Test
  void handlerThatServesAllWorkersIsStartedOnceAndOthersOnEachThread() throws Exception {
    GatedHandler<String> shared = GatedHandler.opened();
    List<Thread> threads = new CopyOnWriteArrayList<>();
    Flow<String, String> flow =
        Flow.<String>builder("counts")
            .step("shared", shared, step -> step.workers(Workers.threads(3)))
            .stepPerWorker(
                "each",
                () -> startingWith(() -> threads.add(Thread.currentThread())),
                step -> step.workers(Workers.threads(3)))
            .build();

    flow.start();

    assertThat(shared.starts).hasValue(1);
    assertThat(threads.stream().map(Thread::getName))
        .containsExactlyInAnyOrder(
            "headrace-counts-each-1", "headrace-counts-each-2", "headrace-counts-each-3");
    assertThat(threads).allMatch(Thread::isDaemon);
    assertThat(threadsOf("counts")).hasSize(6);
    flow.close();
    awaitNoThreadsOf("counts");
    assertThat(shared.closedOn).hasSize(1);
  }

  @Test
  void flowStartsOnce() throws Exception {
    Flow<String, String> flow = Flow.<String>builder("once").step("s", items -> items).build();

    flow.start();
    assertThatIllegalStateException()
        .isThrownBy(flow::start)
        .withMessage("once is RUNNING, a flow starts once");
    assertThat(threadsOf("once")).hasSize(1);
    flow.close();
    assertThatIllegalStateException()
        .isThrownBy(flow::start)
        .withMessage("once is STOPPED, a flow starts once");
  }

  @Test
  void itemsAreRefusedWhileTheFlowDoesNotRun() throws Exception {
    Semaphore permit = new Semaphore(0);
    Flow<String, String> flow =
        Flow.<String>builder("idle")
            .step("s", FlowStartTest.<String>startingWith(permit::acquire))
            .build();

    assertThat(failureOf(flow.submit("early")))
        .isInstanceOf(StoppedException.class)
        .hasMessage("idle is NEW, it has to be started");
    CompletableFuture<Void> start = aside(flow::start);
    awaitThat("the flow starts", () -> flow.state() == Flow.State.STARTING);
    assertThat(failureOf(flow.submit("early")))
        .isInstanceOf(StoppedException.class)
        .hasMessage("idle is STARTING");
    permit.release();
    valueOf(start);
    assertThat(flow.call("now")).isEqualTo("now");
    flow.close();
    assertThat(failureOf(flow.submit("late")))
        .isInstanceOf(StoppedException.class)
        .hasMessage("idle is STOPPED");
    assertThatExceptionOfType(StoppedException.class).isThrownBy(() -> flow.call("late"));
    assertThat(flow.submitAll(List.of("a", "b")))
        .allSatisfy(future -> assertThat(failureOf(future)).isInstanceOf(StoppedException.class));
  }

  @Test
  void interruptedStartFails() {
    CountDownLatch never = new CountDownLatch(1);
    Flow<String, String> flow =
        Flow.<String>builder("interrupted")
            .step("s", FlowStartTest.<String>startingWith(never::await))
            .build();
    CompletableFuture<Void> start = new CompletableFuture<>();
    Thread starter =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    flow.start();
                  } catch (Throwable failure) {
                    start.completeExceptionally(failure);
                  }
                });
    awaitThat("the flow starts", () -> flow.state() == Flow.State.STARTING);

    starter.interrupt();

    assertThat(failureOf(start)).isInstanceOf(InterruptedException.class);
    assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
    awaitNoThreadsOf("interrupted");
  }

  @Test
  void workersAreIdleWhenStartReturns() throws Exception {
    for (int i = 0; i < 200; i++) {
      VirtualTime time = new VirtualTime();
      SteppedExecutor stepped = new SteppedExecutor();
      Flow<Integer, Integer> flow =
          Flow.<Integer>builder("idle")
              .timeSource(time)
              .<Integer>step(
                  "s", items -> items, step -> step.workers(Workers.executor(stepped, 2)))
              .build()
              .start();

      CompletableFuture<Integer> future = flow.submit(i);

      assertThat(stepped.runAll()).isEqualTo(1);
      assertThat(future).isCompletedWithValue(i);
      flow.close();
    }
  }

  @ParameterizedTest
  @MethodSource("everyKind")
  void startThatFailsInterruptsHandlersThatStart(Workers workers) {
    CountDownLatch starting = new CountDownLatch(1);
    VirtualTime time = new VirtualTime();
    Semaphore never = new Semaphore(0);
    Flow<String, String> flow =
        Flow.<String>builder("hanging")
            .timeSource(time)
            .step(
                "s",
                FlowStartTest.<String>startingWith(
                    () -> {
                      starting.countDown();
                      never.acquire();
                    }),
                step -> step.workers(workers))
            .build();
    CompletableFuture<Void> start = aside(() -> flow.start(Duration.ofSeconds(1)));
    FlowProbes.awaitLatch("the handler starts", starting);
    awaitThat("the start has an alarm", () -> time.alarms() == 1);
    time.advance(Duration.ofSeconds(1));

    assertThat(failureOf(start)).isInstanceOf(StartException.class);
    valueOf(aside(flow::close));
  }

  @Test
  void startThatFailsDoesNotWaitForHandlersThatClose() throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    for (Workers workers : everyKind().toList()) {
      Flow<String, String> flow =
          Flow.<String>builder("slow")
              .step(
                  "slow",
                  new Handler<String, String>() {
                    @Override
                    public List<String> handle(List<String> items) {
                      return items;
                    }

                    @Override
                    public void close() {
                      FlowProbes.awaitLatch("the handler may close", gate);
                    }
                  },
                  step -> step.workers(workers))
              .step(
                  "broken",
                  FlowStartTest.<String>startingWith(
                      () -> {
                        throw new IOException("no such model");
                      }))
              .build();

      assertThat(failureOf(aside(flow::start))).isInstanceOf(StartException.class);
    }
    gate.countDown();
  }

  @Test
  void startThatFindsNoThreadsEnds() {
    OutOfMemoryError noThread = new OutOfMemoryError("unable to create native thread");
    GatedHandler<String> inline = GatedHandler.opened();
    Flow<String, String> flow =
        new Flow<>(
            new FlowPlan<>(
                "threads",
                List.of(
                    step(
                        () -> {
                          throw noThread;
                        },
                        Workers.threads(1)),
                    step(Swappable.shared(Handling.of(inline)), Workers.inline())),
                1,
                TimeSource.system(),
                List.of(),
                List.of(),
                0,
                0));

    assertThat(failureOf(aside(flow::start)))
        .isInstanceOf(StartException.class)
        .hasMessage("threads could not start its workers: " + noThread);
    valueOf(aside(flow::close));
    assertThat(inline.starts).hasValue(0);
    assertThat(inline.closedOn).isEmpty();
  }

  private static Step step(Supplier<Swappable> handlers, Workers workers) {
    return new Step(
        "s",
        null,
        handlers,
        true,
        BatchPolicy.DEFAULT,
        BatchPolicy.DEFAULT.maxSize(),
        workers,
        10,
        OnFull.fail(),
        null,
        1);
  }

  @Test
  void startWhoseClockThrowsFails() {
    IllegalStateException broken = new IllegalStateException("no alarm");
    TimeSource clock =
        new TimeSource() {
          @Override
          public long nanoTime() {
            return System.nanoTime();
          }

          @Override
          public Alarm schedule(long delayNanos, Runnable task) {
            throw broken;
          }

          @Override
          public void execute(Runnable task) {
            task.run();
          }
        };
    GatedHandler<String> handler = GatedHandler.opened();
    Flow<String, String> flow =
        Flow.<String>builder("clock").timeSource(clock).step("s", handler).build();

    assertThatThrownBy(flow::start).isSameAs(broken);
    assertThat(flow.state()).isEqualTo(Flow.State.FAILED);
    awaitNoThreadsOf("clock");
    assertThat(handler.closedOn).hasSize(handler.starts.get());
  }
}
