package io.headrace;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** An input, its place and what it was granted. Written by the thread that starts the task. */
class StartedTask {
  long index;
  @Nullable Object input;

  /** Where a slot was taken for it, until that is given back. */
  private @Nullable Gate gate;

  /** Why it has no permit, and fails. */
  private @Nullable Throwable refusal;

  final void begin(
      long newIndex, @Nullable Object newInput, @Nullable Gate taken, @Nullable Throwable refused) {
    index = newIndex;
    input = newInput;
    gate = taken;
    refusal = refused;
  }

  final boolean isRefused() {
    return refusal != null;
  }

  final void requirePermit() throws Throwable {
    if (refusal != null) {
      throw refusal;
    }
  }

  /** Nobody's continuations run here: the thread is the run's, and what ended has to be told of. */
  final void releasePermit() {
    Gate taken = clearGate();
    if (taken != null) {
      taken.giveBack();
    }
  }

  /** Returns where a slot is to be given back, once. */
  @Nullable Gate clearGate() {
    Gate taken = gate;
    gate = null;
    return taken;
  }

  final DeadlineExceededException late(RunOptions options) {
    return new DeadlineExceededException(
        "the task of input "
            + index
            + " took longer than its timeout, "
            + Duration.ofNanos(options.taskTimeoutNanos()));
  }
}
