package io.headrace;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * A thread that runs code of users is interrupted then and not afterwards, by two at once: the
 * results are whether it was while it ran, and whether it was after that. A late one is seen by the
 * next state that the thread runs.
 */
@JCStressTest
@Outcome(id = "false, false", expect = Expect.ACCEPTABLE, desc = "it did not run, or not anymore")
@Outcome(id = "true, false", expect = Expect.ACCEPTABLE, desc = "interrupted while it ran")
@Outcome(expect = Expect.FORBIDDEN, desc = "an interrupt that was not meant for what it does now")
@State
public class RunnerTest {
  private final Runner runner = new Runner();

  @Actor
  public void thread(ZZ_Result result) {
    runner.begin();
    result.r1 = Thread.currentThread().isInterrupted();
    runner.end();
    result.r2 = Thread.interrupted();
  }

  @Actor
  public void shutdown() {
    runner.interrupt();
  }

  @Actor
  public void secondShutdown() {
    runner.interrupt();
  }
}
