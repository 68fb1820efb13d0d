package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

/** A station is closed or shut down while tickets come and a batch is on its way to its worker. */
class StationEndLincheckTest {
  private static final HeadraceException SHUT = new StoppedException("shut down");
  private static final Step STEP = Parts.step(List::copyOf, step -> {});

  @Test
  void whatIsAcceptedBeforeTheCloseIsHandled() {
    Depth.explore(
        () -> {
          QueuedStation station = Parts.station(STEP);
          Parts.employ(station, Runnable::run);
          Ticket ticket = Parts.ticket("item");
          Threads.run(
              List.of(station, ticket),
              () -> station.accept(ticket, ticket, 1, null),
              station::close);
          assertTrue(ticket.isDone());
          Ticket late = Parts.ticket("late");
          station.accept(late, late, 1, null);
          assertTrue(late.isCompletedExceptionally());
        });
  }

  @Test
  void everythingEndsWhenItIsShutDown() {
    Depth.explore(
        () -> {
          QueuedStation station = Parts.station(STEP);
          Parts.employ(station, Runnable::run);
          Ticket one = Parts.ticket(1);
          Ticket two = Parts.ticket(2);
          Threads.run(
              List.of(station, one, two),
              () -> station.accept(one, one, 1, null),
              () -> station.accept(two, two, 1, null),
              () -> station.shutdown(SHUT));
          assertTrue(one.isDone() && two.isDone());
          assertEquals(0, station.queued());
        });
  }

  /** The task of the worker runs on another thread than those that submit. */
  @Test
  void aWorkerGoesFromBatchToBatch() {
    Depth.explore(
        () -> {
          QueuedStation station = Parts.station(STEP);
          Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
          Parts.employ(station, tasks::add);
          Ticket one = Parts.ticket(1);
          Ticket two = Parts.ticket(2);
          station.accept(one, one, 1, null);
          Runnable task = tasks.remove();
          Threads.run(List.of(station, two), task, () -> station.accept(two, two, 1, null));
          new ArrayDeque<>(tasks).forEach(Runnable::run);
          assertEquals(1, one.join());
          assertEquals(2, two.join());
        });
  }
}
