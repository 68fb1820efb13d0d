package io.headrace;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** Two threads close one permit: its slot is given back once. */
@JCStressTest
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "the other permit is out still")
@Outcome(expect = Expect.FORBIDDEN, desc = "a slot was given back twice, or not at all")
@State
public class ThrottleCloseTwiceTest {
  private final Throttle throttle = Throttle.atMost(2);
  private final Permit permit = throttle.acquireAsync().join();
  private final Permit other = throttle.acquireAsync().join();

  @Actor
  public void one() {
    permit.close();
  }

  @Actor
  public void another() {
    permit.close();
  }

  @Arbiter
  public void look(I_Result result) {
    result.r1 = throttle.running();
    other.close();
  }
}
