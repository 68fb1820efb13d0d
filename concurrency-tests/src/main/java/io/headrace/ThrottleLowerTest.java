package io.headrace;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZI_Result;

/** A limit is lowered while a slot is taken: after that none starts that the limit does not let. */
@JCStressTest
@Outcome(id = "true, 2", expect = Expect.ACCEPTABLE, desc = "the slot was taken before")
@Outcome(id = "false, 1", expect = Expect.ACCEPTABLE, desc = "it was not taken anymore")
@Outcome(expect = Expect.FORBIDDEN, desc = "it was taken after the change, or is not counted")
@State
public class ThrottleLowerTest {
  private final Throttle throttle = Throttle.atMost(2);

  public ThrottleLowerTest() {
    throttle.tryAcquire();
  }

  @Actor
  public void taker(ZI_Result result) {
    result.r1 = throttle.tryAcquire() != null;
  }

  @Actor
  public void changer(ZI_Result result) {
    throttle.setAtOnce(1);
    result.r2 = throttle.running();
  }
}
