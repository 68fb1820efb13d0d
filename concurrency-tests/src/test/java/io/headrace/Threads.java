package io.headrace;

import java.util.ArrayList;
import java.util.List;

/** Threads that run side by side in an explored scenario. */
final class Threads {
  private Threads() {}

  /** Runs each task on a thread of its own and waits for all. */
  static void run(Runnable... tasks) {
    List<Thread> threads = new ArrayList<>();
    for (Runnable task : tasks) {
      Thread thread = new Thread(task);
      threads.add(thread);
      thread.start();
    }
    threads.forEach(Threads::join);
  }

  /** Waits for a thread; an interrupt that comes meanwhile is kept for the caller. */
  static void join(Thread thread) {
    boolean wasInterrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        wasInterrupted = true;
      }
    }
    if (wasInterrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
