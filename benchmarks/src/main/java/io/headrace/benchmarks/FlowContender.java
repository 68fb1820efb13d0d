package io.headrace.benchmarks;

import java.util.function.Supplier;

/** Who runs three steps that do nothing. JMH runs all of them, and the tests check all of them. */
@SuppressWarnings("ImmutableEnumChecker") // the function keeps no state
public enum FlowContender {
  /** Reactor, a {@code publishOn} for each step. */
  REACTOR(ReactorFlow::new),
  /** Pekko Streams, an {@code async} boundary for each step. */
  PEKKO(PekkoFlow::new),
  /** A {@code LinkedBlockingQueue} and a thread for each step. */
  QUEUE_THREADS(QueueThreadsFlow::new),
  /** No steps at all: the future is completed at once. */
  FLOOR(Floor::new);

  private final Supplier<Contender> start;

  FlowContender(Supplier<Contender> start) {
    this.start = start;
  }

  Contender start() {
    return start.get();
  }
}
