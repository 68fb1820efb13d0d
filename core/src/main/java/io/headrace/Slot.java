package io.headrace;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/** A worker of a station: executes one batch at a time. */
abstract sealed class Slot permits ThreadSlot, TaskSlot {
  private static final VarHandle HOLDS;

  static {
    try {
      HOLDS = MethodHandles.lookup().findVarHandle(Slot.class, "holds", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Larger batches make it grow. */
  private static final int INITIAL_BATCH_CAPACITY = 32;

  final QueuedStation station;
  final Batch batch;

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

  Slot(QueuedStation station) {
    this.station = station;
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

  /**
   * Executes the batch on another thread, or, if this is the worker's own, after returning to it.
   */
  abstract void launch();

  /** Interrupts the handler, if it runs. */
  abstract void interrupt();

  /** Ends the worker, which has no batch; it tells the ending when its handler is closed. */
  abstract void end(Ending ending);

  abstract boolean isExecutedBy(Thread thread);
}
