package io.headrace.process;

import io.headrace.shm.Lifeline;
import io.headrace.shm.Mechanism;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Waits for the end of the thread of a process that executes batches, where the system tells it
 * before that of the process. Of the thread of the worker.
 */
final class LoopWatch {
  /**
   * A lifeline that nobody has written nonsense into ends with the process at once. So much longer
   * that the watch has seen that, also on a machine that stands still.
   */
  private static final Duration MAX_LIFELINE = Duration.ofSeconds(5);

  private final String name;
  private final boolean isThere;
  private final Lifeline lifeline;
  private final Runnable whenEnded;
  private @Nullable Thread thread;

  /**
   * One that has not begun.
   *
   * @param name what the worker is called
   * @param memory where the lifeline is
   * @param whenEnded is told, on a thread of its own
   */
  LoopWatch(String name, MemorySegment memory, Mechanism mechanism, Runnable whenEnded) {
    this.name = name;
    this.whenEnded = whenEnded;
    isThere = mechanism == Mechanism.LINUX;
    lifeline = isThere ? Lifeline.create(memory) : Lifeline.open(memory);
  }

  /** Called once the process holds the lifeline, as it does when it answers; may be repeated. */
  void begin() {
    if (thread == null && isThere) {
      thread = Thread.ofPlatform().daemon().name(name + "-lifeline").start(this::watch);
    }
  }

  private void watch() {
    if (lifeline.awaitEnd()) {
      whenEnded.run();
    }
  }

  /** It ends with the process, unless that has written nonsense where it waits. */
  void end() {
    Thread thread = this.thread;
    boolean isInterrupted = false;
    while (thread != null && thread.isAlive()) {
      try {
        if (!thread.join(MAX_LIFELINE)) {
          lifeline.cut();
        }
      } catch (InterruptedException e) {
        isInterrupted = true;
      }
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
