package io.headrace.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class VirtualTimeTest {
  private static final Duration NANO = Duration.ofNanos(1);

  private final VirtualTime time = new VirtualTime(Long.MAX_VALUE - 3);
  private final long startNanos = time.nanoTime();
  private final List<String> log = new ArrayList<>();

  private void note(String what) {
    log.add(what + "@" + (time.nanoTime() - startNanos));
  }

  private void schedule(long delayNanos, String what) {
    time.schedule(delayNanos, () -> note(what));
  }

  @Test
  void timePassesOnlyWhenTold() {
    assertThat(time.nanoTime()).isEqualTo(startNanos);
    time.advance(Duration.ofSeconds(5));
    assertThat(time.nanoTime() - startNanos).isEqualTo(5_000_000_000L);
    time.advance(Duration.ZERO);
    assertThat(time.nanoTime() - startNanos).isEqualTo(5_000_000_000L);
  }

  @Test
  void startsWhereItIsToldAndOtherwiseAnHourBeforeTheWrap() {
    assertThat(new VirtualTime(42).nanoTime()).isEqualTo(42);
    VirtualTime usual = new VirtualTime();
    long start = usual.nanoTime();
    usual.advance(Duration.ofHours(2));
    assertThat(usual.nanoTime()).isNegative();
    assertThat(usual.nanoTime() - start).isEqualTo(Duration.ofHours(2).toNanos());
  }

  @Test
  void alarmsRingAtTheirTimesInTheirOrder() {
    schedule(30, "c");
    schedule(10, "a");
    schedule(20, "b1");
    schedule(20, "b2");
    time.advance(Duration.ofNanos(19));
    assertThat(log).containsExactly("a@10");
    time.advance(NANO);
    assertThat(log).containsExactly("a@10", "b1@20", "b2@20");
    time.advance(Duration.ofNanos(100));
    assertThat(log).endsWith("c@30");
    assertThat(time.nanoTime() - startNanos).isEqualTo(120);
    assertThat(time.alarms()).isZero();
  }

  @Test
  void alarmsBeforeTheWrapRingBeforeThoseAfterIt() {
    schedule(10, "after");
    schedule(2, "before");
    time.advance(Duration.ofNanos(20));
    assertThat(log).containsExactly("before@2", "after@10");
  }

  @Test
  void anAlarmThatIsDueRingsWhenNoTimePasses() {
    schedule(0, "now");
    schedule(-5, "late");
    assertThat(log).isEmpty();
    time.advance(Duration.ZERO);
    assertThat(log).containsExactly("now@0", "late@0");
  }

  @Test
  void aCancelledAlarmDoesNotRing() {
    var alarm = time.schedule(10, () -> note("cancelled"));
    schedule(10, "other");
    assertThat(time.alarms()).isEqualTo(2);
    alarm.cancel();
    alarm.cancel();
    assertThat(time.alarms()).isEqualTo(1);
    time.advance(Duration.ofNanos(10));
    assertThat(log).containsExactly("other@10");
    alarm.cancel();
  }

  @Test
  void anAlarmMaySetOthersThatAreDueInTheSameAdvance() {
    time.schedule(
        10,
        () -> {
          note("first");
          schedule(5, "second");
          schedule(0, "at once");
          schedule(50, "later");
        });
    time.advance(Duration.ofNanos(20));
    assertThat(log).containsExactly("first@10", "at once@10", "second@15");
    time.advance(Duration.ofNanos(40));
    assertThat(log).endsWith("later@60");
  }

  @Test
  void anAlarmThatAdvancesTheTimeDoesNotMakeItGoBack() {
    time.schedule(10, () -> time.advance(Duration.ofNanos(100)));
    time.advance(Duration.ofNanos(20));
    assertThat(time.nanoTime() - startNanos).isEqualTo(110);
  }

  @Test
  void whatAnAlarmThrowsComesOutAndTheOthersRingLater() {
    time.schedule(
        10,
        () -> {
          throw new IllegalStateException("broken");
        });
    schedule(20, "other");
    assertThatThrownBy(() -> time.advance(Duration.ofNanos(30)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("broken");
    assertThat(time.nanoTime() - startNanos).isEqualTo(10);
    time.advance(Duration.ofNanos(20));
    assertThat(log).containsExactly("other@20");
  }

  @Test
  void advancesFromAlarmToAlarm() {
    schedule(10, "a");
    schedule(1000, "b");
    assertThat(time.advanceToNext()).isTrue();
    assertThat(time.advanceToNext()).isTrue();
    assertThat(time.advanceToNext()).isFalse();
    assertThat(log).containsExactly("a@10", "b@1000");
  }

  @Test
  void aValueIsThereAfterItsDelay() {
    var future = time.after("x", Duration.ofNanos(10));
    time.advance(Duration.ofNanos(9));
    assertThat(future).isNotDone();
    time.advance(NANO);
    assertThat(future).isCompletedWithValue("x");
  }

  @Test
  void executesOnTheCallingThread() {
    Thread[] thread = {null};
    time.execute(() -> thread[0] = Thread.currentThread());
    assertThat(thread[0]).isSameAs(Thread.currentThread());
  }

  @Test
  void timeDoesNotGoBack() {
    assertThatThrownBy(() -> time.advance(Duration.ofNanos(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("duration is PT-0.000000001S, time does not go back");
  }

  @Test
  void isThreadSafe() throws Exception {
    AtomicInteger rung = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    long last = time.nanoTime();
                    for (int i = 0; i < 5000; i++) {
                      time.schedule(i % 7, rung::incrementAndGet);
                      time.schedule(i % 5, () -> {}).cancel();
                      time.advance(NANO);
                      long now = time.nanoTime();
                      if (now - last < 0) {
                        throw new IllegalStateException("time went back");
                      }
                      last = now;
                    }
                    rung.addAndGet(1_000_000);
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    time.advance(Duration.ofNanos(10));
    assertThat(rung).hasValue(4_020_000);
    assertThat(time.alarms()).isZero();
  }

  @Test
  void advancesByWhatAClockCanTell() {
    VirtualTime time = new VirtualTime();
    assertThatThrownBy(() -> time.advance(Duration.ofSeconds(Long.MAX_VALUE)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("duration is " + Duration.ofSeconds(Long.MAX_VALUE));
    time.advance(Duration.ofDays(36_500));
    assertThatThrownBy(() -> time.after(1, Duration.ofSeconds(Long.MAX_VALUE)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("delay is " + Duration.ofSeconds(Long.MAX_VALUE) + ", at most");
    var soon = time.after(1, Duration.ofSeconds(Long.MIN_VALUE));
    time.advance(Duration.ZERO);
    assertThat(soon).isCompletedWithValue(1);
  }
}
