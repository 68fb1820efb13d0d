package io.headrace;

import java.time.Duration;
import java.util.List;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZL_Result;

/** A flow is closed at any moment of its start: the close returns, and nothing runs afterwards. */
@JCStressTest
@Outcome(
    id = "true, STOPPED",
    expect = Expect.ACCEPTABLE,
    desc = "closed before or after the start")
@Outcome(id = "true, FAILED", expect = Expect.ACCEPTABLE, desc = "the close made the start fail")
@Outcome(expect = Expect.FORBIDDEN, desc = "the close waited in vain, or did not close")
@State
public class CloseWhileStartingTest {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Step STEP =
      new StepOptions<Object>()
          .workers(Workers.inline())
          .toStep(
              "flow",
              "step",
              null,
              HandlerSource.of((Handler<Object, Object>) List::copyOf),
              1024,
              OnFull.fail());

  private final Flow<Object, Object> flow =
      new Flow<>(
          new FlowPlan<>(
              "flow", List.of(STEP), 1, TimeSource.system(), List.of(), List.of(), 0, 0));

  @Actor
  public void starter() {
    try {
      flow.start();
    } catch (StartException | IllegalStateException closed) {
      // the state tells
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts", e);
    }
  }

  @Actor
  public void closer(ZL_Result result) {
    result.r1 = flow.close(PATIENCE);
  }

  @Arbiter
  public void look(ZL_Result result) {
    result.r2 = flow.state().toString();
  }
}
