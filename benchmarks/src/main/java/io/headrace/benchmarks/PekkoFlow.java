package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.stream.BoundedSourceQueue;
import org.apache.pekko.stream.QueueOfferResult;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;

/**
 * Pekko Streams: a {@code map} for each step behind an {@code async} boundary, which makes it an
 * actor of its own.
 */
final class PekkoFlow implements Contender {
  private final ActorSystem system = PekkoSystem.start();
  private final BoundedSourceQueue<FlowCall> queue;
  private final int steps;

  PekkoFlow(int steps) {
    this.steps = steps;
    Source<FlowCall, BoundedSourceQueue<FlowCall>> calls = Source.queue(Limits.QUEUE_CAPACITY);
    for (int step = 1; step <= steps; step++) {
      calls = calls.async().map(FlowCall::step);
    }
    queue = calls.to(Sink.foreach(FlowCall::finish)).run(system);
  }

  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    FlowCall call = new FlowCall(item, steps);
    QueueOfferResult result = queue.offer(call);
    if (!result.isEnqueued()) {
      throw new IllegalStateException("Pekko's queue refused item " + item + ": " + result);
    }
    return call;
  }

  @Override
  public void close() {
    queue.complete();
    PekkoSystem.stop(system);
  }
}
