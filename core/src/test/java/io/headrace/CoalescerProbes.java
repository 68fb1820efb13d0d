package io.headrace;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/** Functions for coalescers that a test ends by hand, and calls from threads of their own. */
final class CoalescerProbes {
  private CoalescerProbes() {}

  /** An asynchronous function whose stages are completed by the test, in any order. */
  static final class Stages<A, V> implements Coalescer.Work<A, CompletableFuture<V>> {
    final List<A> arguments = new ArrayList<>();
    final List<CompletableFuture<V>> stages = new ArrayList<>();

    @Override
    public synchronized CompletableFuture<V> execute(A argument) {
      arguments.add(argument);
      CompletableFuture<V> stage = new CompletableFuture<>();
      stages.add(stage);
      return stage;
    }

    synchronized int executions() {
      return stages.size();
    }

    synchronized CompletableFuture<V> last() {
      return stages.getLast();
    }
  }

  /** A blocking function that waits until the test opens it. */
  static final class Gate<A, V> implements Coalescer.Work<A, V> {
    final CountDownLatch entered = new CountDownLatch(1);
    final CountDownLatch interrupted = new CountDownLatch(1);
    private final CountDownLatch open = new CountDownLatch(1);
    private final Coalescer.Work<A, V> work;

    Gate(Coalescer.Work<A, V> work) {
      this.work = work;
    }

    void open() {
      open.countDown();
    }

    @Override
    public V execute(A argument) throws Exception {
      entered.countDown();
      try {
        open.await();
      } catch (InterruptedException e) {
        interrupted.countDown();
        throw e;
      }
      return work.execute(argument);
    }
  }

  /** What may throw anything. */
  @FunctionalInterface
  interface Blocking<V> {
    V call() throws Exception;
  }

  /** Makes a blocking call on a thread of its own; completes with what it returns or throws. */
  static <V> CompletableFuture<V> inThread(Blocking<V> call) {
    CompletableFuture<V> end = new CompletableFuture<>();
    Thread.startVirtualThread(
        () -> {
          try {
            end.complete(call.call());
          } catch (Throwable failure) {
            end.completeExceptionally(failure);
          }
        });
    return end;
  }
}
