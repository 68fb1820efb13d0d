package io.headrace;

import java.util.ArrayList;
import java.util.List;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A station with one worker, which counts without any synchronisation of its own. If every call
 * returns and the station is a linearizable counter, then no signal was lost, one batch ran at a
 * time, and each saw what the one before had done.
 */
class StationLincheckTest {
  @Test
  void modelChecking() {
    Depth.modelChecking()
        .actorsBefore(0)
        .threads(2)
        .actorsPerThread(2)
        .actorsAfter(1)
        .sequentialSpecification(Model.class)
        .check(Counter.class);
  }

  @Test
  void stress() {
    Depth.stress().sequentialSpecification(Model.class).check(Counter.class);
  }

  /** Items are 1, which counts, and 0, which does not. */
  public static class Counter {
    private int count;

    private final QueuedStation station =
        Parts.station(Parts.step(this::handle, step -> step.batch(BatchPolicy.greedy(2))));

    private List<Object> handle(List<Object> items) {
      List<Object> results = new ArrayList<>();
      for (Object item : items) {
        count += (int) item;
        results.add(count);
      }
      return results;
    }

    public Counter() {
      Parts.employ(station, Runnable::run);
    }

    @Operation
    public @Nullable Object count() throws InterruptedException {
      return submit(1).await();
    }

    /** Leaves the queue, if it is there still, and changes nothing. */
    @Operation
    public void submitAndCancel() {
      submit(0).cancel(false);
    }

    @Operation
    public @Nullable Object countTwoAtOnce() throws InterruptedException {
      Ticket first = Parts.ticket(0);
      Ticket last = Parts.ticket(1);
      first.setNext(last);
      station.accept(first, last, 2, null);
      return last.await();
    }

    private Ticket submit(int item) {
      Ticket ticket = Parts.ticket(item);
      station.accept(ticket, ticket, 1, null);
      return ticket;
    }
  }

  /** What it should do. */
  public static class Model {
    private int count;

    public Object count() {
      return ++count;
    }

    public void submitAndCancel() {}

    public Object countTwoAtOnce() {
      return ++count;
    }
  }
}
