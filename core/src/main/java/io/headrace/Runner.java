package io.headrace;

import org.jspecify.annotations.Nullable;

/**
 * The thread that runs code of users at a moment, if one does: to interrupt it then, and never
 * afterwards. Thread safe.
 */
final class Runner {
  /*
   * Who interrupts says so before it looks for the thread, and the thread leaves before it looks
   * whether somebody has said so: one of them sees the other, and the monitor is taken only then.
   */

  private volatile @Nullable Thread thread;

  /** Whether the thread was interrupted, or may be about to be; written under the monitor. */
  private volatile boolean isInterrupted;

  /** The calling thread is going to run it. */
  void begin() {
    thread = Thread.currentThread();
  }

  /** The calling thread has run it: an interrupt that was meant for that ends here. */
  void end() {
    thread = null;
    if (isInterrupted) {
      endInterrupt();
    }
  }

  private synchronized void endInterrupt() {
    if (isInterrupted) {
      isInterrupted = false;
      Thread.interrupted();
    }
  }

  /** Interrupts the thread, if there is one. */
  synchronized void interrupt() {
    boolean wasInterrupted = isInterrupted; // then the thread is about to end that
    isInterrupted = true;
    Thread thread = this.thread;
    if (thread == null) {
      isInterrupted = wasInterrupted;
    } else {
      thread.interrupt();
    }
  }

  boolean is(Thread other) {
    return other.equals(thread);
  }
}
