package io.headrace;

import java.util.concurrent.CompletableFuture;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZI_Result;

/**
 * A request is cancelled while a slot is freed for it: one of the two wins, and no slot is lost.
 */
@JCStressTest
@Outcome(id = "true, false, 0", expect = Expect.ACCEPTABLE, desc = "cancelled, the slot is free")
@Outcome(id = "false, true, 1", expect = Expect.ACCEPTABLE, desc = "granted, the slot is taken")
@Outcome(expect = Expect.FORBIDDEN, desc = "both, neither, or a slot that nobody has")
@State
public class ThrottleGrantOrCancelTest {
  private final Throttle throttle = Throttle.atMost(1);
  private final Permit permit = throttle.acquireAsync().join();
  private final CompletableFuture<Permit> request = throttle.acquireAsync();

  @Actor
  public void closer() {
    permit.close();
  }

  @Actor
  public void canceller(ZZI_Result result) {
    result.r1 = request.cancel(true);
  }

  @Arbiter
  public void look(ZZI_Result result) {
    result.r2 = !request.isCompletedExceptionally() && request.isDone();
    result.r3 = throttle.running() + 10 * throttle.waiting();
  }
}
