package io.headrace.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.stream.Stream;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ArrivalTraceTest {
  private static final Duration LENGTH = Duration.ofSeconds(200);
  private static final Duration SECOND = Duration.ofSeconds(1);

  static Stream<ArrivalTrace> traces() {
    return Stream.of(
        ArrivalTrace.poisson(500, LENGTH, 1),
        ArrivalTrace.bursty(500, 10, LENGTH, 1),
        ArrivalTrace.onOff(500, SECOND, SECOND, LENGTH, 1),
        ArrivalTrace.daily(500, 0.8, LENGTH.dividedBy(4), LENGTH, 1));
  }

  @ParameterizedTest
  @MethodSource("traces")
  void arrivalsAreInOrderAndAsManyAsAskedFor(ArrivalTrace trace) {
    assertThat(trace.length()).isEqualTo(LENGTH);
    assertThat(trace.perSecond()).isCloseTo(500, Percentage.withPercentage(15));
    for (int i = 1; i < trace.size(); i++) {
      assertThat(trace.atNanos(i)).isBetween(trace.atNanos(i - 1), LENGTH.toNanos());
    }
  }

  @Test
  void aDayBeginsAndEndsWithItsQuietestHours() {
    ArrivalTrace day = ArrivalTrace.daily(100, 0.8, LENGTH, LENGTH, 1);
    long quarterNanos = LENGTH.dividedBy(4).toNanos();
    long[] quarters = new long[4];
    for (int i = 0; i < day.size(); i++) {
      quarters[(int) (day.atNanos(i) / quarterNanos)]++;
    }
    assertThat(quarters[1] + quarters[2]).isGreaterThan(2 * (quarters[0] + quarters[3]));
  }

  @Test
  void theSameSeedGivesTheSameTrace() {
    ArrivalTrace one = ArrivalTrace.poisson(100, SECOND, 7);
    ArrivalTrace two = ArrivalTrace.poisson(100, SECOND, 7);
    assertThat(one.size()).isEqualTo(two.size());
    assertThat(one.atNanos(5)).isEqualTo(two.atNanos(5));
    assertThat(ArrivalTrace.poisson(100, SECOND, 8).atNanos(5)).isNotEqualTo(one.atNanos(5));
  }

  @Test
  void takesGivenTimes() {
    ArrivalTrace trace = ArrivalTrace.of(SECOND, 0, 5, 5, 1_000_000_000);
    assertThat(trace.size()).isEqualTo(4);
    assertThat(trace.perSecond()).isEqualTo(4);
    assertThatThrownBy(() -> ArrivalTrace.of(SECOND, 5, 4))
        .hasMessage("an arrival is at 4 ns, it has to be from 5 to 1000000000");
    assertThatThrownBy(() -> ArrivalTrace.of(SECOND, 1_000_000_001))
        .hasMessageContaining("at 1000000001");
  }

  @Test
  void refusesWhatMakesNoSense() {
    assertThatThrownBy(() -> ArrivalTrace.poisson(0, SECOND, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("perSecond is 0.0, it has to be above 0 and finite");
    assertThatThrownBy(() -> ArrivalTrace.poisson(Double.NaN, SECOND, 1))
        .hasMessageContaining("NaN");
    assertThatThrownBy(() -> ArrivalTrace.poisson(1, Duration.ofSeconds(Long.MAX_VALUE), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("length is " + Duration.ofSeconds(Long.MAX_VALUE) + ", at most");
    assertThatThrownBy(() -> ArrivalTrace.poisson(1e10, Duration.ofHours(1), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("perSecond is 1.0E10, in PT1H these are 3.6E13 arrivals");
    assertThatThrownBy(() -> ArrivalTrace.bursty(1, 0.5, SECOND, 1)).hasMessageContaining("0.5");
    assertThatThrownBy(() -> ArrivalTrace.daily(1, 1.5, SECOND, SECOND, 1))
        .hasMessageContaining("swing is 1.5");
    assertThatThrownBy(() -> ArrivalTrace.onOff(1, Duration.ZERO, SECOND, SECOND, 1))
        .hasMessageContaining("on is PT0S");
  }
}
