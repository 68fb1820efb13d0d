package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Inputs that count for several by the rate. */
@Timeout(60)
class RunCostTest {
  private final VirtualTime time = new VirtualTime();
  private final long startNanos = time.nanoTime();
  private final Throttle throttle =
      Throttle.builder().atOnce(2).perSecond(10).burst(5).timeSource(time).build();
  private final List<Integer> executed = Collections.synchronizedList(new ArrayList<>());

  private static Task<Integer, Integer> task(boolean async, Function<Integer, Integer> blocking) {
    return async
        ? Task.async(input -> CompletableFuture.completedFuture(blocking.apply(input)))
        : blocking::apply;
  }

  private int execute(int input) {
    executed.add(input);
    return input;
  }

  /** The input is its cost. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void tasksStartWhenTheirCostIsSavedUp(boolean async) {
    Map<Integer, Long> startMillis = Collections.synchronizedMap(new TreeMap<>());
    try (Results<Integer> results =
        throttle
            .over(List.of(5, 3, 1, 4))
            .cost(input -> input)
            .map(
                task(
                    async,
                    input -> {
                      startMillis.put(input, (time.nanoTime() - startNanos) / 1_000_000);
                      return execute(input);
                    }))) {
      for (int i = 0; i < 4; i++) {
        if (i > 0) {
          Spin.until(() -> time.alarms() != 0);
          assertThat(time.advanceToNext()).isTrue();
        }
        results.next();
      }
    }
    assertThat(executed).containsExactly(5, 3, 1, 4);
    assertThat(startMillis).isEqualTo(Map.of(5, 0L, 3, 300L, 1, 400L, 4, 800L));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aWrongCostFailsTheTaskOfItsInputAndTakesNoPermit(boolean async) throws Exception {
    IllegalStateException unknown = new IllegalStateException("no cost");
    List<Integer> running = Collections.synchronizedList(new ArrayList<>());
    List<TaskOutcome<Integer, Integer>> outcomes =
        throttle
            .over(List.of(0, 1, -2, 2, 6, 99, 2))
            .cost(
                input -> {
                  if (input == 99) {
                    throw unknown;
                  }
                  return input;
                })
            .taskTimeout(Duration.ofSeconds(1))
            .onProgress(progress -> running.add((int) progress.running()))
            .collect()
            .runAll(task(async, this::execute));
    assertThat(executed).containsExactlyInAnyOrder(1, 2, 2);
    assertThat(outcomes)
        .extracting(TaskOutcome::isFailure)
        .containsExactly(true, false, true, false, true, true, false);
    for (int index : new int[] {0, 2, 4}) {
      assertThat(outcomes.get(index).failure())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "cost is %d, it has to be from 1 to the burst of %s",
              outcomes.get(index).input(), throttle);
    }
    assertThat(outcomes.get(5).failure()).isSameAs(unknown);
    assertThat(running).allMatch(tasks -> tasks >= 0 && tasks <= 2);
    assertThat(throttle.running()).isZero();
    assertThat(throttle.tryAcquire()).as("all five are taken").isNull();
    assertThat(time.alarms()).isZero();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aWrongCostStopsARunThatDoesNotCollect(boolean async) {
    assertThatThrownBy(
            () ->
                throttle
                    .over(List.of(7, 1))
                    .cost(input -> input)
                    .runOnEach(task(async, this::execute)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("cost is 7, it has to be from 1 to the burst of Throttle[");
    assertThat(throttle.running()).isZero();
  }

  @Test
  void withoutARateOnlyOneIsACost() throws Exception {
    Throttle slots = Throttle.atMost(2);
    slots.over(List.of(1, 1)).cost(input -> input).runOnEach(this::execute);
    assertThat(executed).hasSize(2);
    assertThatThrownBy(() -> slots.over(List.of(2)).cost(input -> input).runOnEach(this::execute))
        .hasMessage(
            "cost is 2, it has a meaning only beside a rate, and this is Throttle[atOnce=2]");
  }

  /** As for services: the cost of an input, or else that of the view. */
  @Test
  void theCostOfAnInputCountsInPlaceOfThatOfTheThrottle() throws Exception {
    Throttle view = throttle.withCost(3);
    view.over(List.of(1, 1)).cost(input -> input).runOnEach(this::execute);
    assertThat(throttle.withCost(3).tryAcquire()).as("three are left").isNotNull();
    time.advance(Duration.ofMillis(500));
    view.over(List.of(1)).runOnEach(this::execute);
    assertThat(throttle.withCost(3).tryAcquire()).as("two are left").isNull();
  }

  @Test
  void theTaskKeepsItsContext() throws Exception {
    ScopedValue<String> user = ScopedValue.newInstance();
    List<String> users = new ArrayList<>();
    ScopedValue.where(user, "a")
        .call(
            () -> {
              throttle
                  .over(List.of(1))
                  .propagate(ContextPropagation.scopedValues(user))
                  .cost(input -> input)
                  .runOnEach(_ -> users.add(user.get()));
              return null;
            });
    assertThat(users).containsExactly("a");
  }

  @Test
  @SuppressWarnings("NullAway")
  void nullIsRefused() {
    assertThatThrownBy(() -> throttle.over(List.of(1)).cost(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("cost");
  }
}
