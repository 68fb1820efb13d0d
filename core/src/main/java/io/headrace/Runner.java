package io.headrace;

import org.jspecify.annotations.Nullable;

/**
 * The thread that runs code of users at a moment, if one does: to interrupt it then, and never
 * afterwards. Thread safe.
 */
final class Runner {
  private volatile @Nullable Thread thread;

  /** Whether the thread was interrupted by {@link #interrupt}; guarded by this. */
  private boolean isInterrupted;

  /** The calling thread is going to run it. */
  void begin() {
    thread = Thread.currentThread();
  }

  /** The calling thread has run it: an interrupt that was meant for that ends here. */
  synchronized void end() {
    thread = null;
    if (isInterrupted) {
      isInterrupted = false;
      Thread.interrupted();
    }
  }

  /** Interrupts the thread, if there is one. */
  synchronized void interrupt() {
    Thread thread = this.thread;
    if (thread != null) {
      thread.interrupt();
      isInterrupted = true;
    }
  }

  boolean is(Thread other) {
    return other.equals(thread);
  }
}
