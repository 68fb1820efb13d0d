package io.headrace.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;

/** What one writes without a library: a queue of the JDK and a thread that takes what is there. */
final class QueueThreadBatcher implements Contender {
  private final LinkedBlockingQueue<Call> queue = new LinkedBlockingQueue<>(Limits.QUEUE_CAPACITY);
  private final Thread worker;

  QueueThreadBatcher(BatchFunction function) {
    worker = Thread.ofPlatform().daemon().start(() -> work(function));
  }

  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    Call call = new Call(item);
    if (!queue.offer(call)) {
      throw new IllegalStateException("the queue refused item " + item);
    }
    return call;
  }

  private void work(BatchFunction function) {
    List<Call> batch = new ArrayList<>(Limits.MAX_BATCH);
    try {
      while (true) {
        batch.add(queue.take());
        queue.drainTo(batch, Limits.MAX_BATCH - 1);
        Call.complete(batch, function);
        batch.clear();
      }
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    worker.interrupt();
  }
}
