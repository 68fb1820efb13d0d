package io.headrace;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A task whose stage may be in flight. It ends once: by its stage, its alarm, or the run's stop.
 */
final class StagedTask extends StartedTask
    implements BiConsumer<@Nullable Object, @Nullable Throwable> {
  private final StagedRun run;
  private final AtomicBoolean hasEnded = new AtomicBoolean();
  private boolean called;

  /** When it was called, if it has a timeout; written before the stage is made. */
  private long startNanos;

  private @Nullable CompletionStage<?> made;
  private @Nullable Throwable thrown;
  private volatile @Nullable CompletionStage<?> stage;
  private volatile TimeSource.@Nullable Alarm alarm;

  StagedTask(StagedRun run) {
    this.run = run;
  }

  /** Calls the function. Time counts from before it, for it may itself take long. */
  void call(AsyncTask<@Nullable Object, @Nullable Object> task) {
    if (called) {
      throw new IllegalStateException("the context propagation runs the task a second time");
    }
    called = true;
    try {
      requirePermit();
      if (run.options.taskTimeoutNanos() != 0) {
        startNanos = run.time.nanoTime();
        alarm =
            run.time.schedule(
                run.options.taskTimeoutNanos(), () -> run.time.execute(this::timeOut));
      }
      made = task.start(input);
    } catch (Throwable failure) {
      thrown = failure;
    }
  }

  boolean isCalled() {
    return called;
  }

  /** What the function returned, or null. */
  @Nullable CompletionStage<?> made() {
    return made;
  }

  /** What was thrown in place of a stage. */
  @Nullable Throwable thrown() {
    return thrown;
  }

  boolean hasEnded() {
    return hasEnded.get();
  }

  /** What is to be cancelled from now on. */
  void stage(CompletionStage<?> inFlight) {
    stage = inFlight;
    if (hasEnded.get()) {
      cancelStage();
    }
  }

  /** Stages of others may complete more than once. */
  @Override
  synchronized @Nullable Gate clearGate() {
    return super.clearGate();
  }

  /** The stage has completed. */
  @Override
  public void accept(@Nullable Object value, @Nullable Throwable failure) {
    boolean isFirst = isFirstToEnd();
    boolean isLate =
        isFirst && alarm != null && run.isOver(startNanos, run.options.taskTimeoutNanos());
    releasePermit();
    if (isLate) {
      tellEnd(null, late(run.options));
    } else if (isFirst) {
      tellEnd(value, failure == null ? null : Failures.unwrapped(failure));
    }
  }

  /** It is over, though the stage may not have completed: that keeps the permit. */
  void end(@Nullable Object value, @Nullable Throwable failure) {
    if (isFirstToEnd()) {
      tellEnd(value, failure);
    }
  }

  private boolean isFirstToEnd() {
    boolean isFirst = hasEnded.compareAndSet(false, true);
    if (isFirst) {
      run.ending(this);
    }
    return isFirst;
  }

  private void tellEnd(@Nullable Object value, @Nullable Throwable failure) {
    TimeSource.Alarm set = alarm;
    if (set != null) {
      set.cancel();
    }
    run.ended(this, value, failure);
  }

  private void timeOut() {
    end(null, late(run.options));
    cancelStage();
  }

  /** The run is stopped. */
  void cancel() {
    end(null, new CancellationException("the run was stopped"));
    cancelStage();
  }

  /**
   * A stage that does not let itself be cancelled, by whatever it throws, runs on, with its permit.
   */
  private void cancelStage() {
    CompletionStage<?> inFlight = stage;
    if (inFlight == null) {
      return;
    }
    try {
      inFlight.toCompletableFuture().cancel(true);
    } catch (Throwable unsupported) {
      // it ends when it ends
    }
  }
}
