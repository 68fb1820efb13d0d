package io.headrace;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IZ_Result;

/** An item comes while the task of the worker ends: the task goes on with it, or another begins. */
@JCStressTest
@Outcome(id = "0, true", expect = Expect.ACCEPTABLE, desc = "the same task has handled it")
@Outcome(id = "1, true", expect = Expect.ACCEPTABLE, desc = "another task has handled it")
@Outcome(expect = Expect.FORBIDDEN, desc = "a batch that no task takes, or that two take")
@State
public class NextBatchTest {
  private static final Step STEP = Parts.step(List::copyOf, OnFull.fail(), 1024);

  private final QueuedStation station = Parts.station(STEP);
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final Ticket one = Parts.ticket(1);
  private final Ticket two = Parts.ticket(2);
  private final Runnable task;

  public NextBatchTest() {
    Parts.employ(station, tasks::add);
    station.accept(one, one, 1, null);
    task = tasks.remove();
  }

  @Actor
  public void worker() {
    task.run();
  }

  @Actor
  public void producer() {
    station.accept(two, two, 1, null);
  }

  @Arbiter
  public void look(IZ_Result result) {
    result.r1 = tasks.size();
    tasks.forEach(Runnable::run);
    result.r2 = one.isDone() && two.isDone();
  }
}
