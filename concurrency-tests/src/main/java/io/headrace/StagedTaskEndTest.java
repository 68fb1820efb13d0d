package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LLL_Result;

/**
 * The stage of a task completes while its time is over: the results are its outcome, whether the
 * run has ended then, and whether it has, with all permits given back, when its other task ends.
 */
@JCStressTest
@Outcome(id = "in time, false, true", expect = Expect.ACCEPTABLE, desc = "it was in time")
@Outcome(id = "late, false, true", expect = Expect.ACCEPTABLE, desc = "it was late")
@Outcome(expect = Expect.FORBIDDEN, desc = "both or neither; it counts twice; a permit is lost")
@State
public class StagedTaskEndTest {
  private final Queue<Runnable> alarms = new ConcurrentLinkedQueue<>();
  private final Queue<String> outcomes = new ConcurrentLinkedQueue<>();
  private final List<CompletableFuture<Object>> stages =
      List.of(new CompletableFuture<>(), new CompletableFuture<>());
  private final Throttle throttle = Throttle.builder().atOnce(2).timeSource(new Ringing()).build();

  private final StagedRun run =
      new StagedRun(
          throttle,
          IteratorInputs.of(List.of(0, 1)),
          new AsyncTask<>(index -> stages.get((int) requireNonNull(index))),
          new Told(),
          RunOptions.DEFAULT.withTaskTimeout(1),
          null,
          null);

  private final Runnable alarm;

  public StagedTaskEndTest() {
    run.run(); // what its thread does, which is not started
    alarm = alarms.remove();
  }

  /** Time stands still, and alarms ring when they are run. */
  private final class Ringing implements TimeSource {
    @Override
    public long nanoTime() {
      return 0;
    }

    @Override
    public Alarm schedule(long delayNanos, Runnable task) {
      alarms.add(task);
      return () -> {};
    }

    @Override
    public void execute(Runnable task) {
      task.run();
    }
  }

  private final class Told implements Sink {
    @Override
    public boolean goesOn() {
      return true;
    }

    @Override
    public boolean succeeded(long index, @Nullable Object input, @Nullable Object value) {
      outcomes.add("in time");
      return false;
    }

    @Override
    public void failed(long index, @Nullable Object input, Throwable failure) {
      outcomes.add(failure instanceof DeadlineExceededException ? "late" : "failed");
    }
  }

  @Actor
  public void worker() {
    stages.getFirst().complete("value");
  }

  @Actor
  public void time() {
    alarm.run();
  }

  @Arbiter
  public void look(LLL_Result result) {
    result.r1 = String.join(" and ", outcomes);
    result.r2 = run.hasEnded();
    stages.getLast().complete("value");
    result.r3 = run.hasEnded() && throttle.running() == 0;
  }
}
