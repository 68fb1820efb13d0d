package io.headrace;

import java.util.List;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IZ_Result;

/**
 * Two threads bring an item each; one drains, and its worker counts without synchronisation. The
 * state of the drain and of the handler goes from one thread to the other.
 */
@JCStressTest
@Outcome(id = "2, true", expect = Expect.ACCEPTABLE, desc = "both handled, one after the other")
@Outcome(expect = Expect.FORBIDDEN, desc = "an item lost, or a count that the other did not see")
@State
public class DrainHandOverTest {
  private int count;
  private final QueuedStation station =
      Parts.station(Parts.step(this::handle, OnFull.fail(), 1024));
  private final Ticket one = Parts.ticket(1);
  private final Ticket two = Parts.ticket(2);

  public DrainHandOverTest() {
    Parts.employ(station);
  }

  private List<Object> handle(List<Object> items) {
    count += items.size();
    return items;
  }

  @Actor
  public void producer() {
    station.accept(one, one, 1, null);
  }

  @Actor
  public void other() {
    station.accept(two, two, 1, null);
  }

  @Arbiter
  public void look(IZ_Result result) {
    result.r1 = count;
    result.r2 = one.isDone() && two.isDone();
  }
}
