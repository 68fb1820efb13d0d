package io.headrace;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IZ_Result;

/**
 * The threads of a run end quick tasks while others take inputs. Then come tasks that wait for each
 * other: if no thread seeks the next input, those before it are left alone.
 */
@JCStressTest
@Outcome(id = "40, true", expect = Expect.ACCEPTABLE, desc = "all ran, and as many as may at once")
@Outcome(expect = Expect.FORBIDDEN, desc = "nobody seeks the next input")
@State
public class SeekersTest {
  private static final int PATIENCE_SECONDS = 10;
  private static final int AT_ONCE = 8;
  private static final int QUICK = 32;
  private static final List<Integer> INPUTS = IntStream.range(0, QUICK + AT_ONCE).boxed().toList();

  private final Throttle throttle = Throttle.builder().atOnce(AT_ONCE).build();
  private final CountDownLatch all = new CountDownLatch(AT_ONCE);

  @Actor
  public void run(IZ_Result result) {
    try {
      List<Boolean> met = throttle.over(INPUTS).runAll(this::meet);
      result.r1 = met.size();
      result.r2 = !met.contains(false);
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts", e);
    }
  }

  private boolean meet(int input) throws InterruptedException {
    if (input < QUICK) {
      return true;
    }
    all.countDown();
    return all.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }
}
