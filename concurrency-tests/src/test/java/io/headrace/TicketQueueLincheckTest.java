package io.headrace;

import java.util.ArrayDeque;
import java.util.Queue;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Any number of threads offer, one at a time takes: first in, first out, and nothing after a close.
 */
class TicketQueueLincheckTest {
  @Test
  void modelChecking() {
    Depth.modelChecking().sequentialSpecification(Model.class).check(Unbounded.class);
  }

  @Test
  void stress() {
    Depth.stress().sequentialSpecification(Model.class).check(Unbounded.class);
  }

  /** A queue without bound. */
  @Param(name = "item", gen = IntGen.class, conf = "1:9")
  public static class Unbounded {
    private final TicketQueue queue = new TicketQueue(Integer.MAX_VALUE);

    @Operation
    public boolean offer(@Param(name = "item") int item) {
      if (queue.reserve(1) != 1) {
        return false;
      }
      Ticket ticket = Parts.ticket(item);
      queue.add(ticket, ticket);
      return true;
    }

    /** Waits for tickets that are being added. */
    @Operation(nonParallelGroup = "consumer")
    public @Nullable Object take() {
      Ticket ticket;
      while ((ticket = queue.poll()) == null) {
        if (queue.isDrained()) {
          return null;
        }
        Thread.onSpinWait();
      }
      queue.left();
      return ticket.value;
    }

    @Operation
    public void close() {
      queue.close();
    }
  }

  /** What it should do. */
  public static class Model {
    private final Queue<Integer> items = new ArrayDeque<>();
    private boolean isClosed;

    public boolean offer(int item) {
      return !isClosed && items.add(item);
    }

    public @Nullable Object take() {
      return items.poll();
    }

    public void close() {
      isClosed = true;
    }
  }
}
