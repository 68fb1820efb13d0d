package io.headrace;

/** What a {@link Coalescer} does with an execution that nobody waits for anymore. */
public enum WhenAbandoned {
  /** It runs on to its end, and a call for its key joins it as long as it runs. */
  RUN_ON,

  /**
   * The thread of a blocking function is interrupted, the stage of an asynchronous one is
   * cancelled, and one that waits in an executor does not begin. A call for its key executes anew
   * at once, also while a function that ignores its interrupt still runs.
   */
  CANCEL
}
