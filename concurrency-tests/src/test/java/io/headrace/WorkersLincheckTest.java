package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Workers become idle at the same time, and none is lost. */
class WorkersLincheckTest {
  /**
   * Lincheck changes threads only at accesses of objects that it takes for shared: those that were
   * written to a field of another. It does not see what a lambda captures.
   */
  @SuppressWarnings("unused") // for Lincheck
  private static volatile Object shared;

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
          shared = List.of(crew, one, two);
          Threads.run(() -> crew.release(one), () -> crew.release(two), () -> crew.collect(null));
          crew.collect(null);
          assertEquals(Set.of(one, two), Set.of(crew.takeIdle(), crew.takeIdle()));
        });
  }
}
