package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The four verbs when all goes well. */
class RunTest {
  private static final List<Integer> THIRTY = IntStream.range(0, 30).boxed().toList();

  /** Counts how many of its tasks run at once. */
  private static final class Gauge {
    final AtomicInteger running = new AtomicInteger();
    final AtomicInteger most = new AtomicInteger();
    final Set<Integer> done = ConcurrentHashMap.newKeySet();

    int run(int input) {
      most.accumulateAndGet(running.incrementAndGet(), Math::max);
      Thread.onSpinWait();
      running.decrementAndGet();
      done.add(input);
      return input * 10;
    }

    Task<Integer, Integer> blocking() {
      return this::run;
    }

    Task<Integer, Integer> async() {
      return Task.async(input -> CompletableFuture.supplyAsync(() -> run(input)));
    }

    void assertWithin(int limit) {
      assertThat(most.get()).isBetween(1, limit);
      assertThat(running).hasValue(0);
    }
  }

  private static List<Integer> tens(List<Integer> inputs) {
    return inputs.stream().map(input -> input * 10).toList();
  }

  /** Of the tests of aiometer: 30 jobs, never more at once than the limit. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 10, 20})
  void runOnEachRunsAllWithinTheLimit(int limit) throws Exception {
    for (boolean async : new boolean[] {false, true}) {
      Gauge gauge = new Gauge();
      Throttle.atMost(limit).over(THIRTY).runOnEach(async ? gauge.async() : gauge.blocking());
      assertThat(gauge.done).containsAll(THIRTY);
      gauge.assertWithin(limit);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 10, 20})
  void runAllReturnsAllInOrderWithinTheLimit(int limit) throws Exception {
    for (boolean async : new boolean[] {false, true}) {
      Gauge gauge = new Gauge();
      assertThat(
              Throttle.atMost(limit).over(THIRTY).runAll(async ? gauge.async() : gauge.blocking()))
          .isEqualTo(tens(THIRTY));
      gauge.assertWithin(limit);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 10, 20})
  void mapGivesAllWithinTheLimit(int limit) {
    for (boolean async : new boolean[] {false, true}) {
      Gauge gauge = new Gauge();
      try (Results<Integer> results =
          Throttle.atMost(limit).over(THIRTY).map(async ? gauge.async() : gauge.blocking())) {
        assertThat(results.stream()).containsExactlyInAnyOrderElementsOf(tens(THIRTY));
      }
      gauge.assertWithin(limit);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 10, 20})
  void runAnyGivesOneWithinTheLimit(int limit) throws Exception {
    for (boolean async : new boolean[] {false, true}) {
      Gauge gauge = new Gauge();
      assertThat(
              Throttle.atMost(limit).over(THIRTY).runAny(async ? gauge.async() : gauge.blocking()))
          .isIn(tens(THIRTY));
      assertThat(gauge.most.get()).isBetween(1, limit);
    }
  }

  @Test
  void theLimitIsUsed() throws Exception {
    CyclicBarrier allFive = new CyclicBarrier(5);
    Throttle.atMost(5).over(THIRTY).runOnEach(_ -> allFive.await());
    assertThat(allFive.getNumberWaiting()).isZero();
  }

  @Test
  void withoutLimitAllRunAtOnce() throws Exception {
    CyclicBarrier all = new CyclicBarrier(1000);
    List<Integer> inputs = IntStream.range(0, 1000).boxed().toList();
    assertThat(Throttle.unlimited().over(inputs).runAll(_ -> all.await())).hasSize(1000);
  }

  /** Results are in input order whatever the speed, and tasks start in input order. */
  @Test
  void runAllKeepsTheOrderWhenTheFirstIsTheLast() throws Exception {
    CountDownLatch others = new CountDownLatch(29);
    List<Integer> results =
        Throttle.atMost(2)
            .over(THIRTY)
            .runAll(
                input -> {
                  if (input == 0) {
                    others.await();
                  } else {
                    others.countDown();
                  }
                  return input;
                });
    assertThat(results).isEqualTo(THIRTY);
  }

  @Test
  void tasksStartInInputOrder() throws Exception {
    List<Integer> started = new ArrayList<>();
    Throttle.atMost(1).over(THIRTY).runOnEach(started::add);
    assertThat(started).isEqualTo(THIRTY);
    started.clear();
    Throttle.atMost(1)
        .over(THIRTY)
        .runOnEach(Task.async(input -> CompletableFuture.completedFuture(started.add(input))));
    assertThat(started).isEqualTo(THIRTY);
  }

  /** The results of a map come in the order in which the tasks end. */
  @Test
  void mapGivesTheFastOneFirst() throws Exception {
    CountDownLatch slow = new CountDownLatch(1);
    try (Results<String> results =
        Throttle.atMost(2)
            .map(
                List.of("slow", "fast"),
                name -> {
                  if (name.equals("slow")) {
                    slow.await();
                  }
                  return name;
                })) {
      assertThat(results.next()).isEqualTo("fast");
      slow.countDown();
      assertThat(results.next()).isEqualTo("slow");
      assertThat(results.hasNext()).isFalse();
      assertThatThrownBy(results::next)
          .isInstanceOf(NoSuchElementException.class)
          .hasMessage("all results are taken");
    }
  }

  /** With a clear error where aiometer raises a raw StopAsyncIteration. */
  @Test
  void emptyInput() throws Exception {
    Throttle throttle = Throttle.atMost(3);
    List<Callable<Integer>> none = List.of();
    throttle.runOnEach(List.of(), _ -> fail());
    assertThat(throttle.runAll(none)).isEmpty();
    try (Results<Integer> results = throttle.map(List.<Integer>of(), _ -> fail())) {
      assertThat(results.hasNext()).isFalse();
      assertThat(results.stream()).isEmpty();
    }
    assertThatThrownBy(() -> throttle.runAny(none))
        .isInstanceOf(NoSuchElementException.class)
        .hasMessage("runAny needs at least one input, there was none");
    assertThat(throttle.over(List.<Integer>of()).collect().runAll(_ -> fail())).isEmpty();
    assertThat(throttle.over(List.<Integer>of()).collect().runOnEach(_ -> fail())).isEmpty();
    assertThat(
            throttle
                .over(Stream.<Integer>empty())
                .runAll(Task.async(_ -> CompletableFuture.completedFuture(fail()))))
        .isEmpty();
    assertThat(throttle.running()).isZero();
  }

  private static Integer fail() {
    throw new AssertionError("there is no input");
  }

  /** Null is a result as any other, and an input, too. */
  @Test
  void nullIsAnInputAndAResult() throws Exception {
    List<String> inputs = Arrays.asList("a", null, "b");
    Throttle throttle = Throttle.atMost(3);
    assertThat(throttle.over(inputs).runAll(input -> input)).containsExactly("a", null, "b");
    assertThat(throttle.over(inputs).runAll(Task.async(CompletableFuture::completedFuture)))
        .containsExactly("a", null, "b");
    try (Results<String> results = throttle.over(inputs).map(input -> input)) {
      assertThat(results).toIterable().containsExactlyInAnyOrder("a", null, "b");
    }
    assertThat(throttle.over(inputs).<Object>runAny(_ -> null)).isNull();
  }

  /** Results can be tied to what they are results of. */
  @Test
  void mapIndexedHasIndexAndInput() {
    try (Results<TaskOutcome<String, Integer>> results =
        Throttle.atMost(1).over(List.of("a", "bb")).mapIndexed(String::length)) {
      assertThat(results)
          .toIterable()
          .containsExactly(new TaskOutcome<>(0, "a", 1, null), new TaskOutcome<>(1, "bb", 2, null));
    }
  }

  /** Every source is lazy, and none needs a size. */
  @Test
  void everySourceIsTaken() throws Exception {
    Throttle throttle = Throttle.atMost(4);
    List<Integer> tens = tens(THIRTY);
    assertThat(throttle.over(THIRTY).runAll(i -> i * 10)).isEqualTo(tens);
    assertThat(throttle.over(Set.copyOf(THIRTY)).runAll(i -> i * 10))
        .containsExactlyInAnyOrderElementsOf(tens);
    assertThat(throttle.over(THIRTY.iterator()).runAll(i -> i * 10)).isEqualTo(tens);
    assertThat(throttle.over(THIRTY.stream()).runAll(i -> i * 10)).isEqualTo(tens);
    assertThat(throttle.over(THIRTY.parallelStream()).runAll(i -> i * 10)).isEqualTo(tens);
    assertThat(throttle.over(TestPublisher.of(THIRTY)).runAll(i -> i * 10)).isEqualTo(tens);
  }

  /** What can be used once says so. */
  @Test
  void aSecondRunOverAnIteratorIsRefused() throws Exception {
    Run<Integer> iterator = Throttle.atMost(1).over(THIRTY.iterator());
    Run<Integer> stream = Throttle.atMost(1).over(THIRTY.stream());
    Run<Integer> list = Throttle.atMost(1).over(THIRTY);
    for (Run<Integer> run : List.of(iterator, stream, list)) {
      run.runOnEach(i -> i);
    }
    assertThatThrownBy(() -> iterator.runOnEach(i -> i))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the inputs come from one iterator, they are used already");
    assertThatThrownBy(() -> stream.map(i -> i))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the inputs come from one stream, they are used already");
    assertThat(list.runAll(i -> i)).isEqualTo(THIRTY);
  }

  /** Two runs that share a throttle obey it together. */
  @Test
  void runsShareAThrottle() throws Exception {
    Throttle throttle = Throttle.atMost(3);
    Gauge gauge = new Gauge();
    List<Callable<Object>> runs = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      runs.add(
          () -> {
            throttle.over(THIRTY).runOnEach(gauge.blocking());
            return null;
          });
    }
    Throttle.unlimited().runAll(runs);
    gauge.assertWithin(3);
    assertThat(throttle.running()).isZero();
  }

  /** Lambdas capture values: unlike in aiometer there is nothing to refuse. */
  @Test
  void lambdasAreTasks() throws Exception {
    List<Callable<Integer>> tasks = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int value = i;
      tasks.add(() -> value);
    }
    assertThat(Throttle.atMost(2).runAll(tasks)).containsExactly(0, 1, 2);
    assertThat(Throttle.atMost(2).runAny(tasks)).isBetween(0, 2);
  }

  @Test
  void aLongRunKeepsEveryResult() throws Exception {
    List<Integer> inputs = IntStream.range(0, 100_000).boxed().toList();
    assertThat(Throttle.atMost(100).over(inputs).runAll(i -> i)).isEqualTo(inputs);
    try (Results<Integer> results = Throttle.atMost(100).over(inputs).map(i -> i)) {
      assertThat(results.stream().mapToLong(i -> i).sum()).isEqualTo(99_999L * 50_000);
    }
  }
}
