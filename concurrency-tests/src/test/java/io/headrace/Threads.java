package io.headrace;

import java.util.ArrayList;
import java.util.List;

/** Threads that run side by side in an explored scenario. */
final class Threads {
  @SuppressWarnings("unused") // for Lincheck
  private static volatile Object published;

  private Threads() {}

  /**
   * Runs each task on a thread of its own and waits for all. Lincheck changes threads only at
   * accesses of objects that it takes for shared: those that were written to a field of another one
   * that is. It does not see what a lambda captures, so that is named here.
   *
   * @param shared what several of the tasks use; what it refers to is shared as well
   */
  static void run(List<?> shared, Runnable... tasks) {
    shared.forEach(object -> published = object);
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
