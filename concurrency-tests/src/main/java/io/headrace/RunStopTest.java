package io.headrace;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZLI_Result;

/**
 * A run is stopped while it begins a task: the stage of one that has begun is cancelled, the run
 * ends, and no permit is lost.
 */
@JCStressTest
@Outcome(id = "true, cancelled, 0", expect = Expect.ACCEPTABLE, desc = "it had begun")
@Outcome(id = "true, not begun, 0", expect = Expect.ACCEPTABLE, desc = "it was stopped before")
@Outcome(expect = Expect.FORBIDDEN, desc = "a stage runs on, or what it holds")
@State
public class RunStopTest {
  private static final int PATIENCE_SPINS = 1_000;

  private final Throttle throttle = Throttle.atMost(1);
  private final CompletableFuture<Object> stage = new CompletableFuture<>();
  private boolean hasBegun;

  private final StagedRun run =
      new StagedRun(
          throttle,
          IteratorInputs.of(List.of("input")),
          new AsyncTask<>(_ -> begin()),
          new EachSink(false),
          RunOptions.DEFAULT,
          null,
          null);

  /** Waits a moment for the stop, so that the run takes note of the stage while it is stopped. */
  private CompletableFuture<Object> begin() {
    hasBegun = true;
    for (int i = 0; i < PATIENCE_SPINS && !run.isStopped(); i++) {
      Thread.onSpinWait();
    }
    return stage;
  }

  /** What its thread does, which is not started. */
  @Actor
  public void runner() {
    run.run();
  }

  @Actor
  public void closer() {
    run.stop(null);
  }

  @Arbiter
  public void look(ZLI_Result result) {
    result.r1 = run.hasEnded();
    result.r2 = !hasBegun ? "not begun" : stage.isCancelled() ? "cancelled" : "open";
    result.r3 = throttle.running();
  }
}
