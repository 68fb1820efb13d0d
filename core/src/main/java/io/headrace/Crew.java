package io.headrace;

import static java.util.Objects.requireNonNull;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/** The workers of a station: which there are, and which of them are idle. */
final class Crew {
  private static final VarHandle RELEASED;

  static {
    try {
      RELEASED = MethodHandles.lookup().findVarHandle(Crew.class, "released", Slot.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final QueuedStation station;
  private final Workers workers;
  private final Set<Slot> all = ConcurrentHashMap.newKeySet();

  /** Those that have become idle and that the drain does not know of yet. */
  private volatile @Nullable Slot released;

  // Of the drain.

  /** Those that are idle, the last that became so first: its caches are warm. */
  private @Nullable Slot idle;

  private int busyCount;

  /** Whether the handler has started, so that tasks can be made when they are needed. */
  private boolean isStarted;

  Crew(QueuedStation station) {
    this.station = station;
    workers = station.step.workers();
  }

  void start(Startup startup) {
    switch (workers.kind) {
      case THREADS -> startThreads(startup, Thread.ofPlatform().daemon());
      case VIRTUAL_THREADS -> startThreads(startup, Thread.ofVirtual());
      case EXECUTOR -> startTasks(startup, station.step.shared() ? 1 : workers.count);
      case INLINE -> throw new IllegalStateException("workers of a queue are inline");
    }
  }

  private void startThreads(Startup startup, Thread.Builder threads) {
    String name = "headrace-" + station.flow.name() + "-" + station.step.name() + "-";
    ThreadFactory factory = threads.name(name, 1).factory();
    for (int i = 0; i < workers.count; i++) {
      startup.announce();
      ThreadSlot slot = new ThreadSlot(station, station.step.handlers().get(), factory, startup);
      all.add(slot);
      try {
        slot.start();
      } catch (Throwable noThread) {
        all.remove(slot); // it would never end
        throw noThread;
      }
    }
  }

  private void startTasks(Startup startup, int count) {
    for (int i = 0; i < count; i++) {
      startup.announce();
      TaskSlot slot = newTask(false);
      Thread.ofVirtual().start(() -> slot.start(startup));
    }
  }

  private TaskSlot newTask(boolean isStarted) {
    TaskSlot slot =
        new TaskSlot(
            station,
            station.step.handlers().get(),
            requireNonNull(workers.executor, "executor"),
            isStarted);
    all.add(slot);
    return slot;
  }

  /** Any thread: a worker has nothing to do anymore. */
  void release(Slot slot) {
    Slot first;
    do {
      first = released;
      slot.next = first;
    } while (!RELEASED.compareAndSet(this, first, slot));
  }

  /** The drain takes note of the workers that have become idle. */
  void collect() {
    if (released == null) {
      return;
    }
    isStarted = true;
    Slot slot = (Slot) RELEASED.getAndSet(this, null);
    while (slot != null) {
      Slot next = slot.next;
      if (slot.isBusy) {
        busyCount--;
      }
      giveBack(slot);
      slot = next;
    }
  }

  boolean hasIdle() {
    return idle != null || canMakeTask();
  }

  boolean isIdle() {
    return busyCount == 0;
  }

  int idleCount() {
    return workers.count == Workers.UNLIMITED ? Workers.UNLIMITED : workers.count - busyCount;
  }

  /** The first task is made at the start, the others when they are needed. */
  private boolean canMakeTask() {
    return workers.kind == Workers.Kind.EXECUTOR
        && station.step.shared()
        && isStarted
        && busyCount < workers.count;
  }

  /**
   * An idle worker, which then either is {@link #engage engaged} or {@link #giveBack given back}.
   */
  Slot takeIdle() {
    Slot slot = idle;
    if (slot == null) {
      return newTask(true);
    }
    idle = slot.next;
    slot.next = null;
    return slot;
  }

  void giveBack(Slot slot) {
    slot.isBusy = false;
    slot.next = idle;
    idle = slot;
  }

  void engage(Slot slot) {
    slot.isBusy = true;
    busyCount++;
    slot.assign();
  }

  /** Interrupts the handlers that run and fails their batches. */
  void shutdown(HeadraceException reason) {
    for (Slot slot : all) {
      slot.interrupt();
      station.abandonLater(slot.batch, reason);
    }
  }

  /** Any thread, after the last batch: ends the workers. */
  void end(Ending ending) {
    for (Slot slot : all) {
      ending.announce();
      slot.end(ending);
    }
  }

  /** Any thread. */
  boolean isExecutedBy(Thread thread) {
    for (Slot slot : all) {
      if (slot.isExecutedBy(thread)) {
        return true;
      }
    }
    return false;
  }
}
