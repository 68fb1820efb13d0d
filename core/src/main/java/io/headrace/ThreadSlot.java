package io.headrace;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A worker with a thread of its own, platform or virtual. */
final class ThreadSlot extends Slot implements Runnable {
  /**
   * How often a worker looks for its next batch before it parks: about half a microsecond. To park
   * and be woken costs tens, and on few cores a longer spin costs others more than it saves.
   */
  private static final int SPINS = 20;

  /**
   * How often a worker spins again because items have arrived meanwhile: a batch that is being
   * collected at that rate is soon complete.
   */
  private static final int MAX_LOOKS = 8;

  private final Thread thread;
  private final Startup startup;

  /** Set by the drain when the batch is complete, cleared by the thread when it takes it. */
  private volatile boolean assigned;

  private volatile @Nullable Ending ending;

  ThreadSlot(QueuedStation station, Swappable handling, ThreadFactory threads, Startup startup) {
    super(station, handling);
    this.startup = startup;
    thread = threads.newThread(this);
  }

  void start() {
    thread.start();
  }

  @Override
  void launch() {
    assigned = true;
    if (!Thread.currentThread().equals(thread)) {
      LockSupport.unpark(thread);
    }
  }

  @Override
  public void run() {
    startup.start(handling, station, this::join);
    while (awaitBatch()) {
      batch.execute(handling);
      if (ending == null) {
        Thread.interrupted(); // an interrupt was meant for the batch
      }
    }
    Ending.close(handling, station);
    Ending ending = this.ending;
    if (ending != null) {
      ending.ended();
    }
  }

  /** Blocks until there is a batch. Returns false if the worker is to end. */
  private boolean awaitBatch() {
    long arrivals = station.arrivals();
    for (int looks = 0; !spin(); looks++) {
      if (ending != null) {
        Thread.interrupted(); // the handler closes undisturbed
        return false;
      }
      long arrivalsNow = station.arrivals();
      if (arrivalsNow == arrivals || looks == MAX_LOOKS) {
        LockSupport.park(this);
        Thread.interrupted();
        looks = 0;
      }
      arrivals = arrivalsNow;
    }
    assigned = false;
    return true;
  }

  /** Looks for a batch for a moment. Returns whether there is one. */
  private boolean spin() {
    for (int i = 0; i < SPINS && !assigned; i++) {
      Thread.onSpinWait();
    }
    return assigned;
  }

  @Override
  void interrupt() {
    thread.interrupt();
  }

  @Override
  void end(Ending ending) {
    this.ending = ending;
    LockSupport.unpark(thread);
  }

  @Override
  boolean isExecutedBy(Thread other) {
    return thread.equals(other);
  }
}
