package io.headrace;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** One execution of a coalescer and the calls that wait for it. */
@SuppressWarnings("ReferenceEquality") // an execution equals only itself
final class SharedExecution extends SharedCalls
    implements Runnable, BiConsumer<@Nullable Object, @Nullable Throwable> {
  /*
   * Ending has an order. A compare-and-set of outcome decides between the end of the function and a
   * cancellation; the winner takes the execution out of the map (or keeps it there with its
   * result), then seals the list of calls, then completes those it got, first come first. A call
   * that meets the seal has not joined, and looks in the map again.
   *
   * With WhenAbandoned.CANCEL others counts the calls that still want the outcome, less one. It
   * never rises from -1: a call that meets -1 has not joined, and so an execution that is being
   * cancelled gets no new calls.
   *
   * executor is the thread that begins the execution or runs its blocking function. A call that
   * comes from this very thread would wait for itself. parent is the execution inside which this
   * one was begun, and waitsFor are those that threads of the function of this one wait for, in
   * Coalescer.call; calls that would close a circle of them are refused, too.
   */

  /** The execution that this thread is part of. */
  static final ScopedValue<SharedExecution> CURRENT = ScopedValue.newInstance();

  /** How often who waits for a seal, which is rare and short, looks for it. */
  private static final long SEAL_LOOK_NANOS = 50_000;

  private static final Object NULL = new Object();

  /** The outcome of one whose callers all have theirs, and which is not kept. */
  private static final Object GONE = new Object();

  private static final VarHandle OUTCOME;
  private static final VarHandle OTHERS;
  private static final VarHandle EXECUTOR;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      OUTCOME = lookup.findVarHandle(SharedExecution.class, "outcome", Object.class);
      OTHERS = lookup.findVarHandle(SharedExecution.class, "others", int.class);
      EXECUTOR = lookup.findVarHandle(SharedExecution.class, "executor", Thread.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** An outcome that is no result. */
  record Failure(Throwable cause) {}

  final Object key;

  /** When a kept result is no longer given; written before it is kept. */
  long expiresNanos;

  private final KeyedExecutions owner;
  private final CoalescedWork work;

  /** Of the call that began it, until the function has them; a kept result keeps only its key. */
  private Object argument;

  private CallOptions options;
  private @Nullable SharedExecution parent;

  /**
   * Replaced, under the monitor, and never changed; one is in it once for each thread that waits.
   */
  private volatile List<SharedExecution> waitsFor = List.of();

  private volatile @Nullable Object outcome;

  /** The stage of an asynchronous function that may have to be cancelled. */
  private volatile @Nullable CompletionStage<?> stage;

  @SuppressWarnings("UnusedVariable") // through OTHERS
  private volatile int others;

  @SuppressWarnings("UnusedVariable") // through EXECUTOR
  private @Nullable Thread executor;

  private long startedNanos;

  /**
   * Why it could not be begun or ended; nobody is at it any more. Only assigned where there may be
   * no room for a call.
   */
  volatile @Nullable Throwable broken;

  /** Whether it counts among the keys; written before it begins. */
  volatile boolean hasPlace;

  /** Whether its result is not to be given to further calls; written by those who keep results. */
  volatile boolean isForgotten;

  private boolean isKept;
  private boolean isInterrupted; // guarded by this

  SharedExecution(
      KeyedExecutions owner, Object key, CoalescedWork work, Object argument, CallOptions options) {
    this.owner = owner;
    this.key = key;
    this.work = work;
    this.argument = argument;
    this.options = options;
  }

  static @Nullable Object result(Object outcome) {
    return outcome == NULL ? null : outcome;
  }

  // Calls.

  /** Makes this the execution of its first call; before anybody else can see it. */
  void ledBy(CoalescedCall call) {
    call.execution = this;
    begin(call);
    EXECUTOR.set(this, Thread.currentThread());
    parent = CURRENT.isBound() ? CURRENT.get() : null;
  }

  /** Returns false if the execution has ended, or is being cancelled. */
  boolean join(CoalescedCall call) {
    if (owner.cancelsAbandoned && !enlist()) {
      return false;
    }
    call.execution = this;
    if (link(call, call)) {
      return true;
    }
    call.execution = null;
    return false;
  }

  private boolean enlist() {
    int count;
    do {
      count = (int) OTHERS.getVolatile(this);
      if (count < 0) {
        return false;
      }
    } while (!OTHERS.compareAndSet(this, count, count + 1));
    return true;
  }

  /** A call that was linked has been given up by its caller. */
  void left() {
    if (owner.cancelsAbandoned && (int) OTHERS.getAndAdd(this, -1) == 0) {
      abandon();
    } else {
      oneLeft();
    }
  }

  // Calls from inside.

  /** Whether the calling thread is part of this execution, or of one that was begun inside it. */
  boolean isExecutedByCaller() {
    if (EXECUTOR.getOpaque(this) == Thread.currentThread()) {
      return true;
    }
    if (CURRENT.isBound()) {
      for (SharedExecution inner = CURRENT.get(); inner != null; inner = inner.parent) {
        if (inner == this) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * Notes that a thread of the function of this execution waits for another.
   *
   * @return whether that one waits, itself or through others, for this
   */
  boolean waitFor(SharedExecution awaited) {
    synchronized (this) {
      List<SharedExecution> all = new ArrayList<>(waitsFor);
      all.add(awaited);
      waitsFor = all;
    }
    Set<SharedExecution> seen = new HashSet<>();
    Deque<SharedExecution> ahead = new ArrayDeque<>();
    for (SharedExecution next = awaited; next != null; next = ahead.poll()) {
      if (next == this) {
        return true;
      }
      if (seen.add(next)) {
        ahead.addAll(next.waitsFor);
      }
    }
    return false;
  }

  synchronized void waitsNoMore(SharedExecution awaited) {
    List<SharedExecution> rest = new ArrayList<>(waitsFor);
    rest.remove(awaited);
    waitsFor = rest;
  }

  // The course of an execution.

  /** Begins, on the thread of the first call. */
  void begin() {
    IsolatedHooks hooks = owner.hooks;
    if (hooks != null) {
      startedNanos = nowNanos();
      hooks.executing(work.function(), key);
    }
    if (work.isAsync()) {
      beginStage();
    } else {
      EXECUTOR.setOpaque(this, null);
      try {
        owner.executor.execute(this);
      } catch (Throwable rejection) {
        finish(
            new Failure(
                new RejectedException(
                    "the executor of " + owner.name + " rejected an execution: " + rejection,
                    rejection)));
      }
    }
  }

  private void beginStage() {
    CompletionStage<?> begun;
    try {
      begun = (CompletionStage<?>) applyWork();
      if (begun == null) {
        throw new NullPointerException(work.function() + " returned no stage");
      }
    } catch (Throwable failure) {
      EXECUTOR.setOpaque(this, null);
      finish(new Failure(failure));
      return;
    }
    EXECUTOR.setOpaque(this, null);
    try {
      if (owner.cancelsAbandoned) {
        stage = begun; // and then looks whether it was abandoned meanwhile
        if (outcome != null) {
          cancel(begun);
        }
      }
      var _ = begun.whenComplete(this);
    } catch (Throwable failure) {
      finish(new Failure(failure));
    }
  }

  /** The end of the stage. */
  @Override
  public void accept(@Nullable Object result, @Nullable Throwable failure) {
    finish(failure == null ? boxed(result) : new Failure(Failures.unwrapped(failure)));
  }

  /** The blocking function, on the executor. */
  @Override
  public void run() {
    if (!enter()) {
      return;
    }
    Object end;
    try {
      end = boxed(ScopedValue.where(CURRENT, this).call(this::applyWork));
    } catch (Throwable failure) {
      end = new Failure(failure);
    }
    exit();
    finish(end);
  }

  private @Nullable Object applyWork() throws Throwable {
    Object given = argument;
    CallOptions how = options;
    argument = GONE;
    options = CallOptions.DEFAULT;
    try {
      return work.apply(given, how);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // it is a caller's or an executor's, who has to know
      throw e;
    }
  }

  private static Object boxed(@Nullable Object result) {
    return result == null ? NULL : result;
  }

  /** Returns false if there is nobody to execute for. */
  private boolean enter() {
    if (!owner.cancelsAbandoned) {
      EXECUTOR.setOpaque(this, Thread.currentThread());
      return true;
    }
    synchronized (this) {
      if (outcome != null) {
        return false;
      }
      EXECUTOR.setOpaque(this, Thread.currentThread());
      return true;
    }
  }

  /** The thread is its owner's again: an interrupt that was meant for the function ends here. */
  private void exit() {
    if (!owner.cancelsAbandoned) {
      EXECUTOR.setOpaque(this, null);
      return;
    }
    synchronized (this) {
      EXECUTOR.setOpaque(this, null);
      if (isInterrupted) {
        Thread.interrupted();
      }
    }
  }

  /** The last caller has left. */
  private void abandon() {
    if (!finish(new Failure(new CancellationException("nobody waits for it any more")))) {
      return;
    }
    synchronized (this) {
      Thread thread = (Thread) EXECUTOR.getOpaque(this);
      if (thread != null) {
        isInterrupted = true;
        thread.interrupt();
      }
    }
    CompletionStage<?> begun = stage;
    if (begun != null) {
      cancel(begun);
    }
    stage = null;
  }

  private void cancel(CompletionStage<?> stage) {
    try {
      stage.toCompletableFuture().cancel(true);
    } catch (UnsupportedOperationException e) {
      // a stage that cannot be cancelled runs on
    } catch (Throwable failure) {
      owner.report(failure);
    }
  }

  /** Not executed at all; for the thread that made it. */
  void refuse(Throwable reason) {
    IsolatedHooks hooks = owner.hooks;
    if (hooks != null) {
      hooks.rejected(work.function(), key, reason);
    }
    Object end = new Failure(reason);
    outcome = end;
    deliver(seal(), end);
  }

  private boolean finish(Object end) {
    if (!OUTCOME.compareAndSet(this, null, end)) {
      return false;
    }
    try {
      isKept = !(end instanceof Failure) && owner.keep(this);
      if (!isKept) {
        owner.remove(this);
      }
      conclude(end);
    } catch (Throwable failure) {
      broken = failure;
      throw failure;
    }
    return true;
  }

  /** Ends one that is broken; several threads may try. */
  void mend(Throwable failure) {
    var _ = OUTCOME.compareAndSet(this, null, new Failure(failure));
    owner.remove(this);
    Object end = outcome;
    if (end != null) {
      conclude(end);
    }
  }

  private void conclude(Object end) {
    parent = null;
    CoalescedCall calls = seal();
    if (calls == null) {
      return;
    }
    IsolatedHooks hooks = owner.hooks;
    if (hooks != null) {
      tell(hooks, end, count(calls) - 1);
    }
    deliver(calls, end);
    if (!isKept) {
      outcome = GONE; // executions that were begun inside may refer to this for long
    }
  }

  private void tell(IsolatedHooks hooks, Object end, int joiners) {
    long nanos = nowNanos() - startedNanos;
    if (end instanceof Failure(Throwable cause)) {
      hooks.failure(work.function(), key, cause, nanos, joiners);
    } else {
      hooks.result(work.function(), key, result(end), nanos, joiners);
    }
  }

  /** A clock that fails is no reason to keep callers from their outcome. */
  private long nowNanos() {
    try {
      return owner.time.nanoTime();
    } catch (Throwable failure) {
      owner.report(failure);
      return startedNanos;
    }
  }

  private void deliver(@Nullable CoalescedCall calls, Object end) {
    CoalescedCall next = firstComeFirst(calls);
    while (next != null) {
      CoalescedCall call = next;
      next = call.next;
      call.next = null; // a future that is kept for long keeps no others
      try {
        call.deliver(end, owner.copier);
      } catch (Throwable failure) {
        owner.report(failure);
      }
    }
  }

  /**
   * Waits for the seal of one that has ended, or that nobody waits for any more. It parks: virtual
   * threads that yield go before those that were woken from outside, as who seals it may be.
   */
  void awaitSeal() {
    boolean wasInterrupted = false;
    while (!isSealed() && broken == null) {
      wasInterrupted |= Thread.interrupted(); // it would not park
      LockSupport.parkNanos(this, SEAL_LOOK_NANOS);
    }
    if (wasInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** The outcome of one that is sealed and kept, or null. */
  @Nullable Object keptOutcome(long nowNanos) {
    Object end = outcome;
    return isKept && !isForgotten && end != GONE && nowNanos - expiresNanos < 0 ? end : null;
  }

  /** It is kept no longer. */
  void letGo() {
    outcome = GONE;
  }

  @Override
  public String toString() {
    return work.function() + "[" + key + "]";
  }
}
