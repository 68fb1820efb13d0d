package io.headrace;

import java.lang.invoke.VarHandle;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * Why a producer has a full fence between its link and its look at what the drain wants to know:
 * the queue as it is, and the flag as the station has it.
 */
public class LinkThenLookTest {
  private LinkThenLookTest() {}

  /** A queue, and whether its drain wants to be woken. */
  @State
  public static class Shared {
    private final TicketQueue queue = new TicketQueue(Integer.MAX_VALUE);
    private final Ticket ticket = Parts.ticket("item");
    private volatile boolean wake;

    void link() {
      queue.reserve(1);
      queue.add(ticket, ticket);
    }

    boolean wake() {
      return wake;
    }

    boolean wakeThenLook() {
      wake = true;
      return queue.peek() != null;
    }
  }

  /** As the station does it. */
  @JCStressTest
  @Outcome(id = "true, true", expect = Expect.ACCEPTABLE, desc = "both see the other")
  @Outcome(id = "true, false", expect = Expect.ACCEPTABLE, desc = "the producer wakes the drain")
  @Outcome(id = "false, true", expect = Expect.ACCEPTABLE, desc = "the drain sees the ticket")
  @Outcome(id = "false, false", expect = Expect.FORBIDDEN, desc = "a lost wake-up")
  public static class WithFence {
    @Actor
    public void producer(Shared shared, ZZ_Result result) {
      shared.link();
      VarHandle.fullFence();
      result.r1 = shared.wake();
    }

    @Actor
    public void drain(Shared shared, ZZ_Result result) {
      result.r2 = shared.wakeThenLook();
    }
  }

  /** A release does not keep the volatile read after it from going first. */
  @JCStressTest
  @Outcome(id = "true, true", expect = Expect.ACCEPTABLE, desc = "both see the other")
  @Outcome(id = "true, false", expect = Expect.ACCEPTABLE, desc = "the producer wakes the drain")
  @Outcome(id = "false, true", expect = Expect.ACCEPTABLE, desc = "the drain sees the ticket")
  @Outcome(
      id = "false, false",
      expect = Expect.ACCEPTABLE_INTERESTING,
      desc = "the wake-up that would be lost without the fence")
  public static class WithoutFence {
    @Actor
    public void producer(Shared shared, ZZ_Result result) {
      shared.link();
      result.r1 = shared.wake();
    }

    @Actor
    public void drain(Shared shared, ZZ_Result result) {
      result.r2 = shared.wakeThenLook();
    }
  }
}
