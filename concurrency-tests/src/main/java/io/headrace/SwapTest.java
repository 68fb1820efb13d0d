package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/**
 * A handler is replaced while a batch begins: the results are which handler took the batch, how
 * often the old one was closed, and how many of its batches ran or began then.
 */
@JCStressTest
@Outcome(id = "1, 1, 0", expect = Expect.ACCEPTABLE, desc = "the old one, closed after its batch")
@Outcome(id = "2, 1, 0", expect = Expect.ACCEPTABLE, desc = "the new one, the old one is closed")
@Outcome(expect = Expect.FORBIDDEN, desc = "closed too early, twice or never")
@State
public class SwapTest {
  private static final Step STEP = Parts.step(List::copyOf, OnFull.fail(), 8);

  private final AtomicInteger closes = new AtomicInteger();
  private final AtomicInteger violations = new AtomicInteger();

  /** Plain: the count of batches publishes it to whoever closes. */
  private int running;

  private final QueuedStation station = Parts.station(STEP);
  private final Swappable swappable = Swappable.shared(started(new Old())).get();

  private Handling started(Handling handling) {
    try {
      handling.start(station);
    } catch (Exception failure) {
      throw new AssertionError(failure);
    }
    return handling;
  }

  private final class Old extends Handling {
    @Override
    Answer handle(List<Object> items) {
      running++;
      if (closes.get() != 0) {
        violations.incrementAndGet();
      }
      running--;
      return new Answer(List.of(1), null);
    }

    @Override
    void onClose() {
      closes.incrementAndGet();
      violations.addAndGet(running);
    }
  }

  private static final class New extends Handling {
    @Override
    Answer handle(List<Object> items) {
      return new Answer(List.of(2), null);
    }
  }

  @Actor
  public void worker(III_Result result) {
    try {
      result.r1 = (int) requireNonNull(swappable.handle(List.of("item")).results()).getFirst();
    } catch (Exception failure) {
      throw new AssertionError(failure);
    }
  }

  @Actor
  public void swapper() {
    requireNonNull(swappable.swap(started(new New()), station)).run();
  }

  @Arbiter
  public void look(III_Result result) {
    result.r2 = closes.get();
    result.r3 = violations.get();
  }
}
