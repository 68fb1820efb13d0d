package io.headrace;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IZ_Result;

/** Either the close sees the ticket counted, or the offer sees the queue closed. */
public class ReserveOrCloseTest {
  private ReserveOrCloseTest() {}

  /** A queue without bound counts first and takes it back. */
  @JCStressTest
  @Outcome(id = "1, false", expect = Expect.ACCEPTABLE, desc = "accepted, and the close knows")
  @Outcome(id = "-1, true", expect = Expect.ACCEPTABLE, desc = "refused")
  @Outcome(
      id = "-1, false",
      expect = Expect.ACCEPTABLE,
      desc = "refused, and counted for a moment: its producer signals afterwards")
  @Outcome(expect = Expect.FORBIDDEN, desc = "accepted by a queue that counts as drained")
  @State
  public static class Unbounded {
    private final TicketQueue queue = new TicketQueue(Integer.MAX_VALUE);

    @Actor
    public void producer(IZ_Result result) {
      result.r1 = queue.reserve(1);
    }

    @Actor
    public void closer(IZ_Result result) {
      queue.close();
      result.r2 = queue.isDrained();
    }
  }

  /** A bounded queue counts only what it accepts. */
  @JCStressTest
  @Outcome(id = "1, false", expect = Expect.ACCEPTABLE, desc = "accepted, and the close knows")
  @Outcome(id = "-1, true", expect = Expect.ACCEPTABLE, desc = "refused")
  @Outcome(expect = Expect.FORBIDDEN, desc = "accepted by a queue that counts as drained")
  @State
  public static class Bounded {
    private final TicketQueue queue = new TicketQueue(1);

    @Actor
    public void producer(IZ_Result result) {
      result.r1 = queue.reserve(1);
    }

    @Actor
    public void closer(IZ_Result result) {
      queue.close();
      result.r2 = queue.isDrained();
    }
  }
}
