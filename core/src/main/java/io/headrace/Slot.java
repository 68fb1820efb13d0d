package io.headrace;

import static java.lang.invoke.ConstantBootstraps.fieldVarHandle;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A worker of a station: executes one batch at a time. */
abstract sealed class Slot permits ThreadSlot, TaskSlot {
  private static final VarHandle HOLDS =
      fieldVarHandle(MethodHandles.lookup(), "holds", VarHandle.class, Slot.class, int.class);

  /** Larger batches make it grow. */
  private static final int INITIAL_BATCH_CAPACITY = 32;

  final QueuedStation station;
  final Batch batch;
  final Swappable handling;

  /** How large the last batch was that was handled, and how long that took; 0 if unknown. */
  private int handledWeight;

  private long handledNanos;

  private final AtomicBoolean isClaimed = new AtomicBoolean();
  private final AtomicBoolean isEnding = new AtomicBoolean();

  /** Whether the drain knows it; for the drain. */
  boolean hasJoined;

  /** Whether it has a batch; for the drain. */
  boolean isBusy;

  /** The next worker in the stack of those that are idle, or have become so. */
  @Nullable Slot next;

  /**
   * What keeps the worker from its next batch: 1 for the batch itself, and 1 for each of its
   * tickets that waits for room at the next station. At 0 it is released.
   */
  @SuppressWarnings("UnusedVariable") // read through HOLDS
  private volatile int holds;

  Slot(QueuedStation station, Swappable handling) {
    this.station = station;
    this.handling = handling;
    batch = new Batch(station, this, INITIAL_BATCH_CAPACITY);
  }

  /** The drain has given this worker a batch; {@link #launch} follows. */
  final void assign() {
    holds = 1;
  }

  final void hold(int n) {
    HOLDS.getAndAdd(this, n);
  }

  final void unhold(int n) {
    if ((int) HOLDS.getAndAdd(this, -n) == n) {
      station.release(this);
    }
  }

  /** Its batch is done; on the thread that has executed it. */
  void batchDone() {
    unhold(1);
  }

  /** The handler has handled a batch; told to the policy by the drain when the worker is idle. */
  final void handled(int weight, long nanos) {
    handledWeight = weight;
    handledNanos = nanos;
  }

  /** Tells a policy that learns of the last batch. */
  final void tell(LearningPolicy policy) {
    if (handledWeight > 0) {
      int weight = handledWeight;
      handledWeight = 0;
      try {
        policy.handled(weight, handledNanos);
      } catch (Throwable failure) {
        station.flow.observers.report(policy, failure);
      }
    }
  }

  /** Ends the worker, which has no batch; the ending is told when its handler is closed. */
  final void retire(Ending ending) {
    ending.announce();
    if (isEnding.compareAndSet(false, true)) {
      end(ending);
    } else {
      ending.ended();
    }
  }

  /** Its handler has started: it joins the others, unless it was given up meanwhile. */
  final void join() {
    if (claim()) {
      station.release(this);
    }
  }

  /** Its start is interrupted, and it does not join; returns false if it has joined before. */
  final boolean giveUp() {
    boolean isFirst = claim();
    if (isFirst) {
      interrupt();
    }
    return isFirst;
  }

  /** Says first what becomes of a new worker: whether it joins or is given up. */
  final boolean claim() {
    return isClaimed.compareAndSet(false, true);
  }

  /** Whether a thread starts its handler, and neither of both is decided yet. */
  final boolean isStartedBy(Thread thread) {
    return !isClaimed.get() && isExecutedBy(thread);
  }

  /**
   * Executes the batch on another thread, or, if this is the worker's own, after returning to it.
   */
  abstract void launch();

  /** Interrupts the handler if it starts or handles a batch. */
  abstract void interrupt();

  /** Fails what its batch has no result for yet. */
  void abandon(HeadraceException reason) {
    batch.abandon(reason);
  }

  abstract void end(Ending ending);

  abstract boolean isExecutedBy(Thread thread);
}
