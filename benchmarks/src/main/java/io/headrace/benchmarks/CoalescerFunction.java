package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;

/** A function whose executions end when somebody asks for it. Thread safe. */
final class CoalescerFunction implements Function<Integer, CompletableFuture<Integer>> {
  private final ConcurrentLinkedQueue<Execution> open = new ConcurrentLinkedQueue<>();
  private final LongAdder executions = new LongAdder();

  private static final class Execution extends CompletableFuture<Integer> {
    final Integer key;

    Execution(Integer key) {
      this.key = key;
    }
  }

  @Override
  public CompletableFuture<Integer> apply(Integer key) {
    Execution execution = new Execution(key);
    executions.increment();
    open.add(execution);
    return execution;
  }

  /** Ends all that are open. */
  void endAll() {
    Execution execution;
    while ((execution = open.poll()) != null) {
      execution.complete(execution.key);
    }
  }

  long executions() {
    return executions.sum();
  }
}
