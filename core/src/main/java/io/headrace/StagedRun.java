package io.headrace;

import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future.State;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** A run of a task that returns stages: one virtual thread starts them. */
final class StagedRun extends TaskRun implements Runnable {
  private final AsyncTask<@Nullable Object, @Nullable Object> task;
  private final Thread thread;
  private final @Nullable ClassLoader loader = Thread.currentThread().getContextClassLoader();

  /** The stages that have not completed. */
  private final Set<StagedTask> inFlight = ConcurrentHashMap.newKeySet();

  /** Whether a result leaves the window when the stage completes, and not when it is taken. */
  private final boolean windowOfRunning;

  StagedRun(
      Throttle throttle,
      Inputs inputs,
      AsyncTask<@Nullable Object, @Nullable Object> task,
      Sink sink,
      RunOptions options,
      ContextPropagation.@Nullable Captured context,
      @Nullable Semaphore windowOfResults) {
    super(
        throttle,
        inputs,
        sink,
        options,
        context,
        windowOfResults == null ? windowOfRunning(throttle, options) : windowOfResults);
    this.task = task;
    windowOfRunning = windowOfResults == null && window != null;
    thread =
        Thread.ofVirtual()
            .name("headrace-task")
            .inheritInheritableThreadLocals(false)
            .unstarted(this);
  }

  /** Without results that wait, only a throttle that lets too many run has to be helped. */
  private static @Nullable Semaphore windowOfRunning(Throttle throttle, RunOptions options) {
    int runAhead = options.runAhead(throttle.maxAtOnce());
    return runAhead < throttle.maxAtOnce() ? new Semaphore(runAhead) : null;
  }

  @Override
  void begin() {
    thread.start();
  }

  @Override
  public void run() {
    try {
      StagedTask next = new StagedTask(this);
      while (pull(next)) {
        startInContext(next);
        next = new StagedTask(this);
      }
    } catch (Throwable broken) {
      stop(broken);
    } finally {
      leave();
    }
  }

  private void startInContext(StagedTask started) {
    join();
    thread.setContextClassLoader(loader);
    if (context == null) {
      start(started);
      return;
    }
    try {
      context.run(() -> start(started));
      if (!started.isStarted()) {
        throw new IllegalStateException("the context propagation did not run the task");
      }
    } catch (Throwable broken) {
      started.contextFailed(broken);
    }
  }

  private void start(StagedTask started) {
    CompletionStage<?> stage;
    started.startClock();
    try {
      stage = task.start(started.input);
    } catch (Throwable thrown) {
      started.accept(null, thrown);
      return;
    }
    if (isDone(stage)) {
      started.accept(((CompletableFuture<?>) stage).resultNow(), null);
      return;
    }
    started.stage(stage);
    inFlight.add(started);
    try {
      stage.whenComplete(started);
    } catch (Throwable broken) {
      started.accept(null, broken);
    }
    if (isStopped()) {
      started.cancel();
    }
  }

  /** Subclasses are not asked: some refuse. */
  private static boolean isDone(CompletionStage<?> stage) {
    return CompletableFuture.class.equals(stage.getClass())
        && ((CompletableFuture<?>) stage).state() == State.SUCCESS;
  }

  /** An outcome is there; called once per task. */
  void ended(StagedTask ended, @Nullable Object value, @Nullable Throwable failure) {
    inFlight.remove(ended);
    if (window != null && windowOfRunning) {
      window.release();
    }
    if (failure == null) {
      succeeded(ended, value);
    } else {
      failed(ended, failure);
    }
    leave();
  }

  @Override
  void cancelAlive() {
    thread.interrupt();
    inFlight.forEach(StagedTask::cancel);
  }

  @Override
  boolean isOwnThread() {
    return thread.equals(Thread.currentThread());
  }
}
