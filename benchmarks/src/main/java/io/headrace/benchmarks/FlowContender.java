package io.headrace.benchmarks;

import io.headrace.Workers;
import java.util.function.Function;

/** Who runs three steps that do nothing. JMH runs all of them, and the tests check all of them. */
@SuppressWarnings("ImmutableEnumChecker") // the function keeps no state
public enum FlowContender {
  /** Headrace, a thread for each step. */
  HEADRACE(function -> new HeadraceFlow(Workers.threads(1), function)),
  /** Headrace, a thread for the first step, which also executes the others. */
  HEADRACE_INLINE(function -> new HeadraceFlow(Workers.inline(), function)),
  /** Reactor, a {@code publishOn} for each step. */
  REACTOR(_ -> new ReactorFlow()),
  /** Pekko Streams, an {@code async} boundary for each step. */
  PEKKO(_ -> new PekkoFlow()),
  /** A {@code LinkedBlockingQueue} and a thread for each step. */
  QUEUE_THREADS(_ -> new QueueThreadsFlow()),
  /** No steps at all: the future is completed at once. */
  FLOOR(_ -> new Floor());

  private final Function<BatchFunction, Contender> start;

  FlowContender(Function<BatchFunction, Contender> start) {
    this.start = start;
  }

  Contender start(BatchFunction function) {
    return start.apply(function);
  }
}
