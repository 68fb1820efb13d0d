package io.headrace;

import static java.util.Objects.requireNonNull;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;
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

  /** So many workers that are made when they are needed stay idle, whatever the load. */
  private static final int KEPT_IDLE = 64;

  private final QueuedStation station;
  private final Workers workers;

  /** Whether workers are made when they are needed, as tasks of an executor. */
  private final boolean isOnDemand;

  private final ThreadFactory threads;
  private final Set<Slot> all = ConcurrentHashMap.newKeySet();

  /** Makes the handlers of new workers. */
  private volatile Supplier<Swappable> handlers;

  /** What all workers hand batches to, if they are not in this JVM. */
  private volatile @Nullable Handling placed;

  /** How many workers there are to be. */
  private volatile int wanted;

  /** Whether the workers have been told to end; written before they are looked through. */
  private volatile boolean hasEnded;

  /** Those that have become idle and that the drain does not know of yet. */
  private volatile @Nullable Slot released;

  // Of the drain.

  /** Those that are idle, the last that became so first: its caches are warm. */
  private @Nullable Slot idle;

  private int busyCount;

  /** How many there are. */
  private int count;

  /** Whether the handler has started, so that tasks can be made when they are needed. */
  private boolean isStarted;

  Crew(QueuedStation station) {
    this.station = station;
    workers = station.step.workers();
    isOnDemand = workers.kind == Workers.Kind.EXECUTOR && station.step.shared();
    handlers = station.step.handlers();
    wanted = workers.count;
    Thread.Builder threads =
        workers.kind == Workers.Kind.VIRTUAL_THREADS
            ? Thread.ofVirtual()
            : Thread.ofPlatform().daemon();
    this.threads =
        threads
            .name("headrace-" + station.flow.name() + "-" + station.step.name() + "-", 1)
            .factory();
  }

  void start(Startup startup) {
    add(isOnDemand ? 1 : workers.count, startup, new ArrayList<>());
  }

  /** Starts workers, and adds them to a list. */
  private void add(int n, Startup startup, List<Slot> added) {
    for (int i = 0; i < n; i++) {
      startup.announce();
      added.add(workers.kind == Workers.Kind.EXECUTOR ? addTask(startup) : addThread(startup));
    }
  }

  private Slot addThread(Startup startup) {
    Swappable handling = handlers.get();
    ThreadSlot slot;
    try {
      slot = new ThreadSlot(station, handling, threads, startup);
    } catch (Throwable noThread) {
      Ending.close(handling, station); // it counts its workers
      throw noThread;
    }
    all.add(slot);
    start(slot, slot::start);
    return slot;
  }

  private void start(Slot slot, Runnable start) {
    try {
      start.run();
    } catch (Throwable noThread) {
      all.remove(slot); // it would never end
      Ending.close(slot.handling, station);
      throw noThread;
    }
  }

  private Slot addTask(Startup startup) {
    TaskSlot slot = newTask(false);
    start(slot, () -> Thread.ofVirtual().start(() -> slot.start(startup)));
    return slot;
  }

  private TaskSlot newTask(boolean isStarted) {
    TaskSlot slot =
        new TaskSlot(
            station, handlers.get(), requireNonNull(workers.executor, "executor"), isStarted);
    all.add(slot);
    if (workers.placement != null) {
      placed = slot.handling;
    }
    return slot;
  }

  /** How many workers there are to be. */
  int wanted() {
    return wanted;
  }

  /**
   * Changes how many workers there are. Blocks until new ones have started; the drain ends those
   * that are too many. The flow has not ended before those are that come too late.
   */
  void resize(int workers) throws InterruptedException {
    Ending ending = station.flow.ending();
    if (!ending.hold()) {
      throw station.flow.stopped();
    }
    try {
      resizeInTime(workers);
    } finally {
      ending.ended();
    }
  }

  private void resizeInTime(int workers) throws InterruptedException {
    Placement.BatchExecutor elsewhere = elsewhere();
    if (elsewhere != null) {
      resize(elsewhere, workers);
      return;
    }
    int before = wanted;
    if (workers <= before || isOnDemand) {
      wanted = workers;
      return;
    }
    Startup startup = new Startup();
    wanted = workers; // before they join, or they would be too many
    List<Slot> added = new ArrayList<>();
    boolean isDone = false;
    try {
      add(workers - before, startup, added);
      startup.allAnnounced();
      startup.get();
      if (hasEnded) {
        added.forEach(this::retire); // nobody else may have seen them
        throw station.flow.stopped();
      }
      isDone = true;
    } catch (ExecutionException e) {
      if (hasEnded || station.shutdownReason != null) {
        throw station.flow.stopped(); // the start was interrupted
      }
      throw Failures.unchecked(e.getCause());
    } finally {
      if (!isDone) {
        wanted = before;
        startup.completeExceptionally(new StartException(station + " was not resized", null));
        added.stream().filter(Slot::giveUp).forEach(this::retire);
      }
    }
  }

  private void resize(Placement.BatchExecutor elsewhere, int workers) throws InterruptedException {
    try {
      elsewhere.resize(workers);
      wanted = Checks.atLeast(1, elsewhere.places(), "places");
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception failure) {
      if (hasEnded || station.shutdownReason != null) {
        throw station.flow.stopped();
      }
      throw new StartException(station + " was not resized: " + failure, failure);
    }
  }

  /** Ends a worker that is not known to the drain, or was taken from it. */
  private void retire(Slot slot) {
    slot.retire(station.flow.ending());
    all.remove(slot);
  }

  /** Whether it calls the handler that all workers share. */
  boolean serves(Handling handling) {
    Iterator<Slot> any = all.iterator();
    return any.hasNext() && any.next().handling.isSameAs(handling);
  }

  /**
   * Replaces the handler that all workers share. Returns what retires the one before; null if the
   * workers have ended.
   */
  @Nullable Runnable swap(Handling handling) {
    Iterator<Slot> any = all.iterator(); // those that a resize added while the flow ended are gone
    return any.hasNext() ? any.next().handling.swap(handling, station) : null;
  }

  /**
   * Replaces the handlers of all workers, each by one of its own. Returns what retires those
   * before.
   */
  List<Runnable> swapEach(Supplier<Handling> handlings) {
    List<Slot> slots = List.copyOf(all);
    List<Handling> started = new ArrayList<>();
    try {
      for (int i = 0; i < slots.size(); i++) {
        Handling handling = handlings.get();
        Startup.replacement(handling, station);
        started.add(handling);
      }
    } catch (Throwable failure) {
      started.forEach(handling -> Ending.close(handling, station));
      throw failure;
    }
    handlers = Swappable.each(handlings);
    List<Runnable> retirements = new ArrayList<>();
    for (int i = 0; i < slots.size(); i++) {
      Runnable retirement = slots.get(i).handling.swap(started.get(i), station);
      if (retirement != null) {
        retirements.add(retirement);
      } else {
        Ending.close(started.get(i), station);
      }
    }
    if (retirements.isEmpty()) {
      throw station.flow.stopped();
    }
    return retirements;
  }

  /** Any thread: what executes the batches, if that is not in this JVM. */
  Placement.@Nullable BatchExecutor elsewhere() {
    Handling placed = this.placed;
    return placed == null ? null : placed.elsewhere();
  }

  /** Any thread: a worker has nothing to do anymore. */
  void release(Slot slot) {
    Slot first;
    do {
      first = released;
      slot.next = first;
    } while (!RELEASED.compareAndSet(this, first, slot));
  }

  /**
   * The drain takes note of the workers that have become idle, and ends those that are too many.
   */
  void collect(@Nullable LearningPolicy learning) {
    Slot slot = released == null ? null : (Slot) RELEASED.getAndSet(this, null);
    if (slot != null) {
      isStarted = true;
    }
    while (slot != null) {
      Slot next = slot.next;
      if (slot.isBusy) {
        busyCount--;
      }
      if (!slot.hasJoined) {
        slot.hasJoined = true;
        count++;
      }
      if (learning != null) {
        slot.tell(learning);
      }
      giveBack(slot);
      slot = next;
    }
    while (idle != null && hasTooMany()) {
      Slot surplus = takeIdle();
      count--;
      station.later(() -> retire(surplus));
    }
  }

  /**
   * Whether there are more workers than are wanted, or more of them idle than busy: those of a peak
   * are not kept for ever.
   */
  private boolean hasTooMany() {
    return count > wanted || (isOnDemand && count - busyCount > Math.max(KEPT_IDLE, busyCount));
  }

  boolean hasIdle() {
    return busyCount < limit() && (idle != null || canMakeTask());
  }

  /** How many may be busy now. */
  private int limit() {
    Placement.BatchExecutor elsewhere = elsewhere();
    int wanted = this.wanted;
    if (elsewhere == null) {
      return wanted;
    }
    try {
      return Math.clamp(elsewhere.wantedBatches(), 1, wanted);
    } catch (Throwable failure) {
      station.flow.observers.report(workers, failure);
      return wanted;
    }
  }

  boolean isIdle() {
    return busyCount == 0;
  }

  int idleCount() {
    int limit = limit();
    return limit == Workers.UNLIMITED ? Workers.UNLIMITED : Math.max(1, limit - busyCount);
  }

  /** The first task is made at the start, the others when they are needed. */
  private boolean canMakeTask() {
    return isOnDemand && isStarted;
  }

  /**
   * An idle worker, which then either is {@link #engage engaged} or {@link #giveBack given back}.
   */
  Slot takeIdle() {
    Slot slot = idle;
    if (slot == null) {
      slot = newTask(true);
      slot.hasJoined = true;
      count++;
      return slot;
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

  /** Any thread: interrupts the handlers that start or run. */
  void interrupt() {
    for (Slot slot : all) {
      slot.interrupt();
    }
  }

  /** Fails the batches. */
  void shutdown(HeadraceException reason) {
    for (Slot slot : all) {
      station.abandonLater(slot, reason);
    }
  }

  /** Any thread, after the last batch: ends the workers, also those that a resize starts. */
  void end(Ending ending) {
    hasEnded = true;
    for (Slot slot : all) {
      if (station.shutdownReason == null) { // else that has interrupted them
        slot.giveUp();
      }
      slot.retire(ending);
    }
  }

  /** Any thread: whether the workers have been told to end. */
  boolean hasEnded() {
    return hasEnded;
  }

  /** Any thread: whether a thread starts a worker that has not joined yet. */
  boolean isStartedBy(Thread thread) {
    for (Slot slot : all) {
      if (slot.isStartedBy(thread)) {
        return true;
      }
    }
    return false;
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
