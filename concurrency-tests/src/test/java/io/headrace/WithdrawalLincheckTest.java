package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** A ticket is cancelled at any moment of its way into the queue of a station. */
class WithdrawalLincheckTest {
  private static final Step FAILING =
      Parts.step(List::copyOf, step -> step.queue(1, OnFull.fail()));
  private static final Step ADMITTING =
      Parts.step(List::copyOf, step -> step.queue(1, OnFull.await()));

  /** The counts of the queue are right whatever came first: later tickets are handled. */
  @Test
  void cancelledOnTheWayIntoABoundedQueue() {
    Depth.explore(
        () -> {
          QueuedStation station = Parts.station(FAILING);
          Ticket cancelled = Parts.ticket("cancelled");
          Ticket other = Parts.ticket("other");
          Threads.run(
              List.of(station, cancelled, other),
              () -> station.accept(cancelled, cancelled, 1, null),
              () -> cancelled.cancel(false),
              () -> station.accept(other, other, 1, null));
          Parts.employ(station, Runnable::run);
          assertTrue(cancelled.isDone());
          assertTrue(other.isDone());
          assertEquals(0, station.queued());
          Ticket last = Parts.ticket("last");
          station.accept(last, last, 1, null);
          assertEquals("last", last.join());
        });
  }

  /** The ticket leaves at once, wherever it is: a cancelled one takes no room. */
  @Test
  void cancelledOnTheWayThroughALineWhereItemsWaitForRoom() {
    Depth.explore(
        () -> {
          QueuedStation station = Parts.station(ADMITTING);
          Parts.employ(station, task -> {}); // it never comes back from its first batch
          Ticket blocker = Parts.ticket("blocker");
          station.accept(blocker, blocker, 1, null);
          Ticket cancelled = Parts.ticket("cancelled");
          Ticket other = Parts.ticket("other");
          Threads.run(
              List.of(station, cancelled),
              () -> station.accept(cancelled, cancelled, 1, null),
              () -> cancelled.cancel(false));
          assertEquals(0, station.queued());
          station.accept(other, other, 1, null);
          assertEquals(1, station.queued());
        });
  }
}
