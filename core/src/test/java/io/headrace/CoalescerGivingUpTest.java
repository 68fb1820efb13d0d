package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.CoalescerProbes.Gate;
import io.headrace.CoalescerProbes.Stages;
import io.headrace.testkit.SteppedExecutor;
import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Callers that no longer want the outcome. */
class CoalescerGivingUpTest {
  private static final CallOptions SECOND = CallOptions.timeout(Duration.ofSeconds(1));

  private final VirtualTime time = new VirtualTime();
  private final Stages<String, String> stages = new Stages<>();

  private CoalescerBuilder<String, String> builder() {
    return Coalescer.<String, String>asyncBuilder(stages).timeSource(time);
  }

  private Coalescer<String, String> cancelling() {
    return builder().whenAbandoned(WhenAbandoned.CANCEL).build();
  }

  /** One caller, the first or another, does not disturb the others nor the execution. */
  @Test
  void aCallerThatCancelsDisturbsNobody() {
    for (Coalescer<String, String> coalescer : List.of(builder().build(), cancelling())) {
      CompletableFuture<String> first = coalescer.submit("key");
      CompletableFuture<String> second = coalescer.submit("key");
      CompletableFuture<String> third = coalescer.submit("key");
      assertThat(first.cancel(true)).isTrue();
      assertThat(third.cancel(false)).isTrue();
      assertThat(stages.last()).isNotDone();
      stages.last().complete("result");
      assertThat(second.join()).isEqualTo("result");
      assertThat(first).isCancelled();
      assertThat(third).isCancelled();
    }
  }

  /** It runs on with nobody waiting, and a late caller joins it. A failure then is silent. */
  @Test
  void anExecutionRunsOnWithoutCallers() {
    Coalescer<String, String> coalescer = builder().build();
    coalescer.submit("key").cancel(true);
    assertThat(stages.last()).isNotDone();
    CompletableFuture<String> late = coalescer.submit("key");
    stages.last().complete("result");
    assertThat(late.join()).isEqualTo("result");
    coalescer.submit("key").cancel(true);
    try (LogCapture log = new LogCapture()) {
      stages.last().completeExceptionally(new IllegalStateException("failed"));
      assertThat(log.messages()).isEmpty();
    }
    assertThat(coalescer.keys()).isZero();
  }

  /** async-reduce has no timeouts. */
  @Test
  void aTimeoutEndsItsOwnCallOnly() {
    Coalescer<String, String> coalescer = builder().build();
    CompletableFuture<String> hasty = coalescer.submit("key", SECOND);
    CompletableFuture<String> patient =
        coalescer.submit("key", CallOptions.timeout(Duration.ofSeconds(3)));
    CompletableFuture<String> endless = coalescer.submit("key");
    time.advance(Duration.ofMillis(999));
    assertThat(hasty).isNotDone();
    time.advance(Duration.ofMillis(1));
    assertThat(hasty.exceptionNow())
        .isInstanceOf(DeadlineExceededException.class)
        .hasMessage("coalescer had no result within PT1S");
    stages.last().complete("result");
    assertThat(patient.join()).isEqualTo("result");
    assertThat(endless.join()).isEqualTo("result");
    assertThat(time.alarms()).isZero();
    assertThat(stages.executions()).isEqualTo(1);
  }

  @Test
  void aCallThatBringsItsFunctionHasATimeoutOfItsOwn() throws Exception {
    Coalescer<String, String> coalescer = builder().build();
    CompletableFuture<String> endless = coalescer.submitAsync("own", () -> stages.execute("own"));
    CompletableFuture<String> async =
        coalescer.submitAsync("own", () -> stages.execute("own"), SECOND);
    CompletableFuture<String> blocking = coalescer.submit("own", () -> "never", SECOND);
    time.advance(Duration.ofSeconds(1));
    assertThat(async.exceptionNow()).isInstanceOf(DeadlineExceededException.class);
    assertThat(blocking.exceptionNow()).isInstanceOf(DeadlineExceededException.class);
    stages.last().complete("result");
    assertThat(endless.join()).isEqualTo("result");
    assertThat(coalescer.call("own", () -> "own", SECOND)).isEqualTo("own");
    assertThatThrownBy(
            () -> coalescer.submit("own", () -> "own", CallOptions.DEFAULT.withPriority(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("priority is 1, coalescer has only 0");
  }

  @Test
  void aCallThatIsAnsweredAtOnceSetsNoAlarm() {
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>builder(key -> key)
            .executor(Runnable::run)
            .timeSource(time)
            .build();
    assertThat(coalescer.submit("key", SECOND).join()).isEqualTo("key");
    assertThat(time.alarms()).isZero();
  }

  @Test
  void aTimeoutEndsABlockingCall() {
    Coalescer<String, String> coalescer = Coalescer.ofAsync(stages);
    assertThatThrownBy(() -> coalescer.call("key", CallOptions.timeout(Duration.ofMillis(10))))
        .isInstanceOf(DeadlineExceededException.class);
    assertThat(coalescer.keys()).isEqualTo(1);
  }

  @Test
  void anInterruptedCallerGivesUpAlone() throws Exception {
    Gate<String, String> gate = new Gate<>(key -> "result");
    Coalescer<String, String> coalescer = Coalescer.of(gate);
    CompletableFuture<Thread> thread = new CompletableFuture<>();
    CompletableFuture<String> interrupted =
        CoalescerProbes.inThread(
            () -> {
              thread.complete(Thread.currentThread());
              return coalescer.call("key");
            });
    gate.entered.await();
    CompletableFuture<String> other = coalescer.submit("key");
    thread.join().interrupt();
    assertThatThrownBy(interrupted::get).hasRootCauseInstanceOf(InterruptedException.class);
    gate.open();
    assertThat(other.join()).isEqualTo("result");
  }

  /** Each way in which a caller can say that it needs no outcome. */
  static Stream<Consumer<CompletableFuture<String>>> waysToGiveUp() {
    return Stream.of(
        future -> future.cancel(true),
        future -> future.complete("own"),
        future -> future.completeExceptionally(new IllegalStateException("own")),
        future -> future.completeAsync(() -> "own", Runnable::run),
        future ->
            future.completeAsync(
                () -> {
                  throw new IllegalStateException("own");
                },
                Runnable::run));
  }

  @ParameterizedTest
  @MethodSource("waysToGiveUp")
  void theLastCallerThatLeavesCancelsTheExecution(Consumer<CompletableFuture<String>> giveUp) {
    Coalescer<String, String> coalescer = cancelling();
    CompletableFuture<String> first = coalescer.submit("key");
    CompletableFuture<String> second = coalescer.submit("key");
    giveUp.accept(first);
    giveUp.accept(first);
    assertThat(stages.last()).isNotDone();
    CompletableFuture<String> third = coalescer.submit("key");
    giveUp.accept(second);
    assertThat(stages.last()).isNotDone();
    giveUp.accept(third);
    assertThat(stages.last()).isCancelled();
    assertThat(coalescer.keys()).isZero();
    CompletableFuture<String> next = coalescer.submit("key");
    assertThat(stages.executions()).isEqualTo(2);
    stages.last().complete("result");
    assertThat(next.join()).isEqualTo("result");
  }

  @Test
  void theLastTimeoutCancelsTheExecution() {
    Coalescer<String, String> coalescer = cancelling();
    coalescer.submit("key", SECOND);
    coalescer.submit("key", SECOND);
    time.advance(Duration.ofSeconds(1));
    assertThat(stages.last()).isCancelled();
    assertThat(time.alarms()).isZero();
  }

  @Test
  void orTimeoutCountsAsGivingUp() {
    Coalescer<String, String> coalescer = cancelling();
    CompletableFuture<String> future = coalescer.submit("key").orTimeout(1, TimeUnit.MILLISECONDS);
    assertThatThrownBy(future::join)
        .hasRootCauseInstanceOf(java.util.concurrent.TimeoutException.class);
    Awaitility.await().until(() -> stages.last().isCancelled());
  }

  @Test
  void aBlockingFunctionIsInterrupted() throws Exception {
    Gate<String, String> gate = new Gate<>(key -> "result");
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>builder(gate).whenAbandoned(WhenAbandoned.CANCEL).build();
    CompletableFuture<String> future = coalescer.submit("key");
    gate.entered.await();
    future.cancel(true);
    gate.interrupted.await();
    assertThat(coalescer.keys()).isZero();
    gate.open();
    assertThat(coalescer.call("key")).isEqualTo("result");
  }

  /** A function that ignores its interrupt: a new call does not join it, nor wait for it. */
  @Test
  void aNewCallNeverJoinsADyingExecution() throws Exception {
    List<CompletableFuture<String>> results = new ArrayList<>();
    CompletableFuture<Integer> secondBegan = new CompletableFuture<>();
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>builder(
                key -> {
                  CompletableFuture<String> result = new CompletableFuture<>();
                  synchronized (results) {
                    results.add(result);
                    if (results.size() == 2) {
                      secondBegan.complete(2);
                    }
                  }
                  return result.join(); // does not end when it is interrupted
                })
            .whenAbandoned(WhenAbandoned.CANCEL)
            .build();
    CompletableFuture<String> first = coalescer.submit("key");
    Awaitility.await().until(() -> results.size() == 1);
    first.cancel(true);
    CompletableFuture<String> second = coalescer.submit("key");
    secondBegan.join();
    results.get(0).complete("old");
    assertThat(second).isNotDone();
    results.get(1).complete("new");
    assertThat(second.get()).isEqualTo("new");
  }

  @Test
  void oneThatWaitsInAnExecutorDoesNotBegin() {
    SteppedExecutor executor = new SteppedExecutor();
    List<String> executed = new ArrayList<>();
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>builder(
                key -> {
                  executed.add(key);
                  return key;
                })
            .executor(executor)
            .whenAbandoned(WhenAbandoned.CANCEL)
            .build();
    coalescer.submit("a").cancel(true);
    CompletableFuture<String> second = coalescer.submit("a");
    executor.runAll();
    assertThat(executed).containsExactly("a");
    assertThat(second.join()).isEqualTo("a");
  }

  /** The thread is the executor's again: an interrupt does not stay behind. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anInterruptEndsWithItsExecution(boolean isHeeded) {
    SteppedExecutor executor = new SteppedExecutor();
    List<CompletableFuture<String>> futures = new ArrayList<>();
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>builder(
                key -> {
                  futures.getFirst().cancel(true);
                  if (isHeeded) {
                    new CountDownLatch(1).await();
                  }
                  return "ignored its interrupt";
                })
            .executor(executor)
            .whenAbandoned(WhenAbandoned.CANCEL)
            .build();
    futures.add(coalescer.submit("key"));
    executor.runAll();
    assertThat(Thread.interrupted()).isFalse();
    assertThat(futures.getFirst()).isCancelled();
  }

  @ParameterizedTest
  @EnumSource(WhenAbandoned.class)
  void anInterruptOfTheCallerIsNotLostInItsExecution(WhenAbandoned whenAbandoned) {
    Coalescer<String, String> blocking =
        Coalescer.<String, String>builder(
                key -> {
                  new CountDownLatch(1).await();
                  return key;
                })
            .executor(Runnable::run)
            .whenAbandoned(whenAbandoned)
            .build();
    Coalescer<String, String> asynchronous =
        Coalescer.<String, String>asyncBuilder(
                key -> {
                  new CountDownLatch(1).await();
                  return CompletableFuture.completedFuture(key);
                })
            .whenAbandoned(whenAbandoned)
            .build();
    for (Coalescer<String, String> coalescer : List.of(blocking, asynchronous)) {
      Thread.currentThread().interrupt();
      CompletableFuture<String> future = coalescer.submit("key");
      assertThat(Thread.interrupted()).isTrue();
      assertThat(future.exceptionNow()).isInstanceOf(InterruptedException.class);
    }
  }

  @Test
  void aStageThatCannotBeCancelledRunsOn() {
    CompletableFuture<String> source = new CompletableFuture<>();
    CompletionStage<String> minimal = source.minimalCompletionStage();
    Coalescer<String, String> coalescer =
        Coalescer.<String, String>asyncBuilder(key -> minimal)
            .whenAbandoned(WhenAbandoned.CANCEL)
            .build();
    coalescer.submit("key").cancel(true);
    assertThat(coalescer.keys()).isZero();
    assertThat(source.complete("for nobody")).isTrue();
  }

  /** A stuck execution whose callers come and go holds only those that still wait. */
  @Test
  void callsThatWereGivenUpAreNotKept() {
    Coalescer<String, String> coalescer = builder().build();
    CoalescedCall first = (CoalescedCall) (Object) coalescer.submit("key");
    SharedExecution execution = first.execution;
    List<CompletableFuture<String>> patient = new ArrayList<>();
    for (int i = 0; i < 10_000; i++) {
      if (i % 1_000 == 0) {
        patient.add(coalescer.submit("key"));
      }
      coalescer.submit("key").cancel(true);
    }
    assertThat(execution.linked()).isLessThan(patient.size() + 2 * SharedCalls.SWEEP_AT_LEAST);
    stages.last().complete("result");
    assertThat(patient).allMatch(future -> future.join().equals("result"));
    assertThat(first).isDone();
    assertThat(first.execution).as("a future that is kept keeps no key").isNull();
    assertThat(first.next).as("nor other futures").isNull();
  }

  @Test
  void aCancelledCallKnowsThatItIsCancelled() {
    Coalescer<String, String> coalescer = builder().build();
    CompletableFuture<String> future = coalescer.submit("key");
    future.cancel(true);
    assertThatThrownBy(future::join).isInstanceOf(CancellationException.class);
    assertThat(future.cancel(true)).isTrue();
    stages.last().complete("result");
    CompletableFuture<String> done = coalescer.submit("key");
    stages.last().complete("result");
    assertThat(done.cancel(true)).isFalse();
    assertThat(done.join()).isEqualTo("result");
  }
}
