package io.headrace.benchmarks;

import io.headrace.BatchPolicy;
import io.headrace.Workers;
import java.util.function.Function;

/** Who batches. JMH runs all of them, and the tests check all of them. */
@SuppressWarnings("ImmutableEnumChecker") // the function keeps no state
public enum BatcherContender {
  /** Headrace with its default policy: nothing waits while the worker is idle. */
  HEADRACE(
      function ->
          new HeadraceBatcher(BatchPolicy.greedy(Limits.MAX_BATCH), Workers.threads(1), function)),
  /** Headrace with a delay, as the rivals have it. */
  HEADRACE_FIXED(
      function ->
          new HeadraceBatcher(
              BatchPolicy.fixed(Limits.MAX_BATCH, Limits.MAX_DELAY), Workers.threads(1), function)),
  /** Headrace without threads: the producer runs the batches. */
  HEADRACE_INLINE(HeadraceInlineBatcher::new),
  /** Reactor {@code bufferTimeout}; a thread of its own makes and runs the batches. */
  REACTOR(function -> new ReactorBatcher(ReactorBatcher.Variant.OWN_THREAD, function)),
  /** The same with fair backpressure, which keeps the maximum exactly. */
  REACTOR_FAIR(function -> new ReactorBatcher(ReactorBatcher.Variant.OWN_THREAD_FAIR, function)),
  /** Reactor {@code bufferTimeout}; the producer whose item fills a batch runs it. */
  REACTOR_CALLER(function -> new ReactorBatcher(ReactorBatcher.Variant.CALLER, function)),
  /** RxJava {@code buffer(time, size)}; a thread of its own makes and runs the full batches. */
  RXJAVA(function -> new RxJavaBatcher(true, function)),
  /** The same; the producer whose item fills a batch runs it. */
  RXJAVA_CALLER(function -> new RxJavaBatcher(false, function)),
  /** Pekko Streams {@code groupedWithin}. */
  PEKKO(PekkoBatcher::new),
  /** java-dataloader; each producer dispatches after its last item and runs the batches. */
  DATALOADER_CALLER(function -> new DataLoaderBatcher(false, function)),
  /** java-dataloader with a thread of ours that dispatches whenever there is something. */
  DATALOADER_THREAD(function -> new DataLoaderBatcher(true, function)),
  /** A {@code LinkedBlockingQueue} and a thread that drains it. */
  QUEUE_THREAD(QueueThreadBatcher::new),
  /** No batching at all: the future is completed at once. */
  FLOOR(function -> new Floor());

  private final Function<BatchFunction, Contender> start;

  BatcherContender(Function<BatchFunction, Contender> start) {
    this.start = start;
  }

  Contender start(BatchFunction function) {
    return start.apply(function);
  }
}
