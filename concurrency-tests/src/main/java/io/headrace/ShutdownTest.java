package io.headrace;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LZ_Result;

/** A station is shut down while a worker begins: its handler is interrupted, or never called. */
@JCStressTest
@Outcome(id = "not called, false", expect = Expect.ACCEPTABLE, desc = "the batch was refused")
@Outcome(id = "interrupted, false", expect = Expect.ACCEPTABLE, desc = "called and interrupted")
@Outcome(id = "gave up, false", expect = Expect.ACCEPTABLE, desc = "long before the shutdown")
@Outcome(
    id = "missed, .*",
    expect = Expect.FORBIDDEN,
    desc = "the shutdown is over, and the handler goes on for ever")
@Outcome(
    id = ".*, true",
    expect = Expect.FORBIDDEN,
    desc = "the thread is interrupted when it no longer belongs to the worker")
@State
public class ShutdownTest {
  private static final int PATIENCE_SPINS = 100_000;

  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final QueuedStation station =
      Parts.station(Parts.step(this::handle, OnFull.fail(), 1024, tasks::add));
  private final Runnable task;
  private String outcome = "not called";
  private volatile boolean isShut;

  public ShutdownTest() {
    Parts.start(station);
    Ticket ticket = Parts.ticket(1);
    station.accept(ticket, ticket, 1, null);
    task = tasks.remove();
  }

  private List<Object> handle(List<Object> items) {
    outcome = "gave up";
    for (int i = 0; i < PATIENCE_SPINS; i++) {
      boolean wasShut = isShut;
      if (Thread.interrupted()) {
        outcome = "interrupted";
        break;
      }
      if (wasShut) {
        outcome = "missed";
        break;
      }
      Thread.onSpinWait();
    }
    return items;
  }

  @Actor
  public void worker(LZ_Result result) {
    task.run();
    result.r1 = outcome;
    result.r2 = Thread.interrupted();
  }

  @Actor
  public void closer() {
    station.shutdown(new StoppedException("shut down"));
    isShut = true;
  }
}
