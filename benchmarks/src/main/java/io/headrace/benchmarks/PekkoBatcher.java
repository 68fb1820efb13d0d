package io.headrace.benchmarks;

import java.util.concurrent.CompletableFuture;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.stream.BoundedSourceQueue;
import org.apache.pekko.stream.QueueOfferResult;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;

/**
 * Pekko Streams' {@code groupedWithin} behind a bounded {@code Source.queue}, whose {@code offer}
 * may be called by several threads and answers at once.
 */
final class PekkoBatcher implements Contender {
  private final ActorSystem system = PekkoSystem.start();
  private final BoundedSourceQueue<Call> queue;

  PekkoBatcher(BatchFunction function) {
    queue =
        Source.<Call>queue(Limits.QUEUE_CAPACITY)
            .groupedWithin(Limits.MAX_BATCH, Limits.MAX_DELAY)
            .to(Sink.foreach(batch -> Call.complete(batch, function)))
            .run(system);
  }

  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    Call call = new Call(item);
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
