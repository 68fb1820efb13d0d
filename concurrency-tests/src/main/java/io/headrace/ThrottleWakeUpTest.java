package io.headrace;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Mode;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.Signal;
import org.openjdk.jcstress.annotations.State;

/** A thread that waits for a slot wakes up when the slot is given back. */
@JCStressTest(Mode.Termination)
@Outcome(id = "TERMINATED", expect = Expect.ACCEPTABLE, desc = "it has its permit")
@Outcome(id = "STALE", expect = Expect.FORBIDDEN, desc = "a lost wake-up")
@State
public class ThrottleWakeUpTest {
  private final Throttle throttle = Throttle.atMost(1);
  private final Permit permit = throttle.acquireAsync().join();

  @Actor
  public void taker() {
    try {
      throttle.acquire().close();
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts", e);
    }
  }

  @Signal
  public void closer() {
    permit.close();
  }
}
