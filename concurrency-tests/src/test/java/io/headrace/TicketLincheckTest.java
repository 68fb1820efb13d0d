package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;

/** A thread waits for a ticket while others end it: it wakes up, and the ticket ends once. */
class TicketLincheckTest {
  @Test
  void awaitSeesTheResult() {
    Depth.explore(
        () -> {
          Ticket ticket = Parts.ticket("item");
          Thread worker = new Thread(() -> ticket.succeed("result"));
          worker.start();
          assertEquals("result", outcome(ticket));
          Threads.join(worker);
        });
  }

  @Test
  void awaitSeesOneOfTwoEnds() {
    Depth.explore(
        () -> {
          Ticket ticket = Parts.ticket("item");
          Thread worker = new Thread(() -> ticket.succeed("result"));
          Thread canceller = new Thread(() -> ticket.cancel(false));
          worker.start();
          canceller.start();
          assertTrue(Set.of("result", "cancelled").contains(outcome(ticket)));
          Threads.join(worker);
          Threads.join(canceller);
        });
  }

  @Test
  void interruptedAwaitWithdrawsOrReturns() {
    Depth.explore(
        () -> {
          Ticket ticket = Parts.ticket("item");
          Thread caller = Thread.currentThread();
          Thread worker = new Thread(() -> ticket.succeed("result"));
          Thread interrupter = new Thread(caller::interrupt);
          worker.start();
          interrupter.start();
          Object outcome = outcome(ticket);
          assertTrue(Set.of("result", "interrupted").contains(outcome));
          Threads.join(worker);
          Threads.join(interrupter);
          boolean wasInterrupted = Thread.interrupted();
          assertEquals(outcome.equals("result"), wasInterrupted);
          assertEquals(outcome.equals("interrupted"), ticket.isCancelled());
        });
  }

  private static Object outcome(Ticket ticket) {
    try {
      return ticket.await();
    } catch (CancellationException e) {
      return "cancelled";
    } catch (InterruptedException e) {
      return "interrupted";
    }
  }
}
