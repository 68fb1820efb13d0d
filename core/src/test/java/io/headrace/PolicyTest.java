package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.BatchPolicy.Decision;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Policies as what they are: functions from a queue's state to a decision. */
class PolicyTest {
  private record State(int waiting, long oldestArrivalNanos, long nowNanos) implements QueueState {
    @Override
    public long arrivals() {
      return waiting;
    }

    @Override
    public double meanWeight() {
      return 1;
    }

    @Override
    public int workers() {
      return 1;
    }

    @Override
    public int idleWorkers() {
      return 1;
    }

    @Override
    public int deadlines(long[] into) {
      return 0;
    }
  }

  private static State waiting(int waiting) {
    return new State(waiting, 0, 0);
  }

  @Test
  void theDefaultIsGreedyWithThirtyTwo() {
    assertThat(BatchPolicy.DEFAULT).isEqualTo(BatchPolicy.greedy(32));
  }

  @Test
  void greedySendsWhatIsThereUpToItsMaximum() {
    BatchPolicy greedy = BatchPolicy.greedy(10);
    assertThat(greedy.maxSize()).isEqualTo(10);
    assertThat(greedy.decide(waiting(1))).isEqualTo(Decision.send(1));
    assertThat(greedy.decide(waiting(10))).isEqualTo(Decision.send(10));
    assertThat(greedy.decide(waiting(11))).isEqualTo(Decision.send(10));
    assertThat(BatchPolicy.greedy(Integer.MAX_VALUE).decide(waiting(1_000_000)))
        .isEqualTo(Decision.send(1_000_000));
  }

  @Test
  void greedyNeedsNoClock() {
    assertThat(BatchPolicy.greedy(10).usesArrivalTimes()).isFalse();
    assertThat(BatchPolicy.fixed(10, Duration.ofNanos(5)).usesArrivalTimes()).isTrue();
  }

  @Test
  void fixedSendsAFullBatchAtOnce() {
    BatchPolicy fixed = BatchPolicy.fixed(10, Duration.ofNanos(200));
    assertThat(fixed.decide(waiting(10))).isEqualTo(Decision.send(10));
    assertThat(fixed.decide(waiting(25))).isEqualTo(Decision.send(10));
  }

  @Test
  void fixedLooksAgainWhenTheDelayOfTheOldestIsOver() {
    BatchPolicy fixed = BatchPolicy.fixed(10, Duration.ofNanos(200));
    assertThat(fixed.decide(new State(9, 1000, 1000))).isEqualTo(Decision.lookAgain(1200, 10));
    assertThat(fixed.decide(new State(9, 1000, 1199))).isEqualTo(Decision.lookAgain(1200, 10));
    assertThat(fixed.decide(new State(9, 1000, 1200))).isEqualTo(Decision.send(9));
    assertThat(fixed.decide(new State(3, 1000, 9999))).isEqualTo(Decision.send(3));
  }

  @Test
  void fixedWithoutADelayIsGreedy() {
    BatchPolicy fixed = BatchPolicy.fixed(10, Duration.ZERO);
    assertThat(fixed.decide(new State(3, 1000, 1000))).isEqualTo(Decision.send(3));
  }

  @Test
  void fixedPassesThroughTheWrapOfTheClock() {
    BatchPolicy fixed = BatchPolicy.fixed(10, Duration.ofNanos(10));
    long oldest = Long.MAX_VALUE - 5;
    long sendAt = oldest + 10;
    assertThat(sendAt).isNegative();
    assertThat(fixed.decide(new State(1, oldest, Long.MAX_VALUE)))
        .isEqualTo(Decision.lookAgain(sendAt, 10));
    assertThat(fixed.decide(new State(1, oldest, sendAt - 1)))
        .isEqualTo(Decision.lookAgain(sendAt, 10));
    assertThat(fixed.decide(new State(1, oldest, sendAt))).isEqualTo(Decision.send(1));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, Long.MAX_VALUE, Long.MIN_VALUE, -1})
  void anEndlessDelayIsNeverOver(long nowNanos) {
    BatchPolicy fixed = BatchPolicy.fixed(10, Duration.ofSeconds(Long.MAX_VALUE));
    assertThat(fixed.decide(new State(9, nowNanos, nowNanos)).size()).isZero();
    long inTenYears = nowNanos + Duration.ofDays(3650).toNanos();
    assertThat(fixed.decide(new State(9, nowNanos, inTenYears)).size()).isZero();
  }

  @Test
  void aDecisionThatMakesNoSenseIsRefused() {
    assertThatThrownBy(() -> Decision.send(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("size is 0, it has to be at least 1");
    assertThatThrownBy(() -> new Decision(-1, 0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("size is -1, it has to be at least 0");
  }
}
