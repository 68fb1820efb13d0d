package io.headrace;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** Two executions begin to wait for each other: the results are who sees that. */
@JCStressTest
@Outcome(id = "false, true", expect = Expect.ACCEPTABLE, desc = "the second is refused")
@Outcome(id = "true, false", expect = Expect.ACCEPTABLE, desc = "the first is refused")
@Outcome(id = "true, true", expect = Expect.ACCEPTABLE, desc = "both are refused")
@Outcome(expect = Expect.FORBIDDEN, desc = "they wait for ever")
@State
public class CoalescerCircleTest {
  private static final KeyedExecutions OWNER =
      new KeyedExecutions(Coalescer.builder(), "coalescer", Runnable::run);
  private static final CoalescedWork WORK = CoalescedWork.ofCallable("coalescer", false);

  private final SharedExecution one = execution("one");
  private final SharedExecution other = execution("other");

  private static SharedExecution execution(String key) {
    return new SharedExecution(OWNER, key, WORK, key, CallOptions.DEFAULT);
  }

  @Actor
  public void one(ZZ_Result result) {
    result.r1 = one.waitFor(other);
  }

  @Actor
  public void other(ZZ_Result result) {
    result.r2 = other.waitFor(one);
  }
}
