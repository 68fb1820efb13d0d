package io.headrace;

import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LJ_Result;

/** What a producer wrote to a ticket before it offered it is there when the drain takes it. */
@JCStressTest
@Outcome(id = "value, 7", expect = Expect.ACCEPTABLE, desc = "taken, with all that was written")
@Outcome(id = "nothing, 0", expect = Expect.ACCEPTABLE, desc = "not linked yet")
@Outcome(
    expect = Expect.FORBIDDEN,
    desc = "a ticket without its value or time: the link did not release or acquire")
@State
public class QueuePublicationTest {
  private final TicketQueue queue = new TicketQueue(Integer.MAX_VALUE);

  @Actor
  public void producer() {
    Ticket ticket = Parts.ticket("value");
    ticket.arrivalNanos = 7;
    queue.reserve(1);
    queue.add(ticket, ticket);
  }

  @Actor
  public void drain(LJ_Result result) {
    Ticket ticket = queue.poll();
    @Nullable Object value = ticket == null ? "nothing" : ticket.value;
    result.r1 = value;
    result.r2 = ticket == null ? 0 : ticket.arrivalNanos;
  }
}
