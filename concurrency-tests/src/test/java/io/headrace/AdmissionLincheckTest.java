package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Items come and leave while the rate is measured: a window counts once, and so does an item. */
class AdmissionLincheckTest {
  private static final long WINDOW_NANOS = 50_000_000;
  private static final int ITEMS_IN_WINDOW = 8;

  /** Three quarters of what leaves in the time that an item has; the next one is refused. */
  private static final int LIMIT = 6;

  private static final Step STEP = Parts.step(List::copyOf, step -> {});

  /** A flow whose only worker is busy, and what is let into it. */
  private static final class Saturated {
    private final AtomicLong nowNanos = new AtomicLong();
    private final Flow<Object, Object> flow =
        new Flow<>(
            new FlowPlan<>(
                "saturated",
                List.of(STEP),
                1,
                Parts.at(nowNanos::get),
                List.of(),
                List.of(),
                0,
                0));
    private final QueuedStation station = (QueuedStation) flow.station(0);
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final Admission admission = new Admission(flow, WINDOW_NANOS);

    /** Its rate is known after two windows, and a third is over. */
    Saturated() {
      admission.watch(station);
      Parts.employ(station, tasks::add);
      Ticket busy = Parts.ticket("busy");
      station.accept(busy, busy, 1, null);
      for (int window = 0; window < 2; window++) {
        nextWindow();
        enterAndLeave();
      }
      nextWindow();
    }

    private void nextWindow() {
      nowNanos.addAndGet(WINDOW_NANOS);
      station.ended(ITEMS_IN_WINDOW);
    }

    void enterAndLeave() {
      Ticket ticket = Parts.ticket("item");
      assertNull(admission.refusal(ticket));
      admission.left(ticket);
    }

    /** How many come in until one is refused. */
    int room() {
      int count = 0;
      while (count < 2 * LIMIT && admission.refusal(Parts.ticket(count)) == null) {
        count++;
      }
      return count;
    }
  }

  @Test
  void roomIsTheSameAfterwards() {
    Depth.explore(
        () -> {
          Saturated saturated = new Saturated();
          Threads.run(List.of(saturated), saturated::enterAndLeave, saturated::enterAndLeave);
          assertEquals(LIMIT, saturated.room());
        });
  }
}
