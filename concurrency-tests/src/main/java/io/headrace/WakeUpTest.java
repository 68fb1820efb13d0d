package io.headrace;

import java.util.List;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.Z_Result;

/** An item comes while the only worker becomes idle: one of them sees the other. */
@JCStressTest
@Outcome(id = "true", expect = Expect.ACCEPTABLE, desc = "handled")
@Outcome(
    id = "false",
    expect = Expect.FORBIDDEN,
    desc = "the drain missed the ticket and the producer missed that it had to signal")
@State
public class WakeUpTest {
  private static final Step STEP = Parts.step(List::copyOf, OnFull.fail(), 1024);

  private final QueuedStation station = Parts.station(STEP);
  private final Ticket ticket = Parts.ticket("item");

  @Actor
  public void producer() {
    station.accept(ticket, ticket, 1, null);
  }

  @Actor
  public void worker() {
    Parts.employ(station);
  }

  @Arbiter
  public void look(Z_Result result) {
    result.r1 = ticket.isDone();
  }
}
