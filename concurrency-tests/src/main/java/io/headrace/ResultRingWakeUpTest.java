package io.headrace;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/**
 * A consumer that waits for a result gets it, with all that was written before it was added. A
 * wake-up that is lost would end in a timeout.
 */
@JCStressTest
@Outcome(id = "7", expect = Expect.ACCEPTABLE, desc = "taken, with all that was written")
@Outcome(
    id = "0",
    expect = Expect.FORBIDDEN,
    desc = "a result without its content: the slot did not release or acquire")
@Outcome(id = "-1", expect = Expect.FORBIDDEN, desc = "the wait ended without a result")
@State
public class ResultRingWakeUpTest {
  private final ResultRing ring = new ResultRing(2);

  @Actor
  public void producer() {
    int[] result = new int[1];
    result[0] = 7;
    ring.add(result);
  }

  @Actor
  public void consumer(I_Result seen) {
    try {
      Object result = ring.take();
      seen.r1 = result == null ? -1 : ((int[]) result)[0];
    } catch (InterruptedException e) {
      seen.r1 = -1;
    }
  }
}
