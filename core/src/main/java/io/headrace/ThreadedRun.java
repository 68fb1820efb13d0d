package io.headrace;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A run of a task that blocks: virtual threads that each take the next input themselves. */
final class ThreadedRun extends TaskRun {
  /*
   * A thread that takes an input leaves the seekers; if it was the last, it starts another thread
   * before it runs the task, up to the limit of tasks at once. So there is always one that seeks
   * the next input, and there are never more threads than tasks that ran at the same time, and a
   * few. At the limit none seeks while all run tasks; the gate tells when the limit is raised.
   */

  private final Task<@Nullable Object, @Nullable Object> task;
  private final int mostRunning;
  private final @Nullable ClassLoader loader = Thread.currentThread().getContextClassLoader();

  /** Threads that seek the next input, or are about to. */
  private final AtomicInteger seekers = new AtomicInteger(1);

  /** Guarded by itself. */
  private final Set<TaskThread> threads = new LinkedHashSet<>();

  ThreadedRun(
      Throttle throttle,
      Inputs inputs,
      Task<@Nullable Object, @Nullable Object> task,
      Sink sink,
      RunOptions options,
      ContextPropagation.@Nullable Captured context,
      @Nullable Semaphore window) {
    super(throttle, inputs, sink, options, context, window);
    this.task = task;
    mostRunning = options.mostRunning(throttle.maxAtOnce());
  }

  @Override
  void begin() {
    throttle.gate().tell(this);
    synchronized (threads) {
      startThread();
    }
  }

  /** The caller holds the monitor of the threads. */
  private void startThread() {
    TaskThread added = new TaskThread(this, task);
    threads.add(added);
    try {
      added.start(loader);
    } catch (Throwable failure) {
      threads.remove(added);
      seekers.decrementAndGet();
      stop(failure);
      leave();
    }
  }

  /** A thread has taken an input. */
  void leaveSeekers() {
    if (seekers.decrementAndGet() == 0) {
      ensureSeeker();
    }
  }

  /** A thread has ended its task. */
  void joinSeekers() {
    seekers.incrementAndGet();
  }

  private void ensureSeeker() {
    if (!hasMore()) {
      return;
    }
    synchronized (threads) {
      int maxThreads = Math.min(throttle.maxAtOnce(), mostRunning);
      if (threads.size() < maxThreads && !isStopped() && seekers.get() == 0) {
        seekers.incrementAndGet();
        join();
        startThread();
      }
    }
  }

  /** Any thread: the throttle allows more tasks at once. */
  void seekMore() {
    synchronized (threads) {
      if (!threads.isEmpty()) { // those are alive, and so is the run
        ensureSeeker();
      }
    }
  }

  @Override
  void atEnd() {
    throttle.gate().forget(this);
  }

  /** The thread ends. */
  void remove(TaskThread thread) {
    synchronized (threads) {
      threads.remove(thread);
    }
    leave();
  }

  /** The time of the thread's task is over: the run goes on without it. */
  void abandon(TaskThread thread) {
    synchronized (threads) {
      threads.remove(thread);
    }
    thread.interrupt();
    if (seekers.get() == 0) {
      ensureSeeker();
    }
    leave();
  }

  @Override
  void cancelAlive() {
    ArrayList<TaskThread> alive;
    synchronized (threads) {
      alive = new ArrayList<>(threads);
    }
    alive.forEach(TaskThread::interrupt);
  }

  @Override
  boolean isOwnThread() {
    synchronized (threads) {
      return threads.stream().anyMatch(TaskThread::isCurrent);
    }
  }
}
