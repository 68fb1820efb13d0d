package io.headrace;

import java.util.List;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.L_Result;

/** A worker with a thread of its own sees the whole batch that the drain has given it. */
@JCStressTest
@Outcome(id = "item", expect = Expect.ACCEPTABLE, desc = "the batch was complete")
@Outcome(id = "none", expect = Expect.ACCEPTABLE, desc = "no batch yet")
@Outcome(
    expect = Expect.FORBIDDEN,
    desc = "a batch without its ticket, or a ticket without its value")
@State
public class BatchPublicationTest {
  private static final Step STEP = Parts.step(List::copyOf, OnFull.fail(), 1024);

  private Object seen = "none";
  private final ThreadSlot slot =
      new ThreadSlot(
          Parts.station(STEP),
          new Swappable(Handling.of((Handler<Object, Object>) this::handle)),
          task -> Thread.ofPlatform().unstarted(task),
          new Startup());

  /** The worker ends as soon as it finds no batch. */
  public BatchPublicationTest() {
    slot.end(new Ending(() -> {}));
  }

  private List<Object> handle(List<Object> items) {
    seen = items.isEmpty() ? "no item" : items.getFirst();
    return items;
  }

  @Actor
  public void drain() {
    slot.batch.add(Parts.ticket("item"), 1);
    slot.assign();
    slot.launch();
  }

  @Actor
  public void worker(L_Result result) {
    slot.run();
    result.r1 = seen;
  }
}
