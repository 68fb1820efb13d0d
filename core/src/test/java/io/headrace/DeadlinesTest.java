package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headrace.testkit.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The heap of deadlines. */
class DeadlinesTest {
  private final VirtualTime time = new VirtualTime();
  private final Deadlines deadlines = new Deadlines("service", time, Runnable::run);
  private final Observers observers = new Observers("service", List.of());
  private final List<Object> expired = new ArrayList<>();

  private Ticket add(Object name, Duration timeout) {
    Ticket ticket = new Ticket(name, CallOptions.timeout(timeout), observers, time, false);
    ticket.whenComplete(
        (result, failure) -> {
          if (failure instanceof DeadlineExceededException) {
            expired.add(name);
          }
        });
    deadlines.add(ticket.terms);
    return ticket;
  }

  private Ticket add(long nanos) {
    return add(nanos, Duration.ofNanos(nanos));
  }

  @Test
  void callsExpireInTheOrderOfTheirDeadlines() {
    for (long nanos : new long[] {50, 10, 40, 20, 30, 60}) {
      add(nanos);
    }
    time.advance(Duration.ofNanos(45));
    assertThat(expired).containsExactly(10L, 20L, 30L, 40L);
    time.advance(Duration.ofNanos(100));
    assertThat(expired).containsExactly(10L, 20L, 30L, 40L, 50L, 60L);
    assertThat(deadlines.size()).isZero();
  }

  @Test
  void eachExpiresAtExactlyItsDeadline() {
    Random random = new Random(7);
    List<long[]> late = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      long nanos = 1L + random.nextInt(10_000);
      long due = time.nanoTime() + nanos;
      add(i, Duration.ofNanos(nanos))
          .whenComplete(
              (result, failure) -> {
                if (time.nanoTime() != due) {
                  late.add(new long[] {due, time.nanoTime()});
                }
              });
      if (i % 10 == 0) {
        time.advance(Duration.ofNanos(random.nextInt(50)));
      }
    }
    time.advance(Duration.ofNanos(10_000));
    assertThat(expired).hasSize(2000);
    assertThat(late).isEmpty();
  }

  @Test
  void callsThatEndInTimeDoNotExpire() {
    Ticket first = add(10);
    Ticket second = add(20);
    first.succeed("done");
    time.advance(Duration.ofNanos(15));
    second.cancel(true);
    time.advance(Duration.ofNanos(15));
    assertThat(expired).isEmpty();
    assertThat(deadlines.size()).isZero();
  }

  @Test
  void aMillionCallsThatEndInTimeLeaveASmallHeap() {
    int largest = 0;
    for (int i = 0; i < 1_000_000; i++) {
      Ticket ticket =
          new Ticket(i, CallOptions.timeout(Duration.ofHours(1)), observers, time, false);
      deadlines.add(ticket.terms);
      ticket.succeed(i);
      largest = Math.max(largest, deadlines.size());
    }
    assertThat(largest).isLessThanOrEqualTo(64);
    assertThat(time.alarms()).isEqualTo(1);
  }

  @Test
  void theHeapHoldsAtMostTwiceAsManyAsAreInFlight() {
    List<Ticket> inFlight = new ArrayList<>();
    Random random = new Random(11);
    for (int i = 0; i < 200_000; i++) {
      inFlight.add(add(i, Duration.ofMillis(1 + random.nextInt(1000))));
      if (inFlight.size() == 1000) {
        inFlight.remove(random.nextInt(1000)).succeed(i);
      }
      assertThat(deadlines.size()).isLessThanOrEqualTo(2048);
    }
    time.advance(Duration.ofSeconds(1));
    assertThat(inFlight).allMatch(Ticket::isCompletedExceptionally);
    assertThat(expired).hasSize(inFlight.size());
  }

  @Test
  void aLongTimeoutAndManyShortOnesSetOneAlarmAtATime() {
    Ticket patient = add("patient", Duration.ofHours(1));
    for (int i = 0; i < 1000; i++) {
      add(i, Duration.ofMillis(1));
      assertThat(time.alarms()).isLessThanOrEqualTo(1);
      time.advance(Duration.ofMillis(1));
    }
    assertThat(expired).hasSize(1000);
    assertThat(patient).isNotDone();
    assertThat(time.alarms()).isEqualTo(1);
  }

  @Test
  void fallingDeadlinesSetOneAlarmAtATime() {
    for (int i = 1000; i > 0; i--) {
      add(i);
    }
    assertThat(time.alarms()).isEqualTo(1);
    time.advance(Duration.ofNanos(1000));
    assertThat(expired).hasSize(1000).startsWith(1L, 2L, 3L);
    assertThat(time.alarms()).isZero();
  }

  @Test
  void callsOfOneTimeoutRingAboutOncePerTimeout() {
    int[] alarms = {0};
    TimeSource counting =
        new TimeSource() {
          @Override
          public long nanoTime() {
            return time.nanoTime();
          }

          @Override
          public Alarm schedule(long delayNanos, Runnable task) {
            alarms[0]++;
            return time.schedule(delayNanos, task);
          }

          @Override
          public void execute(Runnable task) {
            time.execute(task);
          }
        };
    Deadlines counted = new Deadlines("service", counting, Runnable::run);
    for (int i = 0; i < 100_000; i++) {
      Ticket ticket =
          new Ticket(i, CallOptions.timeout(Duration.ofMillis(100)), observers, time, false);
      counted.add(ticket.terms);
      ticket.succeed(i);
      time.advance(Duration.ofMillis(1));
    }
    assertThat(alarms[0]).isLessThan(2000);
  }

  @ParameterizedTest
  @ValueSource(longs = {Long.MAX_VALUE - 25, Long.MAX_VALUE, Long.MIN_VALUE, -25, 0})
  void theOrderHoldsThroughTheWrapOfTheClock(long startNanos) {
    VirtualTime wrapping = new VirtualTime(startNanos);
    Deadlines heap = new Deadlines("service", wrapping, Runnable::run);
    List<Long> order = new ArrayList<>();
    for (long nanos : new long[] {50, 10, 40, 20, 30}) {
      Ticket ticket =
          new Ticket(
              nanos, CallOptions.timeout(Duration.ofNanos(nanos)), observers, wrapping, false);
      ticket.whenComplete((result, failure) -> order.add(nanos));
      heap.add(ticket.terms);
    }
    wrapping.advance(Duration.ofNanos(35));
    assertThat(order).containsExactly(10L, 20L, 30L);
    wrapping.advance(Duration.ofNanos(15));
    assertThat(order).containsExactly(10L, 20L, 30L, 40L, 50L);
  }

  @Test
  void endlessTimeoutsNeverExpire() {
    add("endless", Duration.ofSeconds(Long.MAX_VALUE));
    add("very long", Duration.ofDays(100_000));
    time.advance(Duration.ofDays(3650));
    assertThat(expired).isEmpty();
    assertThat(deadlines.size()).isEqualTo(2);
  }

  /** An alarm that cannot be set is missed once: the next call sets it. */
  @Test
  void aTimeThatFailsOnceDoesNotEndAllTimeouts() {
    HandTime hand = new HandTime();
    Deadlines heap = new Deadlines("service", hand, Runnable::run);
    List<Long> order = new ArrayList<>();
    for (long nanos : new long[] {60, 30, 40}) {
      Ticket ticket =
          new Ticket(nanos, CallOptions.timeout(Duration.ofNanos(nanos)), observers, hand, false);
      ticket.whenComplete((_, _) -> order.add(nanos));
      if (nanos == 30) {
        hand.failOnce(new IllegalStateException("no alarm"));
        assertThatThrownBy(() -> heap.add(ticket.terms)).hasMessage("no alarm");
      } else {
        heap.add(ticket.terms);
      }
    }
    hand.pass(Duration.ofNanos(40));
    hand.failOnce(new IllegalStateException("no alarm for the one at 60"));
    assertThatThrownBy(hand::ring).hasMessage("no alarm for the one at 60");
    hand.runTasks();
    assertThat(order).containsExactly(30L, 40L);
    Ticket later =
        new Ticket(99L, CallOptions.timeout(Duration.ofNanos(99)), observers, hand, false);
    heap.add(later.terms);
    hand.pass(Duration.ofNanos(20));
    hand.ring();
    hand.runTasks();
    assertThat(order).containsExactly(30L, 40L, 60L);
  }
}
