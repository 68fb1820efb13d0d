package io.headrace;

import java.util.List;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.L_Result;

/**
 * An item comes to an inline step while it is closed: it is handled before the handler is closed,
 * or refused.
 */
@JCStressTest
@Outcome(id = "handled", expect = Expect.ACCEPTABLE, desc = "it came before the close")
@Outcome(id = "refused", expect = Expect.ACCEPTABLE, desc = "it came too late")
@Outcome(expect = Expect.FORBIDDEN, desc = "the handler is closed too early, twice or never")
@State
public class InlineCloseTest {
  private final Checked handler = new Checked();
  private final Flow<Integer, Integer> flow =
      Flow.<Integer>builder("inline")
          .timeSource(Parts.NO_TIME) // which closes the handler on the thread that is the last
          .step("step", handler, step -> step.workers(Workers.inline()))
          .build();
  private final Station station = flow.station(0);
  private final Ticket ticket = Parts.ticket(1);

  private static final class Checked implements Handler<Integer, Integer> {
    volatile boolean isClosed;
    volatile boolean isMistaken;

    @Override
    public List<Integer> handle(List<Integer> items) {
      isMistaken |= isClosed;
      Thread.onSpinWait();
      isMistaken |= isClosed;
      return items;
    }

    @Override
    public void close() {
      isMistaken |= isClosed;
      isClosed = true;
    }
  }

  public InlineCloseTest() {
    try {
      flow.start();
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts", e);
    }
  }

  @Actor
  public void caller() {
    station.accept(ticket, ticket, 1, null);
  }

  @Actor
  public void closer() {
    station.close();
  }

  @Arbiter
  public void look(L_Result result) {
    result.r1 =
        handler.isMistaken || !handler.isClosed
            ? "not closed in time"
            : switch (ticket.state()) {
              case RUNNING -> "lost";
              case SUCCESS -> "handled";
              default -> "refused";
            };
  }
}
