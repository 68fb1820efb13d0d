package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.CoalescerProbes.Gate;
import io.headrace.CoalescerProbes.Stages;
import io.headrace.testkit.SteppedExecutor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who shares an execution with whom, and what all receive. */
class CoalescerTest {
  private final Stages<Object, Object> stages = new Stages<>();
  private final Coalescer<Object, Object> coalescer = Coalescer.ofAsync(stages);

  /** As in the tests of async-reduce: one execution per round, all results equal. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 10, 100, 1000})
  void callsInFlightShareOneExecutionAndTheNextExecutesAgain(int calls) {
    for (int round = 1; round <= 2; round++) {
      List<CompletableFuture<Object>> futures =
          IntStream.range(0, calls).mapToObj(i -> coalescer.submit("key")).toList();
      assertThat(stages.executions()).isEqualTo(round);
      Object result = new Object();
      stages.last().complete(result);
      assertThat(futures).allMatch(future -> future.join() == result);
      assertThat(coalescer.keys()).isZero();
    }
  }

  /** It begins at once, and a late look still finds the result. */
  @Test
  void anExecutionBeginsBeforeAnybodyWaits() {
    CompletableFuture<Object> future = coalescer.submit("key");
    assertThat(stages.executions()).isEqualTo(1);
    stages.last().complete("result");
    assertThat(future.join()).isEqualTo("result");
    assertThat(future.join()).isEqualTo("result");
  }

  /** The function of a call that joins is not called, for the key alone decides. */
  @Test
  void aCallThatJoinsDoesNotCallItsFunction() {
    AtomicInteger called = new AtomicInteger();
    CompletableFuture<Object> first = coalescer.submitAsync("key", () -> stages.execute("a"));
    CompletableFuture<Object> second = coalescer.submit("key", called::incrementAndGet);
    CompletableFuture<Object> third = coalescer.submit("key");
    stages.last().complete("result");
    assertThat(List.of(first.join(), second.join(), third.join())).containsOnly("result");
    assertThat(called).hasValue(0);
    assertThat(stages.arguments).containsExactly("a");
  }

  private record Colliding(String name) {
    @Override
    public int hashCode() {
      return 7;
    }
  }

  /** async-reduce joins keys of equal hash and gives wrong results. */
  @Test
  void keysOfEqualHashAreDifferent() {
    assertThat("Aa".hashCode()).isEqualTo("BB".hashCode());
    List<Object> keys =
        List.of(
            -1, -2, 0, 0L, 1, 1L, 1.0, true, "Aa", "BB", new Colliding("a"), new Colliding("b"));
    List<CompletableFuture<Object>> futures = keys.stream().map(coalescer::submit).toList();
    assertThat(stages.executions()).isEqualTo(keys.size());
    assertThat(coalescer.keys()).isEqualTo(keys.size());
    IntStream.range(0, keys.size()).forEach(i -> stages.stages.get(i).complete(keys.get(i)));
    assertThat(futures.stream().map(CompletableFuture::join)).isEqualTo(keys);
    assertThat(coalescer.keys()).isZero();
  }

  /** The scope is the coalescer, whatever the function is called. */
  @Test
  void differentCoalescersNeverShare() {
    Coalescer<Object, Object> other = Coalescer.ofAsync(stages);
    coalescer.submit("key");
    other.submit("key");
    assertThat(stages.executions()).isEqualTo(2);
  }

  /** async-reduce has no key function. */
  @Test
  void aKeyFunctionSaysWhatIsIdentical() {
    Coalescer<String, Object> byLength =
        Coalescer.<String, Object>asyncBuilder(stages).keyedBy(String::length).build();
    CompletableFuture<Object> one = byLength.submit("one");
    CompletableFuture<Object> two = byLength.submit("two");
    CompletableFuture<Object> three = byLength.submit("three");
    CompletableFuture<Object> adHoc = byLength.submit(3, () -> "not called");
    assertThat(stages.arguments).containsExactly("one", "three");
    stages.stages.get(0).complete("of 3");
    stages.stages.get(1).complete("of 5");
    assertThat(one.join()).isEqualTo("of 3");
    assertThat(two.join()).isEqualTo("of 3");
    assertThat(three.join()).isEqualTo("of 5");
    assertThat(adHoc.join()).isEqualTo("of 3");
  }

  @Test
  void aBlockingFunctionRunsOnAVirtualThreadOfItsName() throws Exception {
    Gate<String, Thread> gate = new Gate<>(key -> Thread.currentThread());
    Coalescer<String, Thread> blocking =
        Coalescer.<String, Thread>builder(gate).name("users").build();
    CompletableFuture<Thread> called = CoalescerProbes.inThread(() -> blocking.call("key"));
    gate.entered.await();
    CompletableFuture<Thread> submitted = blocking.submit("key");
    assertThat(submitted).isNotDone();
    gate.open();
    assertThat(submitted.join()).isSameAs(called.join());
    assertThat(submitted.join().isVirtual()).isTrue();
    assertThat(submitted.join().getName()).isEqualTo("users");
  }

  /** The execution runs in the context of the call that began it. */
  @Test
  void theThreadInheritsFromTheCallerThatBegins() throws Exception {
    InheritableThreadLocal<String> context = new InheritableThreadLocal<>();
    context.set("of the caller");
    assertThat(Coalescer.of(key -> context.get()).call("key")).isEqualTo("of the caller");
    context.remove();
  }

  @Test
  void anExecutorRunsBlockingFunctions() {
    SteppedExecutor executor = new SteppedExecutor();
    Coalescer<String, String> stepped =
        Coalescer.<String, String>builder(key -> key + "!").executor(executor).build();
    CompletableFuture<String> first = stepped.submit("a");
    CompletableFuture<String> second = stepped.submit("a");
    CompletableFuture<String> other = stepped.submit("b");
    assertThat(executor.pending()).isEqualTo(2);
    executor.runAll();
    assertThat(List.of(first.join(), second.join(), other.join()))
        .containsExactly("a!", "a!", "b!");
  }

  @Test
  void theCallersThreadCanBeTheExecutor() throws Exception {
    Coalescer<String, Thread> inline =
        Coalescer.<String, Thread>builder(key -> Thread.currentThread())
            .executor(Runnable::run)
            .build();
    assertThat(inline.call("key")).isSameAs(Thread.currentThread());
  }

  @Test
  void nullIsAResultAsAnyOther() throws Exception {
    assertThat(Coalescer.of(key -> null).call("key")).isNull();
    assertThat(coalescer.call("key", () -> null)).isNull();
    CompletableFuture<Object> future = coalescer.submit("key");
    stages.last().complete(null);
    assertThat(future.join()).isNull();
  }

  @Test
  void aStageThatIsCompleteIsDelivered() throws Exception {
    AtomicInteger executions = new AtomicInteger();
    Coalescer<String, Integer> complete =
        Coalescer.ofAsync(key -> CompletableFuture.completedFuture(executions.incrementAndGet()));
    assertThat(complete.call("key")).isEqualTo(1);
    assertThat(complete.submit("key").join()).isEqualTo(2);
    assertThat(complete.keys()).isZero();
  }

  /** A joined call continues before a later one: first come, first served. */
  @Test
  void futuresCompleteInTheOrderOfTheCalls() {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      int number = i;
      coalescer.submit("key").thenAccept(result -> order.add(number));
    }
    stages.last().complete("result");
    assertThat(order).containsExactly(0, 1, 2, 3, 4);
  }

  /** What a continuation calls belongs to the next execution. */
  @Test
  void aContinuationExecutesAgain() {
    CompletableFuture<Object> second =
        coalescer.submit("key").thenCompose(result -> coalescer.submit("key"));
    stages.last().complete("first");
    assertThat(stages.executions()).isEqualTo(2);
    stages.last().complete("second");
    assertThat(second.join()).isEqualTo("second");
  }

  @Test
  void itStandsBeforeAnotherService() throws Exception {
    HeldBatches<String> held = new HeldBatches<>();
    try (Batcher<String, String> batcher =
        Batcher.<String, String>asyncBuilder(held)
            .workers(Workers.inline())
            .priorities(2)
            .build()) {
      Coalescer<String, String> around = Coalescer.around(batcher);
      List<String> steps = new ArrayList<>();
      CallOptions options =
          CallOptions.priority(1)
              .withTimeout(Duration.ofHours(1))
              .withListener((step, size, queue, handle) -> steps.add(step));
      CompletableFuture<String> first = around.submit("a", options);
      CompletableFuture<String> second = around.submit("a");
      assertThat(held.items()).containsExactly("a");
      held.answerAll();
      assertThat(first.join()).isEqualTo(second.join());
      assertThat(steps).containsExactly("batcher");
      assertThatThrownBy(() -> around.call("b", CallOptions.priority(2)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasCauseInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aServiceOfAServiceIsAService() throws Exception {
    Service<Integer, Integer> service = Coalescer.of(number -> number + 1);
    assertThat(service.submitAll(List.of(1, 2)).stream().map(CompletableFuture::join))
        .containsExactly(2, 3);
    assertThat(service.call(3)).isEqualTo(4);
  }

  /** Counted by hand: how many executions a map of calls makes in any order. */
  @Test
  void everyKeyHasItsOwnExecution() {
    Map<Integer, Integer> callsByKey = Map.of(1, 3, 2, 1, 3, 5);
    callsByKey.forEach(
        (key, calls) -> IntStream.range(0, calls).forEach(i -> coalescer.submit(key)));
    assertThat(stages.arguments).containsExactlyInAnyOrder(1, 2, 3);
    assertThat(coalescer).hasToString("coalescer with 3 keys");
  }
}
