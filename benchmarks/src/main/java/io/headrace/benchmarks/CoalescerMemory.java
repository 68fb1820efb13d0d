package io.headrace.benchmarks;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CompletableFuture;

/**
 * What a key in flight costs beyond the key and the stage of its function: 100,000 keys are called
 * once, and then once more. Shows what the calling thread allocates for each call, and what of it
 * is still in the heap after a collection.
 *
 * <p>Run with {@code java -cp benchmarks/target/benchmarks.jar
 * io.headrace.benchmarks.CoalescerMemory}.
 */
public final class CoalescerMemory {
  private static final int KEYS = 100_000;

  private CoalescerMemory() {}

  /** Measures and prints. */
  public static void main(String[] arguments) {
    System.out.println(
        "bytes per call of "
            + KEYS
            + " keys: first call allocated, held; joining call allocated, held");
    for (int round = 1; round <= 3; round++) {
      for (CoalescerContender contender : CoalescerContender.values()) {
        print(contender);
      }
    }
  }

  private static void print(CoalescerContender contender) {
    Integer[] keys = new Integer[KEYS];
    CompletableFuture<?>[] stages = new CompletableFuture<?>[KEYS];
    for (int i = 0; i < KEYS; i++) {
      keys[i] = 1_000_000 + i;
      stages[i] = new CompletableFuture<>();
    }
    @SuppressWarnings("unchecked") // nobody completes them
    CoalescerCalls calls =
        contender.start(key -> (CompletableFuture<Integer>) stages[key - 1_000_000]);
    CompletableFuture<?>[] first = new CompletableFuture<?>[KEYS];
    CompletableFuture<?>[] second = new CompletableFuture<?>[KEYS];
    double[] ofFirst = measure(calls, keys, first);
    double[] ofSecond = measure(calls, keys, second);
    if (calls.keys() != KEYS || first[KEYS - 1].isDone() || second[KEYS - 1].isDone()) {
      throw new IllegalStateException(calls.keys() + " keys are in flight");
    }
    System.out.printf(
        "  %-16s %6.1f %6.1f   %6.1f %6.1f%n",
        contender, ofFirst[0], ofFirst[1], ofSecond[0], ofSecond[1]);
  }

  private static double[] measure(
      CoalescerCalls calls, Integer[] keys, CompletableFuture<?>[] futures) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long heldBefore = heldBytes();
    long allocatedBefore = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < KEYS; i++) {
      futures[i] = calls.submit(keys[i]);
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - allocatedBefore;
    long held = heldBytes() - heldBefore;
    return new double[] {allocated / (double) KEYS, held / (double) KEYS};
  }

  private static long heldBytes() {
    Runtime runtime = Runtime.getRuntime();
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return runtime.totalMemory() - runtime.freeMemory();
  }
}
