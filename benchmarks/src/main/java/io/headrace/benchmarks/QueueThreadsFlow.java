package io.headrace.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;

/** What one writes without a library: a queue of the JDK and a thread for each step. */
final class QueueThreadsFlow implements Contender {
  private final List<Thread> threads = new ArrayList<>();
  private final BlockingQueue<FlowCall> first = new LinkedBlockingQueue<>(Limits.QUEUE_CAPACITY);

  QueueThreadsFlow(int steps) {
    BlockingQueue<FlowCall> in = first;
    for (int step = 1; step < steps; step++) {
      BlockingQueue<FlowCall> out = new LinkedBlockingQueue<>(Limits.QUEUE_CAPACITY);
      start(in, out::add);
      in = out;
    }
    start(in, FlowCall::finish);
  }

  private void start(BlockingQueue<FlowCall> in, Consumer<FlowCall> out) {
    threads.add(Thread.ofPlatform().daemon().start(() -> work(in, out)));
  }

  private static void work(BlockingQueue<FlowCall> in, Consumer<FlowCall> out) {
    List<FlowCall> batch = new ArrayList<>(Limits.MAX_BATCH);
    try {
      while (true) {
        batch.add(in.take());
        in.drainTo(batch, Limits.MAX_BATCH - 1);
        for (FlowCall call : batch) {
          out.accept(call.step());
        }
        batch.clear();
      }
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    FlowCall call = new FlowCall(item, threads.size());
    first.add(call);
    return call;
  }

  @Override
  public void close() {
    threads.forEach(Thread::interrupt);
  }
}
