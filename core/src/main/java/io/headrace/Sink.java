package io.headrace;

import org.jspecify.annotations.Nullable;

/** Where the outcomes of a run go: what makes one verb different from another. */
interface Sink {
  /** Whether a failure is an outcome as any other, and not the end of the run. */
  boolean goesOn();

  /** A task is about to start; called for one index after the other, by one thread at a time. */
  default void starting(long index) {}

  /**
   * A task ended well. Does not block.
   *
   * @return whether that decides the whole run
   */
  boolean succeeded(long index, @Nullable Object input, @Nullable Object value);

  /** A task failed, in a run that goes on. Does not block. */
  void failed(long index, @Nullable Object input, Throwable failure);

  /** The run has ended. */
  default void ended() {}
}
