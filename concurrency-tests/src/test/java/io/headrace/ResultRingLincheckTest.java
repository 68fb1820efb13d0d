package io.headrace;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Any number of threads add; one at a time takes: first in, first out. */
class ResultRingLincheckTest {
  @Test
  void modelChecking() {
    Depth.modelChecking().sequentialSpecification(Model.class).check(Counted.class);
  }

  @Test
  void stress() {
    Depth.stress().sequentialSpecification(Model.class).check(Counted.class);
  }

  /** A ring that wraps round after a few results, and is larger than all that a scenario adds. */
  @Param(name = "item", gen = IntGen.class, conf = "1:9")
  public static class Counted {
    private static final int SLOTS = 32;

    private final ResultRing ring = new ResultRing(SLOTS);

    /** How many are in the ring or being added. */
    private final AtomicInteger present = new AtomicInteger();

    public Counted() {
      for (int i = 0; i < SLOTS - 2; i++) {
        ring.add(i);
        ring.poll();
      }
    }

    @Operation
    public void add(@Param(name = "item") int item) {
      present.incrementAndGet();
      ring.add(item);
    }

    /** Waits for a result that is being added. */
    @Operation(nonParallelGroup = "consumer")
    public @Nullable Object take() {
      if (present.get() == 0) {
        return null;
      }
      Object result;
      while ((result = ring.poll()) == null) {
        Thread.onSpinWait();
      }
      present.decrementAndGet();
      return result;
    }
  }

  /** What it should do. */
  public static class Model {
    private final Queue<Integer> items = new ArrayDeque<>();

    public void add(int item) {
      items.add(item);
    }

    public @Nullable Object take() {
      return items.poll();
    }
  }
}
