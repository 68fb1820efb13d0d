package io.headrace;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A worker with a thread of its own, platform or virtual. */
final class ThreadSlot extends Slot implements Runnable {
  /*
   * To park and be woken costs tens of microseconds, so a worker looks for its next batch before it
   * parks. On few cores a long look costs others more than it saves, and a worker that is awake
   * while items trickle in takes them one by one, which costs a multiple of taking them together.
   * So it looks only while items come so quickly that a batch is soon complete; otherwise it parks,
   * and what comes until it is awake goes together.
   *
   * It looks before it says that it is idle. From then on producers have to tell the drain of each
   * item.
   */

  /** How long one look is: about half a microsecond. */
  private static final int SPINS = 20;

  /** How many looks there are at most, one after the other. */
  private static final int MAX_LOOKS = 8;

  /** Items come quickly if the time between them is no longer than this. */
  private static final long QUICK_NANOS = 250;

  private final Thread thread;
  private final Startup startup;

  /** Set by the drain when the batch is complete, cleared by the thread when it takes it. */
  private volatile boolean assigned;

  private volatile @Nullable Ending ending;

  /** Whether the handler has nothing more to do than to close; guarded by this. */
  private boolean isClosing;

  // Of the thread.

  /** When its last batch ended, and how many items had arrived at the station by then. */
  private long lastNanos;

  private long lastArrivals;

  /** Whether items have come quickly since the last batch ended. */
  private boolean isQuick;

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
      Thread.interrupted(); // an interrupt was meant for the batch
    }
    leaveUndisturbed();
    Ending.close(handling, station);
    Ending ending = this.ending;
    if (ending != null) {
      ending.ended();
    }
  }

  @Override
  void batchDone() {
    if (Thread.currentThread().equals(thread)) {
      linger();
    }
    super.batchDone();
  }

  /**
   * Lets the next batch grow while items come quickly, and waits a moment for it to begin. Items
   * that wait do so no longer than until a look finds no more of them.
   */
  private void linger() {
    long nowNanos = station.flow.time.nanoTime();
    long arrivals = station.arrivals();
    isQuick = (arrivals - lastArrivals) * QUICK_NANOS >= nowNanos - lastNanos;
    lastNanos = nowNanos;
    lastArrivals = arrivals;
    int waiting = station.queued();
    for (int looks = 0; isQuick && looks < MAX_LOOKS && waiting < station.maxSize; looks++) {
      look();
      int before = waiting;
      waiting = station.queued();
      if (waiting == before && waiting > 0) {
        return;
      }
    }
  }

  /** Blocks until there is a batch. Returns false if the worker is to end. */
  private boolean awaitBatch() {
    if (isQuick) {
      awaitSoon();
    }
    while (!assigned) {
      if (ending != null) {
        return false;
      }
      LockSupport.park(this);
      Thread.interrupted();
    }
    assigned = false;
    return true;
  }

  /** Looks for a batch while it is being collected quickly. */
  private void awaitSoon() {
    long arrivals = station.arrivals();
    for (int looks = 0; !assigned && looks < MAX_LOOKS; looks++) {
      look();
      long before = arrivals;
      arrivals = station.arrivals();
      if (arrivals == before) {
        return;
      }
    }
  }

  /** Waits for a moment, without touching what producers write. */
  private void look() {
    for (int i = 0; i < SPINS && !assigned; i++) {
      Thread.onSpinWait();
    }
  }

  @Override
  synchronized void interrupt() {
    if (!isClosing) {
      thread.interrupt();
    }
  }

  /** The handler is going to be closed: no interrupt comes anymore. */
  private synchronized void leaveUndisturbed() {
    isClosing = true;
    Thread.interrupted();
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
