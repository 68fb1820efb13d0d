package io.headrace;

import java.util.ArrayList;
import java.util.List;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Tickets are withdrawn and swept out of the middle of a queue while others are being added. */
class DeadTicketsLincheckTest {
  @Test
  void modelChecking() {
    Depth.modelChecking().sequentialSpecification(Model.class).check(Sweeping.class);
  }

  @Test
  void stress() {
    Depth.stress().sequentialSpecification(Model.class).check(Sweeping.class);
  }

  /** A queue that is swept at the first withdrawn ticket. */
  @Param(name = "item", gen = IntGen.class, conf = "1:9")
  public static class Sweeping {
    private static final Step STEP = Parts.step(List::copyOf, step -> {});

    private final QueuedStation station = Parts.station(STEP);
    private final TicketQueue queue = new TicketQueue(Integer.MAX_VALUE);

    @Operation
    public void offer(@Param(name = "item") int item) {
      Ticket ticket = Parts.ticket(item);
      queue.reserve(1);
      ticket.waitAt(station);
      queue.add(ticket, ticket);
    }

    @Operation(nonParallelGroup = "consumer")
    public @Nullable Object take() {
      while (true) {
        Ticket ticket = queue.poll();
        if (ticket == null) {
          if (queue.isDrained()) {
            return null;
          }
          Thread.onSpinWait();
        } else if (ticket.waitsAt(station)) {
          ticket.waitNowhere(station.flow.tally.calls);
          queue.left();
          return ticket.value;
        } else {
          queue.buried();
        }
      }
    }

    /** Withdraws the first ticket within reach, and so the queue is swept. */
    @Operation(nonParallelGroup = "consumer")
    public @Nullable Object withdrawFirst() {
      while (true) {
        Ticket ticket = queue.peek();
        if (ticket != null && ticket.waitsAt(station)) {
          ticket.waitNowhere(station.flow.tally.calls);
          queue.died();
          queue.sweep(station, 1);
          return ticket.value;
        }
        if (ticket != null && queue.poll() != null) {
          queue.buried();
          continue;
        }
        if (queue.isDrained()) {
          return null;
        }
        Thread.onSpinWait();
      }
    }
  }

  /** What it should do. */
  public static class Model {
    private final List<Integer> items = new ArrayList<>();

    public void offer(int item) {
      items.add(item);
    }

    public @Nullable Object take() {
      return items.isEmpty() ? null : items.removeFirst();
    }

    public @Nullable Object withdrawFirst() {
      return take();
    }
  }
}
