package io.headrace;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Mode;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.Signal;
import org.openjdk.jcstress.annotations.State;

/** A thread that waits for a ticket wakes up when the ticket is complete. */
@JCStressTest(Mode.Termination)
@Outcome(
    id = "TERMINATED",
    expect = Expect.ACCEPTABLE,
    desc = "woken, or complete before it waited")
@Outcome(id = "STALE", expect = Expect.FORBIDDEN, desc = "a lost wake-up")
@State
public class AwaitTest {
  private final Ticket ticket = Parts.ticket("item");

  @Actor
  public void caller() {
    try {
      ticket.await();
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts", e);
    }
  }

  @Signal
  public void worker() {
    ticket.succeed("result");
  }
}
