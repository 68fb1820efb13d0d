package io.headrace;

import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A thread of a run, with the task it executes. */
final class TaskThread extends StartedTask implements Runnable {
  private final ThreadedRun run;
  private final Task<@Nullable Object, @Nullable Object> task;
  private final Thread thread;
  private final Runnable body = this::call;
  private @Nullable ClassLoader loader;

  private @Nullable Object value;
  private @Nullable Throwable failure;

  /** Whether it has returned what has not ended: a mistake that all inputs share. */
  private boolean isUnfinished;

  private boolean called;

  TaskThread(ThreadedRun run, Task<@Nullable Object, @Nullable Object> task) {
    this.run = run;
    this.task = task;
    thread =
        Thread.ofVirtual()
            .name("headrace-task")
            .inheritInheritableThreadLocals(false)
            .unstarted(this);
  }

  void start(@Nullable ClassLoader contextClassLoader) {
    loader = contextClassLoader;
    thread.setContextClassLoader(contextClassLoader);
    thread.start();
  }

  void interrupt() {
    thread.interrupt();
  }

  boolean isCurrent() {
    return thread.equals(Thread.currentThread());
  }

  @Override
  public void run() {
    boolean member = true;
    try {
      while (member && run.pull(this)) {
        run.leaveSeekers();
        member = execute();
      }
    } catch (Throwable broken) {
      run.stop(broken);
    } finally {
      releasePermit();
      if (member) {
        run.remove(this);
      }
    }
  }

  /** Returns whether the run still counts on this thread. */
  private boolean execute() {
    Timer timer = null;
    try {
      requirePermit();
      timer = run.options.taskTimeoutNanos() == 0 ? null : new Timer(this);
      callInContext();
      if (timer != null && timer.isOver()) {
        failure = late(run.options); // though its alarm has not been run yet
      }
    } catch (Throwable noPermitOrAlarm) {
      failure = noPermitOrAlarm;
    }
    boolean isCounted = timer == null || timer.end();
    if (isCounted) {
      run.ending(this);
    }
    releasePermit();
    if (!isCounted) {
      return false;
    }
    // What is left of an interrupt was meant for the task.
    Thread.interrupted();
    thread.setContextClassLoader(loader);
    if (failure == null) {
      run.succeeded(this, value);
    } else if (isUnfinished) {
      run.stop(failure); // also where failures are collected: it would start them all
    } else {
      run.failed(this, failure);
    }
    forget();
    run.joinSeekers();
    return true;
  }

  /** The thread may wait for its next input for ever. */
  private void forget() {
    input = null;
    value = null;
    failure = null;
  }

  private void callInContext() {
    if (run.context == null) {
      call();
      return;
    }
    called = false;
    try {
      run.context.run(body);
    } catch (Throwable broken) {
      failure = broken;
    }
    if (!called && failure == null) {
      failure = new IllegalStateException("the context propagation did not run the task");
    }
  }

  private void call() {
    if (called && run.context != null) {
      throw new IllegalStateException("the context propagation runs the task a second time");
    }
    called = true;
    try {
      value = task.run(input);
      isUnfinished = isPromise(value);
      if (isUnfinished) {
        failure = unfinished(value);
      }
    } catch (Throwable thrown) {
      failure = thrown;
    }
  }

  private static boolean isPromise(@Nullable Object value) {
    return value instanceof CompletionStage
        || value instanceof Future
        || value instanceof Flow.Publisher;
  }

  /** The permit would go back, and the run end, before what the task has begun. */
  private IllegalArgumentException unfinished(@Nullable Object promise) {
    String name = promise == null ? "null" : promise.getClass().getSimpleName();
    return new IllegalArgumentException(
        "the task of input "
            + index
            + " returned a "
            + (name.isEmpty() ? "promise" : name)
            + (promise instanceof CompletionStage
                ? ": use Task.async, which keeps the permit until the stage completes"
                : ", for which nobody waits: the task has to wait for its end"));
  }

  /** Ends a task that takes too long. Who sets it first, the thread or the alarm, tells of it. */
  private static final class Timer extends AtomicBoolean {
    private static final long serialVersionUID = 1;

    private final transient TaskThread owner;
    private final long startNanos;
    private final transient TimeSource.Alarm alarm;

    /** What the task is told as, when the thread may be past it already. */
    private final transient StartedTask task = new StartedTask();

    Timer(TaskThread owner) {
      this.owner = owner;
      task.index = owner.index;
      task.input = owner.input;
      ThreadedRun run = owner.run;
      startNanos = run.time.nanoTime();
      alarm =
          run.time.schedule(run.options.taskTimeoutNanos(), () -> run.time.execute(this::timeOut));
    }

    boolean isOver() {
      return owner.run.isOver(startNanos, owner.run.options.taskTimeoutNanos());
    }

    /** Returns whether the alarm has not ended it before. */
    boolean end() {
      boolean first = compareAndSet(false, true);
      alarm.cancel();
      return first;
    }

    private void timeOut() {
      if (compareAndSet(false, true)) {
        ThreadedRun run = owner.run;
        try {
          run.ending(task);
          run.failed(task, task.late(run.options));
        } finally {
          run.abandon(owner);
        }
      }
    }
  }
}
