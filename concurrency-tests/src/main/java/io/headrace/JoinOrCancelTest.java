package io.headrace;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LJ_Result;

/** The last branch of a call comes to the join while the caller gives the call up. */
@JCStressTest
@Outcome(id = "cancelled, 1", expect = Expect.ACCEPTABLE, desc = "cancelled")
@Outcome(id = "item-item, 1", expect = Expect.ACCEPTABLE, desc = "joined")
@Outcome(expect = Expect.FORBIDDEN, desc = "neither, or not counted once")
@State
public class JoinOrCancelTest {
  private static final Step STEP = Parts.step(List::copyOf, OnFull.fail(), 8);
  private static final List<Element> ELEMENTS = elements();

  private final Flow<Object, Object> flow =
      new Flow<>(new FlowPlan<>("fork", ELEMENTS, 1, Parts.NO_TIME, List.of(), List.of(), 0, 0));
  private final Ticket call = Parts.ticket("item");
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

  public JoinOrCancelTest() {
    Parts.employ((QueuedStation) flow.station(0), Runnable::run);
    Parts.employ((QueuedStation) flow.station(1), tasks::add);
    Route route = new Route(flow);
    route.add(call, 0);
    route.send(null); // the first branch is handled at once, the second by the actor
  }

  private static List<Element> elements() {
    Node.Jump left = new Node.Jump();
    Node.Jump right = new Node.Jump();
    left.target = 5;
    right.target = 5;
    Node.Join join = new Node.Join(values -> values.get(0) + "-" + values.get(1));
    return List.of(new Node.Fork(List.of(1, 3)), STEP, left, STEP, right, join);
  }

  @Actor
  public void worker() {
    tasks.remove().run();
  }

  @Actor
  public void canceller() {
    call.cancel(false);
  }

  @Arbiter
  public void look(LJ_Result result) {
    result.r1 = call.isCancelled() ? "cancelled" : call.join();
    result.r2 = flow.statistics().ended();
  }
}
