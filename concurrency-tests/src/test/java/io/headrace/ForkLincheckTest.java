package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

/** The branches of a call meet while its caller gives it up, or while one of them fails. */
class ForkLincheckTest {
  private static final Step STEP = Parts.step(List::copyOf, step -> {});
  private static final Step FAILING =
      Parts.step(
          items -> {
            throw new IllegalStateException("on purpose");
          },
          step -> {});

  /** A call in two branches, each of which is in a batch that a task is going to handle. */
  private static final class Forked {
    final Ticket call = Parts.ticket("item");
    final Flow<Object, Object> flow;
    final Runnable left;
    final Runnable right;

    Forked(Step second) {
      Node.Jump leftEnd = new Node.Jump();
      Node.Jump rightEnd = new Node.Jump();
      leftEnd.target = 5;
      rightEnd.target = 5;
      Node.Fork fork = new Node.Fork(List.of(1, 3));
      Node.Join join = new Node.Join(values -> values.get(0) + "+" + values.get(1));
      flow =
          new Flow<>(
              new FlowPlan<>(
                  "fork",
                  List.of(fork, STEP, leftEnd, second, rightEnd, join),
                  1,
                  Parts.NO_TIME,
                  List.of(),
                  List.of(),
                  0,
                  0));
      Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
      Parts.employ((QueuedStation) flow.station(0), tasks::add);
      Parts.employ((QueuedStation) flow.station(1), tasks::add);
      Route route = new Route(flow);
      route.add(call, 0);
      route.send(null);
      left = tasks.remove();
      right = tasks.remove();
    }

    /** It has come to an end, has been counted once, and nothing of it is left. */
    void check() {
      assertTrue(call.isDone());
      assertEquals(1, flow.statistics().ended());
      assertEquals(0, flow.queued("step"));
    }
  }

  @Test
  void lastBranchJoinsBoth() {
    Depth.explore(
        () -> {
          Forked forked = new Forked(STEP);
          Threads.run(List.of(forked), forked.left, forked.right);
          forked.check();
          assertEquals("item+item", forked.call.join());
        });
  }

  @Test
  void callIsJoinedOrCancelled() {
    Depth.explore(
        () -> {
          Forked forked = new Forked(STEP);
          Threads.run(List.of(forked), forked.left, forked.right, () -> forked.call.cancel(false));
          forked.check();
          assertTrue(forked.call.isCancelled() || forked.call.join().equals("item+item"));
        });
  }

  @Test
  void branchThatFailsFailsTheCallUnlessItIsCancelled() {
    Depth.explore(
        () -> {
          Forked forked = new Forked(FAILING);
          Threads.run(List.of(forked), forked.left, forked.right, () -> forked.call.cancel(false));
          forked.check();
          assertTrue(forked.call.isCompletedExceptionally());
        });
  }
}
