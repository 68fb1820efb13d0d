package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Wrong limits fail at the call that sets them, and the message names the value. */
class ThrottleBuilderTest {
  private static Wrong option(String message, Consumer<ThrottleBuilder> call) {
    return new Wrong(message, () -> call.accept(Throttle.builder()));
  }

  static Stream<Wrong> wrongValues() {
    Duration second = Duration.ofSeconds(1);
    Duration negative = Duration.ofMillis(-1);
    Throttle throttle = Throttle.atMost(1);
    return Stream.of(
        new Wrong("atOnce is 0, it has to be at least 1", () -> Throttle.atMost(0)),
        option("atOnce is -10, it has to be at least 1", b -> b.atOnce(-10)),
        new Wrong("rate is 0.0, it has to be a number above zero", () -> Throttle.perSecond(0)),
        option("rate is -1.0, it has to be a number above zero", b -> b.perSecond(-1)),
        option("rate is NaN, it has to be a number above zero", b -> b.perSecond(Double.NaN)),
        option(
            "rate is Infinity, it has to be a number above zero",
            b -> b.perSecond(Double.POSITIVE_INFINITY)),
        option(
            "rate is -Infinity, it has to be a number above zero",
            b -> b.rate(Double.NEGATIVE_INFINITY, second)),
        option("period is PT0S, it has to be above zero", b -> b.rate(1, Duration.ZERO)),
        option("period is PT-0.001S, it has to be above zero", b -> b.rate(1, negative)),
        option(
            "rate is 1.000001E9 in PT1S, it has to be from one in 3650 days to one in a nanosecond",
            b -> b.perSecond(1_000_001_000)),
        option(
            "rate is 4.9E-324 in PT1S, it has to be from one in 3650 days to one in a nanosecond",
            b -> b.perSecond(Double.MIN_VALUE)),
        option(
            "rate is 1.0 in PT87624H, it has to be from one in 3650 days to one in a nanosecond",
            b -> b.rate(1, Duration.ofDays(3651))),
        option(
            "rate is 1.7976931348623157E308 in PT1S, "
                + "it has to be from one in 3650 days to one in a nanosecond",
            b -> b.perSecond(Double.MAX_VALUE)),
        option("burst is 0, it has to be at least 1", b -> b.burst(0)),
        option("burst is -1, it has to be at least 1", b -> b.burst(-1)),
        option("catchUp is PT-0.001S, it has to be at least zero", b -> b.catchUp(negative)),
        option("neither atOnce nor rate is set, a throttle needs a limit", ThrottleBuilder::build),
        option(
            "burst is 2, it has a meaning only beside a rate", b -> b.atOnce(1).burst(2).build()),
        option(
            "catchUp is PT1S, it has a meaning only beside a rate",
            b -> b.atOnce(1).catchUp(second).build()),
        option(
            "burst is 100000, at a rate of 1.0 in PT24H it has to be at most 13343",
            b -> b.rate(1, Duration.ofDays(1)).burst(100_000).build()),
        new Wrong(
            "wait is PT-0.001S, it has to be at least zero", () -> throttle.tryAcquire(negative)),
        new Wrong(
            "timeout is PT0S, it has to be above zero", () -> throttle.acquire(Duration.ZERO)),
        new Wrong(
            "timeout is PT-0.001S, it has to be above zero",
            () -> throttle.acquireAsync(negative)));
  }

  @ParameterizedTest
  @MethodSource("wrongValues")
  void wrongValuesAreRefusedWithAMessage(Wrong wrong) {
    wrong.assertRefusedWith(IllegalArgumentException.class);
  }

  static Stream<Wrong> secondValues() {
    return Stream.of(
        option("atOnce is set to 2, it was set to 1 before", b -> b.atOnce(1).atOnce(2)),
        option(
            "rate is set to 2.0 in PT1S, it was set to 5.0 in PT1M before",
            b -> b.rate(5, Duration.ofMinutes(1)).perSecond(2)),
        option("burst is set to 1, it was set to 3 before", b -> b.burst(3).burst(1)),
        option(
            "catchUp is set to PT0S, it was set to PT1S before",
            b -> b.catchUp(Duration.ofSeconds(1)).catchUp(Duration.ZERO)),
        option(
            "timeSource is set to "
                + TimeSource.system()
                + ", it was set to "
                + TimeSource.system()
                + " before",
            b -> b.timeSource(TimeSource.system()).timeSource(TimeSource.system())));
  }

  @ParameterizedTest
  @MethodSource("secondValues")
  void anOptionIsSetOnce(Wrong wrong) {
    wrong.assertRefusedWith(IllegalStateException.class);
  }

  @Test
  @SuppressWarnings("NullAway")
  void nullIsRefused() {
    ThrottleBuilder builder = Throttle.builder();
    assertThatThrownBy(() -> builder.rate(1, null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> builder.catchUp(null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> builder.timeSource(null)).isInstanceOf(NullPointerException.class);
  }

  @Test
  void theExtremesThatAreAllowedWork() {
    assertThat(Throttle.perSecond(1e9).tryAcquire()).isNotNull();
    assertThat(Throttle.atMost(Integer.MAX_VALUE).tryAcquire()).isNotNull();
    Throttle slow =
        Throttle.builder()
            .rate(1, Duration.ofDays(3650))
            .catchUp(Duration.ofSeconds(Long.MAX_VALUE))
            .build();
    assertThat(slow.tryAcquire()).isNotNull();
    assertThat(slow.tryAcquire()).isNull();
    Throttle generous = Throttle.builder().perSecond(1e6).burst(Integer.MAX_VALUE).build();
    assertThat(generous.tryAcquire()).isNotNull();
    assertThat(generous.tryAcquire()).isNotNull();
    Throttle endless = Throttle.builder().rate(1e12, Duration.ofSeconds(Long.MAX_VALUE)).build();
    assertThat(endless.tryAcquire()).isNotNull();
    assertThat(endless.tryAcquire()).isNull();
  }

  @Test
  void theLongestCatchUpLosesNothing() {
    VirtualTime time = new VirtualTime();
    Throttle throttle =
        Throttle.builder()
            .perSecond(1e6)
            .catchUp(Duration.ofSeconds(Long.MAX_VALUE))
            .timeSource(time)
            .build();
    assertThat(throttle.tryAcquire()).isNotNull();
    assertThat(throttle.tryAcquire()).as("it is in demand").isNull();
    time.advance(Duration.ofMillis(10));
    int granted = 0;
    while (throttle.tryAcquire() != null) {
      granted++;
    }
    assertThat(granted).isEqualTo(10_000);
  }

  @Test
  void aThrottleSaysWhatItLimits() {
    assertThat(Throttle.atMost(3)).hasToString("Throttle[atOnce=3]");
    assertThat(Throttle.perSecond(0.2))
        .hasToString("Throttle[rate=0.2 in PT1S, burst=1, catchUp=PT0.05S]");
    assertThat(
            Throttle.builder()
                .atOnce(8)
                .rate(300, Duration.ofMinutes(1))
                .burst(10)
                .catchUp(Duration.ZERO)
                .build())
        .hasToString("Throttle[atOnce=8, rate=300.0 in PT1M, burst=10, catchUp=PT0S]");
    assertThat(Throttle.builder().name("geocoder").atOnce(3).build())
        .hasToString("Throttle[name=geocoder, atOnce=3]");
  }

  @Test
  void aNameIsSetOnceAndSaysSomething() {
    assertThatThrownBy(() -> Throttle.builder().name(" "))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("name is blank, it has to say what this is");
    assertThatThrownBy(() -> Throttle.builder().name("a").name("b"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("name is set to b, it was set to a before");
  }

  @Test
  void aBuilderBuildsThrottlesWithLimitsOfTheirOwn() {
    ThrottleBuilder builder = Throttle.builder().atOnce(1);
    assertThat(builder.build().tryAcquire()).isNotNull();
    assertThat(builder.build().tryAcquire()).isNotNull();
  }

  /** More nanoseconds than a long can count. */
  @Test
  void periodsOfCenturiesAreExact() {
    Duration millennium = Duration.ofDays(365 * 1000);
    VirtualTime time = new VirtualTime();
    Throttle yearly = Throttle.builder().rate(1000, millennium).timeSource(time).build();
    assertThat(yearly.tryAcquire()).isNotNull();
    time.advance(Duration.ofDays(364));
    assertThat(yearly.tryAcquire()).isNull();
    time.advance(Duration.ofDays(1).plusHours(1));
    assertThat(yearly.tryAcquire()).isNotNull();
    assertThatThrownBy(() -> Throttle.builder().rate(10, millennium))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("from one in 3650 days to one in a nanosecond");
  }
}
