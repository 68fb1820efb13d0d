package io.headrace;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/**
 * Slots: tries, futures, permits that are closed, requests that are cancelled, and more slots or
 * fewer.
 */
class ThrottleLincheckTest {
  @Test
  void modelChecking() {
    Depth.modelChecking().sequentialSpecification(Model.class).check(Slots.class);
  }

  @Test
  void stress() {
    Depth.stress().sequentialSpecification(Model.class).check(Slots.class);
  }

  /** Operations of a group come one after the other, those that have none side by side with all. */
  @Param(name = "slots", gen = IntGen.class, conf = "1:3")
  public static class Slots {
    /** Its time runs in place what belongs on a virtual thread, which could not be followed. */
    private final Gate gate = new Gate(null, 2, null, Parts.NO_TIME);

    private final Queue<Permit> permits = new ConcurrentLinkedQueue<>();
    private final List<CompletableFuture<Permit>> futures = new ArrayList<>();

    /** A try, which is not made while a request is on its way: it could find no permit for that. */
    @Operation(nonParallelGroup = "requests")
    public boolean tryAcquire() {
      return gate.tryTake(1) && permits.add(gate.permit());
    }

    /** Closes what was taken by a try. */
    @Operation
    public boolean close() {
      Permit permit = permits.poll();
      if (permit == null) {
        return false;
      }
      permit.close();
      permit.close();
      return true;
    }

    /** A request. Returns whether it is granted by now. */
    @Operation(nonParallelGroup = "requests")
    public boolean request() {
      CompletableFuture<Permit> future = PermitFuture.enqueued(gate, 1, 0);
      futures.add(future);
      return isGranted(future);
    }

    /** Cancels the oldest request, or closes its permit. Returns whether it was granted. */
    @Operation(nonParallelGroup = "requests")
    public int end() {
      if (futures.isEmpty()) {
        return -1;
      }
      CompletableFuture<Permit> future = futures.removeFirst();
      if (future.cancel(true)) {
        return 0;
      }
      future.join().close();
      return 1;
    }

    @Operation
    public void setAtOnce(@Param(name = "slots") int slots) {
      gate.setAtOnce(slots);
    }

    private static boolean isGranted(CompletableFuture<Permit> future) {
      return future.isDone();
    }
  }

  /** What it should do. */
  public static class Model {
    private int slots = 2;
    private int tried;
    private int granted;
    private final Queue<boolean[]> requests = new ArrayDeque<>();

    private int waiting() {
      return (int) requests.stream().filter(request -> !request[0]).count();
    }

    private void grant() {
      for (boolean[] request : requests) {
        if (!request[0] && tried + granted < slots) {
          request[0] = true;
          granted++;
        }
      }
    }

    public boolean tryAcquire() {
      if (waiting() > 0 || tried + granted >= slots) {
        return false;
      }
      tried++;
      return true;
    }

    public void setAtOnce(int newSlots) {
      slots = newSlots;
      grant();
    }

    public boolean close() {
      if (tried == 0) {
        return false;
      }
      tried--;
      grant();
      return true;
    }

    public boolean request() {
      boolean[] request = new boolean[1];
      requests.add(request);
      grant();
      return request[0];
    }

    public int end() {
      boolean[] request = requests.poll();
      if (request == null) {
        return -1;
      }
      if (!request[0]) {
        grant();
        return 0;
      }
      granted--;
      grant();
      return 1;
    }
  }
}
