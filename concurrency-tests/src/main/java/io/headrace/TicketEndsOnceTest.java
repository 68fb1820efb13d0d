package io.headrace;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZL_Result;

/** A ticket is completed by its worker or by its canceller. */
@JCStressTest
@Outcome(id = "true, cancelled", expect = Expect.ACCEPTABLE, desc = "the canceller was first")
@Outcome(id = "false, result", expect = Expect.ACCEPTABLE, desc = "the worker was first")
@Outcome(expect = Expect.FORBIDDEN, desc = "both, or the one that was told otherwise")
@State
public class TicketEndsOnceTest {
  private final Ticket ticket = Parts.ticket("item");

  @Actor
  public void canceller(ZL_Result result) {
    result.r1 = ticket.cancel(false);
  }

  @Actor
  public void worker() {
    ticket.succeed("result");
  }

  @Arbiter
  public void look(ZL_Result result) {
    result.r2 = ticket.isCancelled() ? "cancelled" : ticket.join();
  }
}
