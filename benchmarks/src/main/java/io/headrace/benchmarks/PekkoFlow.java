package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.stream.BoundedSourceQueue;
import org.apache.pekko.stream.QueueOfferResult;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;

/**
 * Pekko Streams: three {@code map}, each behind an {@code async} boundary, which makes it an actor
 * of its own.
 */
final class PekkoFlow implements Contender {
  private final ActorSystem system = PekkoSystem.start();
  private final BoundedSourceQueue<FlowCall> queue;

  PekkoFlow() {
    queue =
        Source.<FlowCall>queue(Limits.QUEUE_CAPACITY)
            .async()
            .map(FlowCall::step)
            .async()
            .map(FlowCall::step)
            .async()
            .map(FlowCall::step)
            .to(Sink.foreach(FlowCall::finish))
            .run(system);
  }

  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    FlowCall call = new FlowCall(item);
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
