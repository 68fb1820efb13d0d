package io.headrace;

import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Test;

/**
 * The bound of a queue is exact. Which item is which does not matter here: room is given in the
 * order of reservations and items leave in the order of links, which can differ.
 */
class BoundedQueueLincheckTest {
  @Test
  void modelChecking() {
    Depth.modelChecking().sequentialSpecification(Model.class).check(Bounded.class);
  }

  @Test
  void stress() {
    Depth.stress().sequentialSpecification(Model.class).check(Bounded.class);
  }

  /** A queue for two tickets. */
  public static class Bounded {
    private final TicketQueue queue = new TicketQueue(2);

    @Operation
    public int offer() {
      return offer(Parts.ticket(1), null);
    }

    /** A chain of two, of which one may be refused. */
    @Operation
    public int offerTwo() {
      return offer(Parts.ticket(1), Parts.ticket(2));
    }

    private int offer(Ticket first, Ticket second) {
      int room = queue.reserve(second == null ? 1 : 2);
      if (room == 2) {
        first.setNext(second);
        queue.add(first, second);
      } else if (room == 1) {
        queue.add(first, first);
      }
      return room;
    }

    @Operation(nonParallelGroup = "consumer")
    public boolean take() {
      while (queue.poll() == null) {
        if (queue.isDrained()) {
          return false;
        }
        Thread.onSpinWait();
      }
      queue.left();
      queue.publish();
      return true;
    }

    @Operation
    public void close() {
      queue.close();
    }
  }

  /** What it should do. */
  public static class Model {
    private int length;
    private boolean isClosed;

    public int offer() {
      return offer(1);
    }

    public int offerTwo() {
      return offer(2);
    }

    private int offer(int n) {
      if (isClosed) {
        return TicketQueue.REFUSED_CLOSED;
      }
      int room = Math.min(n, 2 - length);
      length += room;
      return room;
    }

    public boolean take() {
      if (length == 0) {
        return false;
      }
      length--;
      return true;
    }

    public void close() {
      isClosed = true;
    }
  }
}
