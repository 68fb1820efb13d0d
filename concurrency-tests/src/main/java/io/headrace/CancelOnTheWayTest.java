package io.headrace;

import java.util.List;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/**
 * A ticket is cancelled while it is brought to a queue: the carrier sees that it is complete, or
 * the canceller sees where it waits.
 */
@JCStressTest
@Outcome(id = "0", expect = Expect.ACCEPTABLE, desc = "it has left the queue")
@Outcome(expect = Expect.FORBIDDEN, desc = "nobody told the station: it takes room")
@State
public class CancelOnTheWayTest {
  private static final Step STEP = Parts.step(List::copyOf, OnFull.fail(), 1);

  private final QueuedStation station = Parts.station(STEP);
  private final Ticket ticket = Parts.ticket("item");

  @Actor
  public void carrier() {
    station.accept(ticket, ticket, 1, null);
  }

  @Actor
  public void canceller() {
    ticket.cancel(false);
  }

  @Arbiter
  public void look(I_Result result) {
    result.r1 = station.queued();
  }
}
