package io.headrace.benchmarks;

import com.sun.management.ThreadMXBean;
import io.headrace.BatchPolicy;
import io.headrace.Batcher;
import io.headrace.CallOptions;
import io.headrace.Handler;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/**
 * What a waiting item costs beyond itself: a million items are submitted while the worker is held
 * up. Shows what the submitting thread allocates per item, and what of it is still in the heap
 * after a collection. The future that the caller gets is part of it.
 *
 * <p>Run with {@code java -cp benchmarks/target/benchmarks.jar
 * io.headrace.benchmarks.QueuedItemsMemory}.
 */
public final class QueuedItemsMemory {
  private static final int ITEMS = 1_000_000;

  private QueuedItemsMemory() {}

  /** Measures and prints. */
  public static void main(String[] arguments) throws InterruptedException {
    System.out.println(
        "bytes per queued item beyond the item, of "
            + ITEMS
            + ": allocated, held after a collection");
    for (int round = 1; round <= 3; round++) {
      print("greedy", BatchPolicy.greedy(32), CallOptions.DEFAULT);
      print("fixed, 1 ms", BatchPolicy.fixed(32, Duration.ofMillis(1)), CallOptions.DEFAULT);
      print(
          "greedy, with a timeout",
          BatchPolicy.greedy(32),
          CallOptions.timeout(Duration.ofHours(1)));
    }
  }

  private static void print(String name, BatchPolicy policy, CallOptions options)
      throws InterruptedException {
    CountDownLatch busy = new CountDownLatch(1);
    CountDownLatch free = new CountDownLatch(1);
    Handler<Integer, Integer> handler =
        items -> {
          busy.countDown();
          free.await();
          return items;
        };
    Batcher<Integer, Integer> batcher = Batcher.builder(handler).batch(policy).build();
    try (batcher) {
      CompletableFuture<Integer> first = batcher.submit(0);
      busy.await();
      Measured measured = fill(batcher, options);
      System.out.printf("  %-24s %6.1f %6.1f%n", name, measured.allocated, measured.held);
      free.countDown();
      first.join();
      measured.join();
    }
  }

  private static Measured fill(Batcher<Integer, Integer> batcher, CallOptions options) {
    Integer[] items = new Integer[ITEMS];
    for (int i = 0; i < ITEMS; i++) {
      items[i] = 1_000_000 + i;
    }
    CompletableFuture<?>[] futures = new CompletableFuture<?>[ITEMS];
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long heldBefore = heldBytes();
    long allocatedBefore = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < ITEMS; i++) {
      futures[i] = batcher.submit(items[i], options);
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - allocatedBefore;
    long held = heldBytes() - heldBefore;
    if (batcher.queued() != ITEMS) {
      throw new IllegalStateException(batcher.queued() + " of " + ITEMS + " items are queued");
    }
    return new Measured(items, futures, allocated / (double) ITEMS, held / (double) ITEMS);
  }

  private static long heldBytes() {
    Runtime runtime = Runtime.getRuntime();
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return runtime.totalMemory() - runtime.freeMemory();
  }

  /**
   * Keeps the items, so that the collection counts neither them nor the array of futures as gone.
   */
  private static final class Measured {
    final double allocated;
    final double held;
    private final Integer[] items;
    private final CompletableFuture<?>[] futures;

    Measured(Integer[] items, CompletableFuture<?>[] futures, double allocated, double held) {
      this.items = items;
      this.futures = futures;
      this.allocated = allocated;
      this.held = held;
    }

    void join() {
      for (int i = 0; i < items.length; i++) {
        Results.check(items[i], futures[i].join());
      }
    }
  }
}
