package io.headrace;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/**
 * A handler that waits for the answer of a batch is replaced while others begin, one of which may
 * find it retired and does not count then: the results are which handler took the last of them, and
 * how often the old one was closed before its last answer and after it.
 */
@JCStressTest
@Outcome(id = "1, 0, 1", expect = Expect.ACCEPTABLE, desc = "all came before the swap")
@Outcome(id = "2, 0, 1", expect = Expect.ACCEPTABLE, desc = "the new one took the last")
@Outcome(expect = Expect.FORBIDDEN, desc = "closed too early, twice or never")
@State
public class SwapWhileBusyTest {
  private static final int MOST_BATCHES = 100;
  private static final Step STEP = Parts.step(List::copyOf, OnFull.fail(), 8);

  private final AtomicInteger closes = new AtomicInteger();
  private final CompletableFuture<List<?>> answer = new CompletableFuture<>();
  private final QueuedStation station = Parts.station(STEP);
  private final Swappable swappable;

  public SwapWhileBusyTest() {
    Old old = new Old();
    start(old);
    swappable = Swappable.shared(old).get();
    handle("for long");
  }

  private void start(Handling handling) {
    try {
      handling.start(station);
    } catch (Exception failure) {
      throw new AssertionError(failure);
    }
  }

  private Handling.Answer handle(String item) {
    try {
      return swappable.handle(List.of(item));
    } catch (Exception failure) {
      throw new AssertionError(failure);
    }
  }

  private final class Old extends Handling {
    @Override
    Answer handle(List<Object> items) {
      return items.contains("for long") ? new Answer(null, answer) : new Answer(List.of(1), null);
    }

    @Override
    void onClose() {
      closes.incrementAndGet();
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
    for (int i = 0; i < MOST_BATCHES && result.r1 != 2; i++) {
      result.r1 = (int) requireNonNull(handle("at once").results()).getFirst();
    }
  }

  @Actor
  public void swapper() {
    requireNonNull(swappable.swap(new New(), station)).run();
  }

  @Arbiter
  public void look(III_Result result) {
    result.r2 = closes.get();
    answer.complete(List.of(1));
    result.r3 = closes.get();
  }
}
