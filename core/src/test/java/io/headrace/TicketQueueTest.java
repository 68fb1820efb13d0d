package io.headrace;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The queue of tickets by itself; that of a station is tested through its service. */
class TicketQueueTest {
  private static final Observers NOBODY = new Observers("service", List.of());

  private final TicketQueue queue = new TicketQueue(Integer.MAX_VALUE);

  private static Ticket ticket(Object value) {
    return new Ticket(value, CallOptions.DEFAULT, NOBODY, TimeSource.system(), false);
  }

  private static void add(TicketQueue queue, Object... values) {
    Ticket first = ticket(values[0]);
    Ticket last = first;
    for (int i = 1; i < values.length; i++) {
      Ticket next = ticket(values[i]);
      last.setNext(next);
      last = next;
    }
    assertThat(queue.reserve(values.length)).isEqualTo(values.length);
    queue.add(first, last);
  }

  private static List<Object> drain(TicketQueue queue) {
    List<Object> values = new ArrayList<>();
    Ticket ticket;
    while ((ticket = queue.poll()) != null) {
      assertThat(ticket.next()).isNull();
      values.add(ticket.value);
      queue.left();
    }
    queue.publish();
    return values;
  }

  @Test
  void isFirstInFirstOutAlsoForChains() {
    add(queue, 1);
    add(queue, 2, 3, 4);
    add(queue, 5);
    assertThat(queue.length()).isEqualTo(5);
    assertThat(queue.peek().value).isEqualTo(1);
    assertThat(drain(queue)).containsExactly(1, 2, 3, 4, 5);
    assertThat(queue.length()).isZero();
    assertThat(queue.isDrained()).isTrue();
  }

  @Test
  void isUsableAgainAndAgainOnceItWasEmpty() {
    for (int round = 0; round < 5; round++) {
      assertThat(queue.peek()).isNull();
      assertThat(queue.poll()).isNull();
      add(queue, round);
      assertThat(drain(queue)).containsExactly(round);
    }
  }

  @Test
  void acceptsUpToItsCapacityAndMoreWhenSomethingHasLeft() {
    TicketQueue small = new TicketQueue(3);
    add(small, 1, 2);
    assertThat(small.reserve(5)).isEqualTo(1);
    Ticket third = ticket(3);
    small.add(third, third);
    assertThat(small.reserve(1)).isZero();
    small.poll();
    small.left();
    small.publish();
    assertThat(small.reserve(2)).isEqualTo(1);
  }

  @Test
  void refusesEverythingOnceItIsClosedAndKeepsWhatItHas() {
    for (TicketQueue some : List.of(queue, new TicketQueue(10))) {
      add(some, 1, 2);
      some.close();
      assertThat(some.reserve(1)).isEqualTo(TicketQueue.REFUSED_CLOSED);
      assertThat(some.length()).isEqualTo(2);
      assertThat(some.isDrained()).isFalse();
      assertThat(drain(some)).containsExactly(1, 2);
      assertThat(some.isDrained()).isTrue();
      assertThat(some.reserve(3)).isEqualTo(TicketQueue.REFUSED_CLOSED);
      assertThat(some.isDrained()).isTrue();
    }
  }

  @Test
  void keepsTheOrderOfEachProducer() throws Exception {
    int producers = 4;
    int each = 50_000;
    CountDownLatch go = new CountDownLatch(1);
    AtomicInteger running = new AtomicInteger(producers);
    for (int p = 0; p < producers; p++) {
      int producer = p;
      Thread.ofPlatform()
          .start(
              () -> {
                try {
                  go.await();
                } catch (InterruptedException e) {
                  return;
                }
                for (int i = 0; i < each; i++) {
                  add(queue, new int[] {producer, i});
                }
                running.decrementAndGet();
              });
    }
    go.countDown();
    int[] next = new int[producers];
    int taken = 0;
    while (taken < producers * each) {
      Ticket ticket = queue.poll();
      if (ticket != null) {
        int[] value = (int[]) ticket.value;
        assertThat(value[1]).isEqualTo(next[value[0]]++);
        queue.left();
        taken++;
      } else {
        assertThat(running.get() > 0 || queue.length() > 0).isTrue();
        Thread.onSpinWait();
      }
    }
    assertThat(queue.isDrained()).isTrue();
  }
}
