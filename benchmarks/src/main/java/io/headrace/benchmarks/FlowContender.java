package io.headrace.benchmarks;

import com.lmax.disruptor.BlockingWaitStrategy;
import com.lmax.disruptor.YieldingWaitStrategy;
import io.headrace.Workers;

/** Who runs steps that do nothing. JMH runs all of them, and the tests check all of them. */
@SuppressWarnings("ImmutableEnumChecker") // the function keeps no state
public enum FlowContender {
  /** Headrace, a thread for each step. */
  HEADRACE((function, steps) -> new HeadraceFlow(Workers.threads(1), function, steps)),
  /** Headrace, a thread for the first step, which also executes the others. */
  HEADRACE_INLINE((function, steps) -> new HeadraceFlow(Workers.inline(), function, steps)),
  /** Reactor, a {@code publishOn} for each step. */
  REACTOR((_, steps) -> new ReactorFlow(steps)),
  /** Pekko Streams, an {@code async} boundary for each step. */
  PEKKO((_, steps) -> new PekkoFlow(steps)),
  /** Disruptor, a handler for each step; its threads block while the ring is empty. */
  DISRUPTOR((_, steps) -> new DisruptorFlow(new BlockingWaitStrategy(), steps)),
  /** Disruptor, whose threads never sleep but spin and yield. */
  DISRUPTOR_YIELDING((_, steps) -> new DisruptorFlow(new YieldingWaitStrategy(), steps)),
  /** {@code CompletableFuture.thenApplyAsync} with an executor of one thread for each step. */
  EXECUTORS((_, steps) -> new ExecutorsFlow(steps)),
  /** A {@code LinkedBlockingQueue} and a thread for each step. */
  QUEUE_THREADS((_, steps) -> new QueueThreadsFlow(steps)),
  /** No steps at all: the future is completed at once. */
  FLOOR((_, _) -> new Floor());

  private final Start start;

  @FunctionalInterface
  private interface Start {
    Contender with(BatchFunction function, int steps);
  }

  FlowContender(Start start) {
    this.start = start;
  }

  /**
   * Starts it.
   *
   * @param function what Headrace gives its batches to; the others count the steps of each item
   * @param steps how many steps, at least 1
   */
  Contender start(BatchFunction function, int steps) {
    return start.with(function, steps);
  }
}
