package io.headrace;

import org.jspecify.annotations.Nullable;

/** The inputs of one run, taken by one thread at a time, one after the other. */
interface Inputs {
  /** What comes after the last input. */
  enum End {
    END
  }

  /** As a total: nobody knows yet. */
  long UNKNOWN = -1;

  /**
   * Waits for the next input.
   *
   * @return the next input, or {@link End#END}
   * @throws InterruptedException if the thread is interrupted while it waits; it may ask again
   * @throws Throwable the failure of the source, checked or not
   */
  @Nullable Object next() throws Throwable;

  /** No more are taken. Any thread may call it. */
  void cancel();

  /** How many inputs there are, or {@link #UNKNOWN}. */
  long total();
}
