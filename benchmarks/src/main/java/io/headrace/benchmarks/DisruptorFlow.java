package io.headrace.benchmarks;

import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.WaitStrategy;
import com.lmax.disruptor.dsl.Disruptor;
import com.lmax.disruptor.dsl.EventHandlerGroup;
import com.lmax.disruptor.dsl.ProducerType;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * LMAX Disruptor: one ring for several producers, and a handler with a thread of its own for each
 * step, chained by {@code then}.
 */
final class DisruptorFlow implements Contender {
  private final Disruptor<Entry> disruptor;
  private final RingBuffer<Entry> ring;
  private final int steps;

  /** A place in the ring. */
  private static final class Entry {
    @Nullable FlowCall call;

    FlowCall call() {
      if (call == null) {
        throw new IllegalStateException("a place in the ring is empty");
      }
      return call;
    }
  }

  DisruptorFlow(WaitStrategy waiting, int steps) {
    this.steps = steps;
    disruptor =
        new Disruptor<>(
            Entry::new,
            Limits.QUEUE_CAPACITY,
            Thread.ofPlatform().daemon().name("disruptor-", 1).factory(),
            ProducerType.MULTI,
            waiting);
    EventHandlerGroup<Entry> chain = disruptor.handleEventsWith(handler(steps == 1));
    for (int step = 2; step <= steps; step++) {
      chain = chain.then(handler(step == steps));
    }
    ring = disruptor.start();
  }

  private static EventHandler<Entry> handler(boolean isLast) {
    if (!isLast) {
      return (entry, _, _) -> {
        var _ = entry.call().step(); // it goes on with the ring
      };
    }
    return (entry, _, _) -> {
      FlowCall call = entry.call().step();
      entry.call = null; // or the ring would keep it
      call.finish();
    };
  }

  @Override
  public CompletableFuture<Integer> submit(Integer item) {
    FlowCall call = new FlowCall(item, steps);
    long sequence = ring.next();
    ring.get(sequence).call = call;
    ring.publish(sequence);
    return call;
  }

  @Override
  public void close() {
    disruptor.halt();
  }
}
