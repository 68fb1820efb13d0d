package io.headrace;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** What was added before the ring was closed is taken before the end is told. */
@JCStressTest
@Outcome(id = "7, -1", expect = Expect.ACCEPTABLE, desc = "the result, then the end")
@Outcome(expect = Expect.FORBIDDEN, desc = "the end came before the result")
@State
public class ResultRingCloseTest {
  private final ResultRing ring = new ResultRing(2);

  @Actor
  public void producer() {
    ring.add(7);
    ring.close();
  }

  @Actor
  public void consumer(II_Result seen) {
    seen.r1 = take();
    seen.r2 = take();
  }

  private int take() {
    try {
      return ring.take() instanceof Integer result ? result : -1;
    } catch (InterruptedException e) {
      return -2;
    }
  }
}
