package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

/** Workers become idle at the same time, and none is lost. */
class WorkersLincheckTest {
  private static final Step STEP =
      new StepOptions<Object>()
          .workers(Workers.executor(Runnable::run, 2))
          .batch(BatchPolicy.greedy(1))
          .toStep(
              "flow",
              "step",
              null,
              HandlerSource.of((Handler<Object, Object>) List::copyOf),
              1024,
              OnFull.fail());

  private static TaskSlot worker(QueuedStation station) {
    return new TaskSlot(station, station.step.handlers().get(), _ -> {}, /* isStarted= */ true);
  }

  /** One thread at a time takes note of them; here while others are released. */
  @Test
  void workersThatBecomeIdleAtTheSameTimeAreAllFound() {
    Depth.explore(
        () -> {
          QueuedStation station = Parts.station(STEP);
          Crew crew = new Crew(station);
          Slot one = worker(station);
          Slot two = worker(station);
          Threads.run(
              List.of(crew, one, two),
              () -> crew.release(one),
              () -> crew.release(two),
              () -> crew.collect(null));
          crew.collect(null);
          assertEquals(Set.of(one, two), Set.of(crew.takeIdle(), crew.takeIdle()));
        });
  }

  /** Its batch is done while tickets of it that waited for room find it elsewhere. */
  @Test
  void aWorkerIsReleasedOnceByTheLastThatHeldIt() {
    Depth.explore(
        () -> {
          QueuedStation station = Parts.station(STEP);
          Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
          Slot worker =
              new TaskSlot(
                  station, station.step.handlers().get(), tasks::add, /* isStarted= */ true);
          worker.assign();
          worker.hold(2);
          Threads.run(
              List.of(station, worker),
              () -> worker.unhold(1),
              () -> worker.unhold(1),
              worker::batchDone);
          Ticket one = Parts.ticket(1);
          Ticket two = Parts.ticket(2);
          station.accept(one, one, 1, null);
          station.accept(two, two, 1, null);
          assertEquals(1, tasks.size());
        });
  }
}
