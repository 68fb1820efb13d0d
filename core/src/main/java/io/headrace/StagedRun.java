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

  /** Without results that wait, only what the throttle does not limit has to be bounded. */
  private static @Nullable Semaphore windowOfRunning(Throttle throttle, RunOptions options) {
    int mostRunning = options.mostRunning(throttle.maxAtOnce());
    return mostRunning == Integer.MAX_VALUE ? null : new Semaphore(mostRunning);
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
        start(next);
        next = new StagedTask(this);
      }
    } catch (Throwable broken) {
      stop(broken);
    } finally {
      leave();
    }
  }

  private void start(StagedTask started) {
    join();
    thread.setContextClassLoader(loader);
    if (context == null) {
      started.call(task);
    } else {
      callInContext(started, context);
    }
    follow(started);
  }

  /** What the context throws is the task's failure, whatever the function has made. */
  private void callInContext(StagedTask started, ContextPropagation.Captured around) {
    try {
      around.run(() -> started.call(task));
      if (!started.isCalled()) {
        throw new IllegalStateException("the context propagation did not run the task");
      }
    } catch (Throwable broken) {
      started.end(null, broken);
    }
  }

  private void follow(StagedTask started) {
    CompletionStage<?> stage = started.made();
    if (stage == null) {
      started.accept(null, started.thrown());
      return;
    }
    if (isDone(stage)) {
      started.accept(((CompletableFuture<?>) stage).resultNow(), null);
      return;
    }
    started.stage(stage);
    inFlight.add(started);
    if (started.hasEnded()) {
      inFlight.remove(started); // its time may be over by now
    }
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
    try {
      inFlight.remove(ended);
      if (window != null && windowOfRunning) {
        window.release();
      }
      if (failure == null) {
        succeeded(ended, value);
      } else {
        failed(ended, failure);
      }
    } catch (Throwable broken) {
      stop(broken);
    } finally {
      leave();
    }
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
