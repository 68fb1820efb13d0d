package io.headrace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Batches begin and end while the handler is replaced. */
class SwappableLincheckTest {
  private static final Step STEP = Parts.step(List::copyOf, step -> {});

  /** Sees that no batch begins or runs when it is closed. */
  private static final class Checked extends Handling {
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger closes = new AtomicInteger();

    Checked() throws Exception {
      start(Parts.station(STEP)); // which it does not use
    }

    @Override
    Answer handle(List<Object> items) {
      running.incrementAndGet();
      assertEquals(0, closes.get(), "a batch of a handler that is closed");
      running.decrementAndGet();
      return new Answer(items, null);
    }

    @Override
    void onClose() {
      assertEquals(0, running.get(), "closed while a batch runs");
      closes.incrementAndGet();
    }
  }

  private static void handle(Swappable swappable) {
    try {
      assertEquals(List.of("item"), swappable.handle(List.of("item")).results());
    } catch (Exception failure) {
      throw new AssertionError(failure);
    }
  }

  /** Returns false if it is closed. */
  private static boolean swap(Swappable swappable, Handling handling, Station station) {
    Runnable retirement = swappable.swap(handling, station);
    if (retirement == null) {
      return false;
    }
    retirement.run();
    return true;
  }

  private static Checked checked() {
    try {
      return new Checked();
    } catch (Exception failure) {
      throw new AssertionError(failure);
    }
  }

  @Test
  void oldHandlerIsClosedOnceAfterItsBatches() {
    Depth.explore(
        () -> {
          QueuedStation station = Parts.station(STEP);
          Checked before = checked();
          Checked after = checked();
          Swappable swappable = Swappable.shared(before).get();
          Threads.run(
              List.of(swappable, after, station),
              () -> handle(swappable),
              () -> handle(swappable),
              () -> assertTrue(swap(swappable, after, station)));
          assertEquals(1, before.closes.get());
          assertEquals(0, after.closes.get());
        });
  }

  @Test
  void eachHandlerIsClosedOnceByTwoSwaps() {
    Depth.explore(
        () -> {
          QueuedStation station = Parts.station(STEP);
          Checked first = checked();
          Checked second = checked();
          Checked third = checked();
          Swappable swappable = Swappable.shared(first).get();
          Threads.run(
              List.of(swappable, second, third, station),
              () -> handle(swappable),
              () -> {
                assertTrue(swap(swappable, second, station));
                assertTrue(swap(swappable, third, station));
              });
          handle(swappable);
          assertEquals(1, first.closes.get());
          assertEquals(1, second.closes.get());
          assertEquals(0, third.closes.get());
        });
  }

  @Test
  void swapOrCloseClosesEachHandlerOnce() {
    Depth.explore(
        () -> {
          QueuedStation station = Parts.station(STEP);
          Checked before = checked();
          Checked after = checked();
          Swappable swappable = Swappable.shared(before).get();
          boolean[] swapped = new boolean[1];
          Threads.run(
              List.of(swappable, after, station),
              () -> swapped[0] = swap(swappable, after, station),
              () -> {
                try {
                  swappable.close();
                } catch (Exception failure) {
                  throw new AssertionError(failure);
                }
              });
          assertEquals(1, before.closes.get());
          assertEquals(swapped[0] ? 1 : 0, after.closes.get());
        });
  }
}
