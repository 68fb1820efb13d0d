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
  private boolean started;
  private volatile @Nullable CompletionStage<?> stage;
  private volatile TimeSource.@Nullable Alarm alarm;

  StagedTask(StagedRun run) {
    this.run = run;
  }

  boolean isStarted() {
    return started;
  }

  /** Time counts from before the function is called, which may itself take long. */
  void startClock() {
    if (started) {
      throw new IllegalStateException("the context propagation runs the task a second time");
    }
    started = true;
    if (run.options.taskTimeoutNanos() != 0) {
      alarm =
          run.time.schedule(run.options.taskTimeoutNanos(), () -> run.time.execute(this::timeOut));
    }
  }

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
    releasePermit();
    end(value, failure == null ? null : Failures.unwrapped(failure));
  }

  void end(@Nullable Object value, @Nullable Throwable failure) {
    if (hasEnded.compareAndSet(false, true)) {
      TimeSource.Alarm set = alarm;
      if (set != null) {
        set.cancel();
      }
      run.ended(this, value, failure);
    }
  }

  /** Around the call of the function, or instead of it. */
  void contextFailed(Throwable failure) {
    if (started) {
      end(null, failure);
      cancelStage();
    } else {
      accept(null, failure);
    }
  }

  private void timeOut() {
    end(null, new DeadlineExceededException(timeoutMessage(run.options)));
    cancelStage();
  }

  /** The run is stopped. */
  void cancel() {
    end(null, new CancellationException("the run was stopped"));
    cancelStage();
  }

  /** A stage that does not let itself be cancelled runs on, with its permit. */
  private void cancelStage() {
    CompletionStage<?> inFlight = stage;
    if (inFlight == null) {
      return;
    }
    try {
      inFlight.toCompletableFuture().cancel(true);
    } catch (RuntimeException unsupported) {
      // it ends when it ends
    }
  }
}
