package io.headrace;

import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** One execution of a task over inputs: pulls them, starts the tasks, ends when the last ended. */
abstract class TaskRun {
  /*
   * Threads of the run take turns at the pulling lock. Whoever holds it waits for room among the
   * results, for the next input and then for the permit, in this order, and starts the task outside
   * the lock. So tasks start in the order of their inputs, one thread at a time touches the source,
   * at most one input is pulled that has not started, a permit is asked for only when there is an
   * input for it, and a run never stands more than once among the waiters of a shared throttle.
   *
   * What is alive is counted: threads, and stages that have not completed. Only what is alive adds
   * to it, so when the count falls to zero the run has ended, once. A task whose time is over is
   * taken out of the count though its thread may still run: a run does not wait for it.
   *
   * Stopping sets a flag before it interrupts what is alive. A thread that finds itself interrupted
   * looks at the flag: without it the interrupt was meant for a task that is over, and is dropped.
   *
   * To cancel is to run code of users: continuations of stages, the subscription of a publisher.
   * Where the run does not wait for what is alive, it ends before that. A close that comes from
   * such code does not wait: what it would wait for may be cancelled only after it has returned.
   */

  final Throttle throttle;
  final RunOptions options;
  final TimeSource time;
  final ContextPropagation.@Nullable Captured context;

  /**
   * Results that may be there before the consumer takes them; null if nothing has to be bounded.
   */
  final @Nullable Semaphore window;

  private final Inputs inputs;
  private final Sink sink;
  private final @Nullable ProgressCount progress;
  private final ReentrantLock pulling = new ReentrantLock();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicInteger alive = new AtomicInteger(1);

  /** Guarded by pulling. */
  private long nextIndex;

  /** Written under pulling. */
  private volatile boolean exhausted;

  /** Written under this, after the failure. */
  private volatile boolean stopped;

  /** The thread that interrupts and cancels what is alive, while it does. */
  private volatile @Nullable Thread stopper;

  /** Guarded by this. */
  private @Nullable Throwable failure;

  /** Guarded by this. */
  private final List<Throwable> lateFailures = new ArrayList<>();

  /** When the verb was called, if the run has a timeout; written before it starts. */
  private long calledNanos;

  /** Whether it has failed because its time is over; guarded by this. */
  private boolean isExpired;

  /** Guarded by this. */
  private TimeSource.@Nullable Alarm alarm;

  TaskRun(
      Throttle throttle,
      Inputs inputs,
      Sink sink,
      RunOptions options,
      ContextPropagation.@Nullable Captured context,
      @Nullable Semaphore window) {
    this.throttle = throttle;
    this.inputs = inputs;
    this.sink = sink;
    this.options = options;
    this.window = window;
    time = throttle.timeSource();
    this.context = context;
    progress =
        options.listener() == null ? null : new ProgressCount(options.listener(), inputs.total());
  }

  /**
   * Starts the first thread, which is counted already, unless the time is over by now.
   *
   * @param calledNanos when the verb was called; the source may have taken its time since
   */
  final void start(long calledNanos) {
    this.calledNanos = calledNanos;
    if (options.timeoutNanos() != 0) {
      long leftNanos = options.timeoutNanos() - (time.nanoTime() - calledNanos);
      if (leftNanos <= 0) {
        expire();
        return;
      }
      setAlarm(leftNanos);
    }
    begin();
  }

  private void setAlarm(long delayNanos) {
    TimeSource.Alarm set;
    try {
      set = time.schedule(delayNanos, () -> time.execute(this::expire));
    } catch (Throwable failure) {
      inputs.cancel();
      throw failure;
    }
    synchronized (this) {
      alarm = set;
    }
  }

  /** Starts the first thread. */
  abstract void begin();

  /** Interrupts or cancels what is alive. The run is stopped already. */
  abstract void cancelAlive();

  /** The run ends, for whoever waits for it; may be called more than once. */
  void atEnd() {}

  /** Whether the current thread is one of this run's. */
  abstract boolean isOwnThread();

  /**
   * Takes the next input and the permit for it.
   *
   * @return whether there was one; if not, there will not be any more
   */
  final boolean pull(StartedTask task) {
    lock();
    try {
      return !stopped && !exhausted && awaitRoom() && pullLocked(task);
    } catch (Throwable sourceFailure) {
      exhausted = true;
      task.releasePermit(); // if it was taken
      sourceFailed(sourceFailure);
      return false;
    } finally {
      pulling.unlock();
    }
  }

  /** The lock is held for a short time mostly. */
  private void lock() {
    if (!pulling.tryLock()) {
      BackOff.spin(1);
      pulling.lock();
    }
  }

  private boolean awaitRoom() {
    while (window != null && !window.tryAcquire()) {
      try {
        window.acquire();
        return !stopped;
      } catch (InterruptedException e) {
        if (stopped) {
          return false;
        }
      }
    }
    return true;
  }

  private boolean pullLocked(StartedTask task) throws Throwable {
    Object input = nextInput();
    if (input instanceof Inputs.End) {
      exhausted = true;
      if (progress != null && !stopped) {
        progress.total(nextIndex);
      }
      return false;
    }
    if (!askPermit(task, input)) {
      return false;
    }
    sink.starting(nextIndex++);
    if (progress != null && !task.isRefused()) {
      progress.started();
    }
    return true;
  }

  private @Nullable Object nextInput() throws Throwable {
    while (true) {
      try {
        return inputs.next();
      } catch (InterruptedException e) {
        if (stopped) {
          return Inputs.End.END;
        }
      }
    }
  }

  /** Returns whether the task is to begin: with a permit, or with the failure of its cost. */
  private boolean askPermit(StartedTask task, @Nullable Object input) {
    int cost;
    try {
      cost =
          options.cost() == null
              ? throttle.cost()
              : throttle.checkCost(options.cost().applyAsInt(input));
    } catch (Throwable wrongCost) {
      task.begin(nextIndex, input, null, wrongCost);
      return true;
    }
    if (!takePermit(cost)) {
      return false;
    }
    task.begin(nextIndex, input, throttle.gate(), null);
    return true;
  }

  private boolean takePermit(int cost) {
    while (!stopped) {
      try {
        throttle.take(cost);
        if (!stopped) {
          return true;
        }
        throttle.gate().giveBack();
      } catch (InterruptedException e) {
        // looks at the flag again
      }
    }
    return false;
  }

  private void sourceFailed(Throwable sourceFailure) {
    if (sink.goesOn()) {
      fail(sourceFailure);
    } else {
      stop(sourceFailure);
    }
  }

  /** Whether there may be inputs that nobody has taken. */
  final boolean hasMore() {
    return !exhausted && !stopped;
  }

  final boolean isStopped() {
    return stopped;
  }

  /** A task is over: it does not count as running anymore when another may have its permit. */
  final void ending(StartedTask task) {
    if (progress != null && !task.isRefused()) {
      progress.ending();
    }
  }

  final void succeeded(StartedTask task, @Nullable Object value) {
    endIfOver();
    if (progress != null && !stopped) {
      progress.ended(false);
    }
    if (!stopped && sink.succeeded(task.index, task.input, value)) {
      end(false);
    }
  }

  final void failed(StartedTask task, Throwable cause) {
    endIfOver();
    if (progress != null && !stopped) {
      progress.ended(true);
    }
    if (!sink.goesOn()) {
      stop(cause);
    } else if (!stopped) {
      sink.failed(task.index, task.input, cause);
    }
  }

  /** A member more; only a living one may call it. */
  final void join() {
    alive.incrementAndGet();
  }

  /** A member less; the last one ends the run. */
  final void leave() {
    if (alive.decrementAndGet() == 0) {
      release();
    }
  }

  private void release() {
    TimeSource.Alarm set;
    synchronized (this) {
      set = alarm;
      alarm = null;
    }
    try {
      if (set != null) {
        set.cancel();
      }
    } finally {
      atEnd();
      ended.countDown();
      sink.ended();
    }
  }

  /** What ends too late is late though the alarm has not been run yet. */
  private void endIfOver() {
    if (!stopped && isOver(calledNanos, options.timeoutNanos())) {
      expire();
    }
  }

  /** Whether a timeout is over, if there is one; a clock that throws leaves that to the alarm. */
  final boolean isOver(long sinceNanos, long timeoutNanos) {
    try {
      return timeoutNanos != 0 && time.nanoTime() - sinceNanos >= timeoutNanos;
    } catch (Throwable noTime) {
      return false;
    }
  }

  private void expire() {
    end(true);
  }

  /**
   * Remembers a failure, unless it comes from the stop. The first one is what the run fails with,
   * the others are suppressed.
   */
  private synchronized void fail(Throwable cause) {
    if (stopped && isConsequence(cause)) {
      return;
    }
    if (failure == null) {
      failure = cause;
    } else {
      lateFailures.add(cause);
    }
  }

  /** Starts nothing more, and interrupts or cancels what runs. */
  final void stop(@Nullable Throwable cause) {
    if (setStopped(cause)) {
      cancelAll();
    }
  }

  /** The same, and ends the run before it does so: that may take as long as users let it. */
  private void end(boolean isOver) {
    boolean isFirst;
    synchronized (this) {
      if (isOver && hasEnded()) {
        return; // and whoever has asked what it failed with has been told that it did not
      }
      isFirst = setStopped(isOver && !isExpired ? expiry() : null);
      isExpired |= isOver;
    }
    release();
    if (isFirst) {
      cancelAll();
    }
  }

  private DeadlineExceededException expiry() {
    return new DeadlineExceededException(
        "the run took longer than its timeout, " + Duration.ofNanos(options.timeoutNanos()));
  }

  /** Returns whether it was not stopped before. */
  private synchronized boolean setStopped(@Nullable Throwable cause) {
    if (cause != null) {
      fail(cause);
    }
    boolean isFirst = !stopped;
    stopped = true;
    return isFirst;
  }

  private void cancelAll() {
    stopper = Thread.currentThread();
    try {
      inputs.cancel();
      cancelAlive();
    } finally {
      stopper = null;
    }
  }

  /** What tasks fail with because they were interrupted or cancelled. */
  private static boolean isConsequence(Throwable cause) {
    return cause instanceof InterruptedException
        || cause instanceof CancellationException
        || cause instanceof ClosedByInterruptException
        || cause.getCause() instanceof InterruptedException;
  }

  final boolean hasEnded() {
    return ended.getCount() == 0;
  }

  /** Waits for the end; an interrupt stops the run, whose tasks are then waited for. */
  final void awaitEnd() throws InterruptedException {
    try {
      ended.await();
    } catch (InterruptedException e) {
      stopAndWait();
      throw e;
    }
  }

  /**
   * Stops the run and waits for its tasks, unless it is called by one of them, by the listener
   * while it is told of one, or by what is cancelled: tasks end only afterwards.
   */
  final void stopAndWait() {
    stop(null);
    if (isOwnThread()
        || Thread.currentThread().equals(stopper)
        || (progress != null && progress.isTelling())) {
      return;
    }
    boolean interrupted = false;
    while (ended.getCount() != 0) {
      try {
        ended.await();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** What the run failed with, as it is to be thrown, or null. */
  final synchronized @Nullable Throwable thrown() {
    if (failure == null) {
      return null;
    }
    Throwable thrown = thrown(failure, lateFailures);
    failure = thrown;
    lateFailures.clear();
    return thrown;
  }

  /** A checked failure as the cause of another, with the others suppressed. */
  @SuppressWarnings("ReferenceEquality") // the same failure, not an equal one
  static Throwable thrown(Throwable failure, List<Throwable> others) {
    Throwable thrown =
        failure instanceof RuntimeException || failure instanceof Error
            ? failure
            : new CompletionException(failure);
    for (Throwable other : others) {
      if (other != thrown && other != failure) {
        thrown.addSuppressed(other);
      }
    }
    return thrown;
  }
}
