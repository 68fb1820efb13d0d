package io.headrace.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy;
import io.headrace.QueueState;
import io.headrace.testkit.Simulation.Cost;
import io.headrace.testkit.Simulation.Result;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SimulationTest {
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration OBJECTIVE = Duration.ofMillis(50);
  private static final Cost TEN_MILLIS = (size, random) -> 10_000_000;
  private static final Cost VARIES = (size, random) -> 1_000_000 + random.nextInt(60_000_000);

  @Test
  void tellsWhatBecameOfEachItem() {
    ArrivalTrace trace = ArrivalTrace.of(SECOND, 0, 1, 2, 3);
    Result result =
        new Simulation(trace, TEN_MILLIS, 1, Duration.ofMillis(25), 1).run(BatchPolicy.greedy(1));
    // One after the other: at 10 and at 20 ms, then one in vain, and one that never begins.
    assertThat(result.inTime()).isEqualTo(2);
    assertThat(result.late()).isEqualTo(1);
    assertThat(result.dropped()).isEqualTo(1);
    assertThat(result.refused()).isZero();
    assertThat(result.share()).isEqualTo(0.5);
    assertThat(result.goodput()).isEqualTo(2);
    assertThat(result.batches()).isEqualTo(3);
    assertThat(result.meanBatch()).isEqualTo(1);
    assertThat(result.p99Nanos()).isEqualTo(19_999_999);
  }

  /** Whichever of the two alarms is the first. */
  @Test
  void anAnswerWhenTheTimeIsUpIsLate() {
    ArrivalTrace trace = ArrivalTrace.of(SECOND, 0, 5_000_000);
    Cost cost = (size, random) -> 12_500_000;
    Result result =
        new Simulation(trace, cost, 1, Duration.ofMillis(20), 1).run(BatchPolicy.greedy(1));
    assertThat(result.inTime()).isEqualTo(1);
    assertThat(result.late()).isEqualTo(1);
  }

  @Test
  void percentilesAreOfAnswersThatCameInAnyOrder() {
    long second = SECOND.toNanos();
    ArrivalTrace trace = ArrivalTrace.of(SECOND.multipliedBy(9), 0, second, 2 * second);
    AtomicInteger before = new AtomicInteger();
    Cost lessAndLess = (size, random) -> 30_000_000 - 10_000_000L * before.getAndIncrement();
    Result result = new Simulation(trace, lessAndLess, 1, OBJECTIVE, 1).run(BatchPolicy.greedy(1));
    assertThat(result.p50Nanos()).isEqualTo(20_000_000);
    assertThat(result.p99Nanos()).isEqualTo(30_000_000);
  }

  @Test
  void severalWorkersWorkAtOnce() {
    ArrivalTrace trace = ArrivalTrace.of(SECOND, 0, 0, 0, 0);
    Simulation simulation = new Simulation(trace, TEN_MILLIS, 4, Duration.ofMillis(15), 1);
    assertThat(simulation.run(BatchPolicy.greedy(1)).inTime()).isEqualTo(4);
  }

  @Test
  void noArrivalsAreAllInTime() {
    Result result =
        new Simulation(ArrivalTrace.of(SECOND), TEN_MILLIS, 1, OBJECTIVE, 1)
            .run(BatchPolicy.DEFAULT);
    assertThat(result.share()).isEqualTo(1);
    assertThat(result.meanBatch()).isZero();
  }

  @Test
  void theAdaptivePolicyRefusesAndDropsUnderOverload() {
    ArrivalTrace trace = ArrivalTrace.bursty(5_000, 10, Duration.ofSeconds(5), 3);
    Result result =
        new Simulation(trace, TEN_MILLIS, 1, OBJECTIVE, 1).run(BatchPolicy.adaptive(16, OBJECTIVE));
    assertThat(result.refused() + result.dropped()).isPositive();
    assertThat(result.late()).isLessThan(result.offered() / 100);
    assertThat(result.goodput()).isGreaterThan(0.95 * 1_600); // 16 items in 10 ms
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void everyItemEndsOnceAndTheSameSeedGivesTheSame(long seed) {
    ArrivalTrace trace = ArrivalTrace.bursty(400, 8, Duration.ofSeconds(5), seed);
    Simulation simulation = new Simulation(trace, VARIES, 2, OBJECTIVE, seed);
    Result result = simulation.run(BatchPolicy.adaptive(32, OBJECTIVE));
    assertThat(result.inTime() + result.refused() + result.dropped() + result.late())
        .isEqualTo(result.offered());
    assertThat(result.dropped()).isNotNegative();
    assertThat(result.p99Nanos()).isLessThanOrEqualTo(OBJECTIVE.toNanos());
    assertThat(simulation.run(BatchPolicy.adaptive(32, OBJECTIVE))).isEqualTo(result);
  }

  @Test
  void refusesWhatMakesNoSense() {
    ArrivalTrace trace = ArrivalTrace.of(SECOND);
    assertThatThrownBy(() -> new Simulation(trace, TEN_MILLIS, 0, OBJECTIVE, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("workers is 0, it has to be at least 1");
    assertThatThrownBy(() -> new Simulation(trace, TEN_MILLIS, 1, Duration.ZERO, 1))
        .hasMessage("objective is PT0S, it has to be above zero");
  }

  /** It used to run for ever: the policy was asked again and again, and no time passed. */
  @Test
  void aPolicyThatAlwaysWantsToLookAgainAtOnceSendsNothingAndEnds() {
    BatchPolicy never =
        new BatchPolicy() {
          @Override
          public int maxSize() {
            return 8;
          }

          @Override
          public Decision decide(QueueState queue) {
            return Decision.lookAgain(queue.nowNanos(), Integer.MAX_VALUE);
          }
        };
    ArrivalTrace trace = ArrivalTrace.poisson(100, SECOND, 1);
    Result result = new Simulation(trace, TEN_MILLIS, 1, OBJECTIVE, 1).run(never);
    assertThat(result.batches()).isZero();
    assertThat(result.inTime()).isZero();
    assertThat(result.dropped()).isEqualTo(trace.size());
  }
}
