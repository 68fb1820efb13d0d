package io.headrace;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** An input, its place and its permit. Written by the thread that starts the task. */
class StartedTask {
  long index;
  @Nullable Object input;
  @Nullable Permit permit;

  final void begin(long newIndex, @Nullable Object newInput, Permit newPermit) {
    index = newIndex;
    input = newInput;
    permit = newPermit;
  }

  final void releasePermit() {
    Permit held = permit;
    permit = null;
    if (held != null) {
      held.close();
    }
  }

  final String timeoutMessage(RunOptions options) {
    return "the task of input "
        + index
        + " took longer than its timeout, "
        + Duration.ofNanos(options.taskTimeoutNanos());
  }
}
