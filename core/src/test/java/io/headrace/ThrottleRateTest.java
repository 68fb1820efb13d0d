package io.headrace;

import static io.headrace.FlowProbes.awaitThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** When permits are granted, in virtual time. */
class ThrottleRateTest {
  private final VirtualTime time = new VirtualTime();
  private final long startNanos = time.nanoTime();

  /** Microseconds from the start at which permits were granted, in the order of the grants. */
  private final List<Long> grants = new ArrayList<>();

  private ThrottleBuilder builder() {
    return Throttle.builder().timeSource(time);
  }

  private long nowMicros() {
    return (time.nanoTime() - startNanos) / 1_000;
  }

  private void await(Throttle throttle, int count) {
    for (int i = 0; i < count; i++) {
      throttle.acquireAsync().thenAccept(permit -> grants.add(nowMicros()));
    }
  }

  private void advanceMicros(long micros) {
    time.advance(Duration.ofNanos(micros * 1_000));
  }

  /** Time passes without a chance to do anything: alarms that became due ring at its end. */
  private static final class LateTime implements TimeSource {
    private final VirtualTime alarms = new VirtualTime(0);
    private long nowNanos;

    @Override
    public long nanoTime() {
      return nowNanos;
    }

    @Override
    public Alarm schedule(long delayNanos, Runnable task) {
      return alarms.schedule(nowNanos - alarms.nanoTime() + delayNanos, task);
    }

    @Override
    public void execute(Runnable task) {
      task.run();
    }

    void jump(Duration duration) {
      nowNanos += duration.toNanos();
      alarms.advance(Duration.ofNanos(nowNanos - alarms.nanoTime()));
    }
  }

  /** The first at once, then evenly spaced. */
  @Test
  void permitsAreSpacedEvenly() {
    Throttle throttle = builder().perSecond(10).build();
    await(throttle, 5);
    time.advance(Duration.ofSeconds(1));
    assertThat(grants).containsExactly(0L, 100_000L, 200_000L, 300_000L, 400_000L);
    assertThat(time.alarms()).isZero();
  }

  private CompletableFuture<Permit> awaitOne(Throttle throttle, int cost) {
    CompletableFuture<Permit> permit = throttle.withCost(cost).acquireAsync();
    permit.thenAccept(_ -> grants.add(nowMicros()));
    return permit;
  }

  @Test
  void aPermitThatCostsSeveralIsGrantedWhenAsManyAreSavedUp() {
    Throttle throttle = builder().perSecond(10).burst(5).build();
    awaitOne(throttle, 5);
    awaitOne(throttle, 3);
    awaitOne(throttle, 1);
    time.advance(Duration.ofSeconds(10));
    awaitOne(throttle, 4);
    awaitOne(throttle, 1);
    awaitOne(throttle, 5);
    time.advance(Duration.ofSeconds(1));
    assertThat(grants)
        .containsExactly(0L, 300_000L, 400_000L, 10_000_000L, 10_000_000L, 10_500_000L);
  }

  @Test
  void oneThatCostsLessIsDueEarlierWhenTheOneBeforeItGivesUp() {
    Throttle throttle = builder().perSecond(10).burst(5).build();
    awaitOne(throttle, 5);
    var first = awaitOne(throttle, 5);
    var second = awaitOne(throttle, 4);
    awaitOne(throttle, 1);
    time.advance(Duration.ofMillis(50));
    first.cancel(true);
    time.advance(Duration.ofMillis(150));
    assertThat(grants).containsExactly(0L);
    second.cancel(true);
    assertThat(grants).containsExactly(0L, 200_000L);
    assertThat(time.alarms()).isZero();
  }

  @Test
  void whatNobodyCanSaveUpIsRefused() {
    Throttle throttle = builder().perSecond(10).burst(5).build();
    for (int cost : new int[] {0, -1, 6, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      assertThatThrownBy(() -> throttle.withCost(cost))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("cost is %d, it has to be from 1 to the burst of %s", cost, throttle);
    }
    Throttle slots = Throttle.atMost(3);
    assertThatThrownBy(() -> slots.withCost(2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "cost is 2, it has a meaning only beside a rate, and this is Throttle[atOnce=3]");
    assertThatThrownBy(() -> slots.withCost(0))
        .hasMessage(
            "cost is 0, it has a meaning only beside a rate, and this is Throttle[atOnce=3]");
  }

  /** Of five that are saved up one is left, and each of these needs two. */
  @Test
  void whoBlocksWaitsForAllThatThePermitCosts() throws InterruptedException {
    Throttle throttle = builder().perSecond(10).burst(5).build();
    assertThat(throttle.withCost(4).tryAcquire()).isNotNull();
    Throttle two = throttle.withCost(2);
    assertThat(two.tryAcquire()).isNull();
    assertThat(two.tryAcquire(Duration.ofMillis(99))).isNull();
    assertThat(two.acquireAsync(Duration.ofMillis(99))).isCompletedExceptionally();
    Thread thread =
        Thread.startVirtualThread(
            () -> {
              try {
                two.acquire();
              } catch (InterruptedException e) {
                throw new AssertionError("nobody interrupts", e);
              }
              grants.add(nowMicros());
            });
    awaitThat("it waits", () -> throttle.waiting() == 1 || !thread.isAlive());
    assertThat(grants).isEmpty();
    advanceMicros(100_000);
    thread.join();
    assertThat(grants).containsExactly(100_000L);
  }

  /** How permits are asked for, and something is started with each. */
  private enum Way {
    ACQUIRE {
      @Override
      void start(Throttle throttle, int count, Runnable started) {
        Thread.startVirtualThread(
            () -> {
              for (int i = 0; i < count; i++) {
                try {
                  throttle.acquire().close();
                } catch (InterruptedException e) {
                  throw new AssertionError("nobody interrupts", e);
                }
                started.run();
              }
            });
      }
    },
    ACQUIRE_ASYNC {
      @Override
      void start(Throttle throttle, int count, Runnable started) {
        for (int i = 0; i < count; i++) {
          var _ = throttle.acquireAsync().thenAccept(_ -> started.run());
        }
      }
    },
    AROUND {
      @Override
      void start(Throttle throttle, int count, Runnable started) {
        Service<Integer, Integer> throttled =
            throttle.around(
                (item, _) -> {
                  started.run();
                  return CompletableFuture.completedFuture(item);
                });
        for (int i = 0; i < count; i++) {
          var _ = throttled.submit(i);
        }
      }
    };

    abstract void start(Throttle throttle, int count, Runnable started);
  }

  /** Rates whose interval is no whole number of nanoseconds are exact in the long run, too. */
  @ParameterizedTest
  @EnumSource(Way.class)
  void startsKeepTheRate(Way way) {
    int count = 211;
    for (double rate : new double[] {0.3, 7, 30, 70, 110}) {
      VirtualTime clock = new VirtualTime();
      long begunNanos = clock.nanoTime();
      List<Long> starts = Collections.synchronizedList(new ArrayList<>());
      Throttle throttle = Throttle.builder().perSecond(rate).timeSource(clock).build();
      way.start(throttle, count, () -> starts.add(clock.nanoTime() - begunNanos));
      for (int i = 1; i < count; i++) {
        int started = i;
        Spin.until(() -> starts.size() == started && clock.alarms() != 0);
        assertThat(clock.advanceToNext()).isTrue();
      }
      Spin.until(() -> starts.size() == count);
      for (int i = 0; i < count; i++) {
        double dueNanos = i * 1e9 / rate;
        assertThat((double) starts.get(i))
            .as("start %d at %s per second", i, rate)
            .isBetween(dueNanos * 0.99999, dueNanos * 1.00001 + 1);
      }
    }
  }

  /** Fractions, and periods other than a second. */
  @Test
  void aRateCanBeBelowOneInASecond() {
    await(builder().perSecond(0.2).build(), 3);
    await(builder().rate(300, Duration.ofMinutes(1)).build(), 3);
    time.advance(Duration.ofMinutes(1));
    assertThat(grants).containsExactly(0L, 0L, 200_000L, 400_000L, 5_000_000L, 10_000_000L);
  }

  @Test
  void anIdleThrottleSavesUpItsBurstAndNoMore() {
    Throttle throttle = builder().perSecond(10).burst(3).build();
    await(throttle, 5);
    time.advance(Duration.ofHours(1));
    await(throttle, 5);
    time.advance(Duration.ofSeconds(1));
    long hour = Duration.ofHours(1).toMillis() * 1_000;
    assertThat(grants)
        .containsExactly(
            0L, 0L, 0L, 100_000L, 200_000L, hour, hour, hour, hour + 100_000, hour + 200_000);
  }

  @Test
  void withoutABurstIdleTimeSavesUpNothing() {
    Throttle throttle = builder().perSecond(10).build();
    await(throttle, 2);
    time.advance(Duration.ofSeconds(10));
    await(throttle, 3);
    time.advance(Duration.ofSeconds(1));
    assertThat(grants).containsExactly(0L, 100_000L, 10_000_000L, 10_100_000L, 10_200_000L);
  }

  /** A wake-up that comes late does not shift the later ones; in aiometer it does. */
  @Test
  void aLateAlarmDoesNotShiftTheSchedule() {
    LateTime late = new LateTime();
    Throttle throttle = Throttle.builder().timeSource(late).perSecond(1_000).build();
    List<Long> granted = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      throttle.acquireAsync().thenAccept(permit -> granted.add(late.nanoTime() / 1_000));
    }
    for (int micros : new int[] {1_300, 4_100, 4_900, 5_000, 6_000, 7_000}) {
      late.jump(Duration.ofNanos(micros * 1_000L - late.nanoTime()));
    }
    assertThat(granted).containsExactly(0L, 1_300L, 4_100L, 4_100L, 4_100L, 5_000L, 6_000L, 7_000L);
  }

  @Test
  void whatIsLateByMoreThanTheBoundIsLost() {
    LateTime late = new LateTime();
    Throttle throttle =
        Throttle.builder().timeSource(late).perSecond(1_000).catchUp(Duration.ofMillis(3)).build();
    List<Long> granted = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      throttle.acquireAsync().thenAccept(permit -> granted.add(late.nanoTime() / 1_000));
    }
    late.jump(Duration.ofMillis(500));
    late.jump(Duration.ofMillis(1));
    late.jump(Duration.ofMillis(1));
    late.jump(Duration.ofMillis(1));
    assertThat(granted)
        .containsExactly(0L, 500_000L, 500_000L, 500_000L, 500_000L, 501_000L, 502_000L, 503_000L);
  }

  /** After a stall one by one from now, as in aiometer. */
  @Test
  void strictSpacingCatchesUpWithNothing() {
    LateTime late = new LateTime();
    Throttle throttle =
        Throttle.builder().timeSource(late).perSecond(1_000).catchUp(Duration.ZERO).build();
    List<Long> granted = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      throttle.acquireAsync().thenAccept(permit -> granted.add(late.nanoTime() / 1_000));
    }
    late.jump(Duration.ofNanos(1_300_000));
    late.jump(Duration.ofNanos(900_000));
    late.jump(Duration.ofNanos(200_000));
    late.jump(Duration.ofMillis(1));
    assertThat(granted).containsExactly(0L, 1_300L, 2_400L, 3_400L);
  }

  /** A caller that comes back a little late for its next permit keeps the rate, too. */
  @Test
  void aLoopThatIsSometimesLateKeepsTheRate() {
    Throttle throttle = builder().perSecond(1_000_000).build();
    int granted = 0;
    for (int i = 0; i < 10_000; i++) {
      while (throttle.tryAcquire() != null) {
        granted++;
      }
      advanceMicros(1 + i % 100);
    }
    assertThat(granted).isBetween((int) nowMicros() - 100, (int) nowMicros() + 1);
  }

  /** The permits of the time since then may be gone, also of a time that is long for the rate. */
  @Test
  void aThreadThatIsHeldUpAfterItHasReadTheClockTakesNothingThatIsNotDue() {
    HookedTime hooked = new HookedTime(time);
    Throttle throttle = Throttle.builder().timeSource(hooked).perSecond(10).build();
    hooked.atNextReads(
        () -> {
          time.advance(Duration.ofSeconds(5));
          assertThat(throttle.tryAcquire()).isNotNull();
        });
    assertThat(throttle.tryAcquire()).isNull();
    time.advance(Duration.ofMillis(100));
    assertThat(throttle.tryAcquire()).isNotNull();
  }

  /** A gap beyond the bound is idle time. */
  @Test
  void aLoopThatPausesSavesUpNothing() {
    Throttle throttle = builder().perSecond(1_000).catchUp(Duration.ofMillis(5)).build();
    assertThat(throttle.tryAcquire()).isNotNull();
    assertThat(throttle.tryAcquire()).isNull();
    time.advance(Duration.ofMillis(7));
    assertThat(throttle.tryAcquire()).isNotNull();
    assertThat(throttle.tryAcquire()).isNull();
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e5, 1e6, 3e6, 1e7, 3.3e8, 7.77e8, 1e9})
  void aHighRateIsExact(double perSecond) {
    Throttle throttle = builder().perSecond(perSecond).build();
    int granted = 0;
    for (int i = 0; i < 200; i++) {
      while (throttle.tryAcquire() != null) {
        granted++;
      }
      advanceMicros(10);
    }
    double expected = 1 + 199 * 10e-6 * perSecond;
    assertThat((double) granted).isBetween(expected * 0.9999 - 1, expected * 1.0001);
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-6, 0.2, 1, 3, 7, 999, 1e3, 1e4, 77_777})
  void aLowRateIsExact(double perSecond) {
    await(builder().perSecond(perSecond).build(), 1_001);
    while (time.advanceToNext()) {}
    double expectedMicros = 1_000 * 1e6 / perSecond;
    assertThat((double) grants.getLast())
        .isBetween(expectedMicros * 0.9999 - 1, expectedMicros * 1.0001);
  }

  /** Several callers and services obey one throttle; in aiometer each run has its own. */
  @Test
  void aThrottleIsShared() {
    Throttle throttle = builder().perSecond(10).build();
    Service<Integer, Integer> one = throttle.around((item, options) -> granted(item));
    Service<Integer, Integer> other = throttle.around((item, options) -> granted(item));
    one.submit(1);
    other.submit(2);
    await(throttle, 1);
    one.submit(3);
    time.advance(Duration.ofSeconds(1));
    assertThat(grants).containsExactly(0L, 100_000L, 200_000L, 300_000L);
  }

  private CompletableFuture<Integer> granted(Integer item) {
    grants.add(nowMicros());
    return CompletableFuture.completedFuture(item);
  }

  @Test
  void onlyOneAlarmIsSetHoweverManyWait() {
    Throttle throttle = builder().perSecond(10).build();
    await(throttle, 1_000);
    assertThat(time.alarms()).isOne();
    time.advance(Duration.ofSeconds(100));
    assertThat(grants).isEqualTo(LongStream.range(0, 1_000).mapToObj(i -> i * 100_000).toList());
    assertThat(time.alarms()).isZero();
  }

  /** Ticks of a high rate wrap around in months. */
  @Test
  void aThrottleMayBeIdleForYears() {
    for (double rate : new double[] {1, 1e6, 1e9}) {
      Throttle throttle = builder().perSecond(rate).build();
      for (int days : IntStream.range(0, 60).map(i -> 1 + i * 13).toArray()) {
        assertThat(throttle.tryAcquire()).as("%s after %s days", rate, days).isNotNull();
        time.advance(Duration.ofDays(days));
      }
    }
  }
}
