package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Limits that change while permits are out and somebody waits. */
class ThrottleLimitsTest {
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration HOUR = Duration.ofHours(1);

  private final VirtualTime time = new VirtualTime();
  private final long startNanos = time.nanoTime();

  /** Who was granted a permit, and after how many milliseconds. */
  private final List<String> grants = new ArrayList<>();

  private ThrottleBuilder builder() {
    return Throttle.builder().timeSource(time);
  }

  private Throttle slots(int atOnce) {
    return builder().atOnce(atOnce).build();
  }

  private CompletableFuture<Permit> await(Throttle throttle, String name) {
    CompletableFuture<Permit> permit = throttle.acquireAsync();
    permit.thenAccept(
        _ -> grants.add(name + " " + (time.nanoTime() - startNanos + 999_999) / 1_000_000));
    return permit;
  }

  private void advanceMillis(long millis) {
    time.advance(Duration.ofMillis(millis));
  }

  private static int tries(Throttle throttle) {
    int granted = 0;
    while (throttle.tryAcquire() != null) {
      granted++;
    }
    return granted;
  }

  @Test
  void moreAtOnceStartWaitersInTheirOrder() {
    Throttle throttle = slots(1);
    Permit permit = throttle.tryAcquire();
    List<CompletableFuture<Permit>> waiters =
        Stream.of("a", "b", "c").map(name -> await(throttle, name)).toList();
    throttle.setAtOnce(3);
    assertThat(grants).containsExactly("a 0", "b 0");
    assertThat(throttle.running()).isEqualTo(3);
    assertThat(throttle.waiting()).isEqualTo(1);
    permit.close();
    assertThat(grants).containsExactly("a 0", "b 0", "c 0");
    waiters.forEach(waiter -> waiter.join().close());
    assertThat(throttle.running()).isZero();
    assertThat(tries(throttle)).isEqualTo(3);
  }

  @Test
  void fewerAtOnceTakeNothingAway() {
    Throttle throttle = slots(3);
    List<Permit> permits = Stream.generate(throttle::tryAcquire).limit(3).toList();
    throttle.setAtOnce(1);
    await(throttle, "a");
    assertThat(throttle.running()).isEqualTo(3);
    assertThat(throttle.tryAcquire()).isNull();
    permits.get(0).close();
    permits.get(1).close();
    assertThat(throttle.running()).isEqualTo(1);
    assertThat(throttle.waiting()).isEqualTo(1);
    assertThat(throttle.tryAcquire()).isNull();
    assertThat(grants).isEmpty();
    permits.get(2).close();
    assertThat(grants).containsExactly("a 0");
    assertThat(throttle.running()).isEqualTo(1);
  }

  @Test
  void theLastOfSeveralChangesCounts() {
    Throttle throttle = slots(5);
    List<Permit> permits = Stream.generate(throttle::tryAcquire).limit(4).toList();
    throttle.setAtOnce(1);
    throttle.setAtOnce(Integer.MAX_VALUE);
    throttle.setAtOnce(2);
    assertThat(throttle.running()).isEqualTo(4);
    assertThat(throttle.tryAcquire()).isNull();
    permits.forEach(Permit::close);
    assertThat(throttle.running()).isZero();
    assertThat(tries(throttle)).isEqualTo(2);
    throttle.setAtOnce(Integer.MAX_VALUE);
    assertThat(throttle.running()).isEqualTo(2);
    assertThat(throttle.tryAcquire()).isNotNull();
  }

  /** Neither the permit that is due nor the alarm for it is of use without a slot. */
  @Test
  void oneThatWaitsForTheRateCanLoseItsSlot() {
    Throttle throttle = builder().atOnce(2).perSecond(10).build();
    Permit permit = throttle.tryAcquire();
    await(throttle, "a");
    assertThat(time.alarms()).isOne();
    throttle.setAtOnce(1);
    assertThat(time.alarms()).isZero();
    advanceMillis(300);
    assertThat(grants).isEmpty();
    permit.close();
    assertThat(grants).containsExactly("a 300");
  }

  @Test
  void aWaiterFeelsAHigherRateAtOnce() {
    Throttle throttle = builder().rate(1, HOUR).build();
    assertThat(throttle.tryAcquire()).isNotNull();
    await(throttle, "a");
    await(throttle, "b");
    time.advance(Duration.ofMinutes(45)); // a quarter of a permit is missing
    throttle.setRate(10, SECOND);
    assertThat(time.alarms()).isOne();
    advanceMillis(24);
    assertThat(grants).isEmpty();
    advanceMillis(1_000);
    long minutes = Duration.ofMinutes(45).toMillis();
    assertThat(grants).containsExactly("a " + (minutes + 25), "b " + (minutes + 125));
    assertThat(time.alarms()).isZero();
  }

  @Test
  void aWaiterIsNotDueBeforeALowerRateAllows() {
    Throttle throttle = builder().perSecond(10).build();
    assertThat(throttle.tryAcquire()).isNotNull();
    await(throttle, "a");
    await(throttle, "b");
    advanceMillis(50);
    throttle.setRate(1, HOUR);
    time.advance(HOUR.multipliedBy(2));
    assertThat(grants)
        .containsExactly("a " + (50 + HOUR.toMillis() / 2), "b " + (50 + HOUR.toMillis() * 3 / 2));
  }

  @Test
  void whatWasSavedUpStaysSo() {
    Throttle throttle = builder().perSecond(10).burst(5).build();
    assertThat(tries(throttle)).isEqualTo(5);
    advanceMillis(250);
    throttle.setRate(1, SECOND);
    assertThat(tries(throttle)).isEqualTo(2);
    advanceMillis(499);
    assertThat(tries(throttle)).isZero();
    advanceMillis(1);
    assertThat(tries(throttle)).isEqualTo(1);
    time.advance(HOUR);
    throttle.setRate(1, HOUR);
    assertThat(tries(throttle)).as("the burst").isEqualTo(5);
  }

  /** A quarter of a permit is missing, however often the unit changes in which that is counted. */
  @Test
  void manyChangesLoseAndWinNothing() {
    Throttle throttle = builder().rate(1, HOUR).build();
    assertThat(throttle.tryAcquire()).isNotNull();
    time.advance(Duration.ofMinutes(45));
    for (int i = 0; i < 100; i++) {
      throttle.setRate(1 + i, SECOND);
      throttle.setRate(3, Duration.ofDays(700));
    }
    throttle.setRate(1, Duration.ofDays(1));
    time.advance(Duration.ofHours(6).minusNanos(1));
    assertThat(throttle.tryAcquire()).isNull();
    time.advance(Duration.ofMinutes(1));
    assertThat(throttle.tryAcquire()).isNotNull();
  }

  @Test
  void theExtremesOfRatesFollowEachOther() {
    Throttle throttle = builder().perSecond(1e9).catchUp(Duration.ofDays(100_000)).build();
    assertThat(throttle.tryAcquire()).isNotNull();
    assertThat(throttle.tryAcquire()).isNull();
    time.advance(Duration.ofHours(1));
    throttle.setRate(1, Duration.ofDays(3650));
    throttle.setRate(1e9, SECOND);
    assertThat(throttle.tryAcquire()).isNotNull();
    Throttle idle = builder().rate(1, Duration.ofDays(3650)).build();
    assertThat(idle.tryAcquire()).isNotNull();
    idle.setRate(1e9, SECOND);
    assertThat(idle.tryAcquire()).isNull();
    time.advance(Duration.ofNanos(1));
    assertThat(idle.tryAcquire()).isNotNull();
  }

  /** What a thread was late for by the rate before is made up for, and nothing of idle time. */
  @Test
  void whatIsLateIsStillCaughtUpWith() {
    for (boolean isInDemand : new boolean[] {true, false}) {
      Throttle throttle = builder().perSecond(100).build();
      assertThat(throttle.tryAcquire()).isNotNull();
      assertThat(!isInDemand || throttle.tryAcquire() == null).isTrue();
      advanceMillis(40);
      throttle.setRate(200, SECOND);
      assertThat(tries(throttle)).isEqualTo(isInDemand ? 4 : 1);
    }
  }

  @Test
  void viewsAndServicesObey() {
    Throttle throttle = builder().atOnce(1).perSecond(1).burst(4).build();
    Throttle view = throttle.withCost(4);
    Service<String, String> service =
        throttle.around(
            (item, _) -> {
              grants.add(item);
              return new CompletableFuture<>();
            });
    service.submit("a");
    service.submit("b");
    CompletableFuture<Permit> four = view.acquireAsync();
    assertThat(grants).containsExactly("a");
    view.setAtOnce(3);
    assertThat(grants).containsExactly("a", "b");
    assertThat(four).isNotDone();
    view.setRate(10, SECOND);
    advanceMillis(199);
    assertThat(four).isNotDone();
    advanceMillis(1);
    assertThat(four).isDone();
    assertThat(view).hasToString(throttle.toString());
  }

  @Test
  void itSaysItsPresentLimits() {
    Throttle throttle =
        builder().name("geocoder").atOnce(8).perSecond(10).burst(3).catchUp(SECOND).build();
    throttle.setAtOnce(2);
    throttle.setRate(300, Duration.ofMinutes(1));
    assertThat(throttle)
        .hasToString(
            "Throttle[name=geocoder, atOnce=2, rate=300.0 in PT1M, burst=3, catchUp=PT1S]");
  }

  /** Whether somebody can have a permit in time is known at once, by the rate there is. */
  @Test
  void requestsAreJudgedByThePresentRate() throws Exception {
    Throttle throttle = builder().rate(1, HOUR).build();
    assertThat(throttle.tryAcquire()).isNotNull();
    assertThat(throttle.tryAcquire(SECOND)).isNull();
    assertThat(throttle.acquireAsync(SECOND)).isCompletedExceptionally();
    throttle.setRate(10, SECOND);
    CompletableFuture<Permit> permit = throttle.acquireAsync(SECOND);
    advanceMillis(100);
    assertThat(permit).isCompleted();
  }

  @Test
  void aWaitThatHasBegunGoesOnUntilItsTimeout() {
    Throttle throttle = builder().perSecond(10).build();
    assertThat(throttle.tryAcquire()).isNotNull();
    CompletableFuture<Permit> permit = throttle.acquireAsync(SECOND);
    throttle.setRate(1, HOUR);
    advanceMillis(999);
    assertThat(permit).isNotDone();
    advanceMillis(1);
    assertThat(permit).isCompletedExceptionally();
    assertThat(time.alarms()).isZero();
  }

  /** Who has begun to take one that is due by the old rate finds what is due by the new one. */
  @Test
  void nobodyTakesAPermitOfTheOldRateAfterTheChange() {
    HookedTime hooked = new HookedTime(time);
    Throttle throttle = Throttle.builder().timeSource(hooked).perSecond(10).build();
    assertThat(throttle.tryAcquire()).isNotNull();
    advanceMillis(100);
    hooked.atNextReads(() -> throttle.setRate(1, HOUR));
    assertThat(throttle.tryAcquire()).isNotNull();
    advanceMillis(100);
    assertThat(throttle.tryAcquire()).isNull();
    time.advance(HOUR);
    hooked.atNextReads(
        () -> {
          throttle.setRate(2, HOUR);
          assertThat(throttle.tryAcquire()).isNotNull();
        });
    assertThat(throttle.tryAcquire()).isNull();
    time.advance(HOUR.dividedBy(2));
    assertThat(throttle.tryAcquire()).isNotNull();
  }

  @Test
  void aClockThatThrowsLeavesTheRateAsItWas() {
    HookedTime hooked = new HookedTime(time);
    Throttle throttle = Throttle.builder().timeSource(hooked).perSecond(10).build();
    assertThat(throttle.tryAcquire()).isNotNull();
    hooked.atNextReads(
        () -> {},
        () -> {
          throw new IllegalStateException("no time");
        });
    assertThatThrownBy(() -> throttle.setRate(1, HOUR)).hasMessage("no time");
    assertThat(throttle.tryAcquire()).isNull();
    advanceMillis(100);
    assertThat(throttle.tryAcquire()).isNotNull();
  }

  @Test
  void anAlarmThatCannotBeSetIsToldToWhoChangesTheRate() {
    HandTime hand = new HandTime();
    Throttle throttle = Throttle.builder().timeSource(hand).rate(1, HOUR).build();
    assertThat(throttle.tryAcquire()).isNotNull();
    CompletableFuture<Permit> permit = throttle.acquireAsync();
    hand.failOnce(new IllegalStateException("no alarm"));
    assertThatThrownBy(() -> throttle.setRate(10, SECOND)).hasMessage("no alarm");
    assertThat(hand.alarms()).isZero();
    throttle.setRate(20, SECOND);
    hand.pass(Duration.ofMillis(50));
    hand.ring();
    assertThat(throttle.waiting()).isZero();
    hand.runTasks();
    assertThat(permit).isCompleted();
  }

  static Stream<Wrong> wrongValues() {
    Throttle both = Throttle.builder().atOnce(2).perSecond(10).burst(100_000).build();
    Duration negative = Duration.ofMillis(-1);
    return Stream.of(
        new Wrong("atOnce is 0, it has to be at least 1", () -> both.setAtOnce(0)),
        new Wrong("atOnce is -3, it has to be at least 1", () -> both.setAtOnce(-3)),
        new Wrong("rate is 0.0, it has to be a number above zero", () -> both.setRate(0, SECOND)),
        new Wrong(
            "rate is NaN, it has to be a number above zero",
            () -> both.setRate(Double.NaN, SECOND)),
        new Wrong("period is PT0S, it has to be above zero", () -> both.setRate(1, Duration.ZERO)),
        new Wrong("period is PT-0.001S, it has to be above zero", () -> both.setRate(1, negative)),
        new Wrong(
            "rate is 1.0E10 in PT1S, it has to be from one in 3650 days to one in a nanosecond",
            () -> both.setRate(1e10, SECOND)),
        new Wrong(
            "burst is 100000, at a rate of 1.0 in PT24H it has to be at most 13343",
            () -> both.setRate(1, Duration.ofDays(1))));
  }

  @ParameterizedTest
  @MethodSource("wrongValues")
  void wrongValuesAreRefusedWithAMessage(Wrong wrong) {
    wrong.assertRefusedWith(IllegalArgumentException.class);
  }

  @Test
  void aRateThatIsRefusedChangesNothing() {
    Throttle throttle = builder().atOnce(2).perSecond(10).burst(100_000).build();
    String before = throttle.toString();
    await(throttle.withCost(100_000), "a");
    await(throttle, "b");
    assertThatThrownBy(() -> throttle.setRate(1, Duration.ofDays(1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(throttle).hasToString(before);
    advanceMillis(100);
    assertThat(grants).containsExactly("a 0", "b 100");
  }

  static Stream<Wrong> limitsThatAreNotThere() {
    String only = ", it can be changed only where the throttle was built with it, and this is ";
    return Stream.of(
        new Wrong(
            "atOnce is 3" + only + "Throttle[rate=5.0 in PT1S, burst=1, catchUp=PT0.05S]",
            () -> Throttle.perSecond(5).setAtOnce(3)),
        new Wrong(
            "rate is 3.0 in PT1S" + only + "Throttle[atOnce=5]",
            () -> Throttle.atMost(5).setRate(3, SECOND)),
        new Wrong(
            "atOnce is 3" + only + "Throttle[unlimited]", () -> Throttle.unlimited().setAtOnce(3)));
  }

  @ParameterizedTest
  @MethodSource("limitsThatAreNotThere")
  void onlyALimitThatIsThereCanBeChanged(Wrong wrong) {
    wrong.assertRefusedWith(IllegalStateException.class);
  }
}
