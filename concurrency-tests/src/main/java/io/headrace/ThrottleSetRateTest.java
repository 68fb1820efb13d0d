package io.headrace;

import java.time.Duration;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** The rate is changed while two threads take what was saved up: both permits go, and no more. */
@JCStressTest
@Outcome(id = "2, 0", expect = Expect.ACCEPTABLE, desc = "one has both")
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "each has one")
@Outcome(id = "0, 2", expect = Expect.ACCEPTABLE, desc = "the other has both")
@Outcome(expect = Expect.FORBIDDEN, desc = "a permit was taken by the old rate, too, or was lost")
@State
public class ThrottleSetRateTest {
  private final Throttle throttle = Throttle.builder().rate(1, Duration.ofDays(1)).burst(2).build();

  private int take() {
    int taken = 0;
    for (int i = 0; i < 2; i++) {
      if (throttle.tryAcquire() != null) {
        taken++;
      }
    }
    return taken;
  }

  @Actor
  public void one(II_Result result) {
    result.r1 = take();
  }

  @Actor
  public void other(II_Result result) {
    result.r2 = take();
  }

  @Actor
  public void changer() {
    throttle.setRate(1, Duration.ofHours(10));
  }
}
