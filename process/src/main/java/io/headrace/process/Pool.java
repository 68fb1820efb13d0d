package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.Observer;
import io.headrace.Placement;
import io.headrace.TimeSource;
import io.headrace.WorkerDiedException;
import io.headrace.WorkerStatus;
import io.headrace.shm.CorruptMemoryException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The worker processes of one step: gives them batches, and replaces those that die. */
class Pool implements Placement.BatchExecutor {
  /*
   * A batch that comes is given to the process with the most free places, or to the first one while
   * that is enough for all of them, by the thread that brings it. There are as many batches at once
   * as places, so one waits in pending only while a process is missing, or there is no room in
   * shared memory for it. Whoever frees a place or room looks at pending again.
   *
   * A process that has died leaves batches. Those that it had not begun are the next for the
   * others. The one that it executed is as well, if its items may be tried again: first as it is,
   * for the process may have died of anything; after the second death each item by itself, so that
   * one that kills does it alone.
   *
   * Lock order: the monitor of a WorkerProcess before that of the pool. Futures are completed with
   * neither.
   */

  private static final int DEATHS_BEFORE_SINGLE = 2;

  /** What is not reachable anymore gives its room back some time after a collection. */
  private static final int LOOKS_BEFORE_STUCK = 3;

  /** Two seconds at least, in which nobody has given back anything. */
  static final int LOOKS_BEFORE_REFUSAL = 40;

  private final Placement.PlacedStep step;
  private final Settings settings;
  private final byte[] factory;

  /** How many batches a process has at once at first, and at most. */
  private final Window window;

  /** How many all processes together are to have. */
  private final AtomicInteger wantedBatches;

  /**
   * Those that end because there are too many included. Changed by the start and by who resizes,
   * while others may ask for their states.
   */
  private final List<Worker> workers = new CopyOnWriteArrayList<>();

  /** How many there are to be. */
  private volatile int count;

  private final CountDownLatch closed = new CountDownLatch(1);
  private final RoomSearch search = new RoomSearch(closed, this::roomFreed);
  private volatile Placement.@Nullable Host host;
  private volatile @Nullable Region inputs;
  private final LargeMemories largeInputs;
  private volatile boolean wantsRoom;

  /** The process that is given all batches, if one is enough. */
  private volatile @Nullable WorkerProcess alone;

  // Guarded by this.
  private final ArrayDeque<Execution> pending = new ArrayDeque<>();
  private final List<WorkerProcess> ready = new ArrayList<>();
  private final List<WorkerProcess> retired = new ArrayList<>();
  private final Consolidation consolidation = new Consolidation(TimeSource.system()::nanoTime);
  private boolean isLost;

  /** What the last worker that was given up has died of. */
  private @Nullable String lastDeath;

  Pool(Placement.PlacedStep step, Settings settings, byte[] factory) {
    this.step = step;
    this.settings = settings;
    this.factory = factory;
    count = settings.count;
    window = settings.window(step.maxSize());
    wantedBatches = new AtomicInteger(count * window.size());
    largeInputs = new LargeMemories(settings.largeBytes, settings.mechanism, this::roomFreed);
  }

  // The life of the pool.

  @Override
  public int places() {
    return count * window.most();
  }

  @Override
  public int wantedBatches() {
    WorkerProcess alone = this.alone;
    return alone == null ? wantedBatches.get() : alone.windowSize();
  }

  /** A process is to have more batches at once, or fewer. */
  void wants(int more) {
    if (more != 0) {
      wantedBatches.addAndGet(more);
    }
  }

  @Override
  public void start(Placement.Host host) throws Exception {
    this.host = host;
    List<Worker> added = new ArrayList<>();
    add(count, added);
    inputs = Memories.ALL.own(settings.inputBytes, settings.mechanism, freed -> roomFreed());
    awaitStart(added);
    StartCache.prepare(settings);
  }

  @Override
  public int maxWorkers() {
    return WorkerProcessesBuilder.MAX_COUNT;
  }

  @Override
  public void resize(int workers) throws Exception {
    int more = workers - count;
    boolean hasBegun = host != null; // else it is going to start so many
    if (hasBegun && more > 0) {
      grow(more);
    }
    count = workers;
    wants(more * window.size());
    if (hasBegun && more < 0) {
      retire(-more);
    }
  }

  private void grow(int n) throws Exception {
    List<Worker> added = new ArrayList<>();
    boolean isDone = false;
    try {
      add(n, added);
      awaitStart(added);
      isDone = true;
    } finally {
      if (!isDone) {
        added.forEach(Worker::retire);
        failIfNoneIsAlive(); // the others may have been given up while these started
      }
    }
  }

  /** Starts workers, with the lowest numbers that none has, and adds them to a list. */
  private void add(int n, List<Worker> added) {
    for (int number = 0; added.size() < n; number++) {
      int candidate = number;
      if (workers.stream().noneMatch(worker -> worker.number == candidate)) {
        Worker worker = new Worker(this, step, number, settings, factory);
        workers.add(worker);
        boolean isStarted = false;
        try {
          begin(worker.thread);
          isStarted = true;
        } finally {
          if (!isStarted) {
            workers.remove(worker); // there is no thread for it, which would do that
          }
        }
        added.add(worker);
      }
    }
  }

  /** There may be no memory for it, or too many threads. Tests see to that. */
  void begin(Thread ofWorker) {
    ofWorker.start();
  }

  /** Ends workers that are too many: first those that were given up, then the last ones. */
  private void retire(int n) {
    List<Worker> surplus;
    synchronized (this) { // one of two may be given up at this moment
      surplus =
          workers.reversed().stream()
              .filter(worker -> !worker.isRetired)
              .sorted(Comparator.comparing(worker -> !worker.isGivenUp))
              .limit(n)
              .toList();
      surplus.forEach(worker -> worker.isRetired = true);
    }
    surplus.forEach(Worker::retire);
  }

  /** Fails as soon as one of them does. */
  private static void awaitStart(List<Worker> added) throws Exception {
    CompletableFuture<?>[] starts =
        added.stream().map(worker -> worker.started).toArray(CompletableFuture[]::new);
    CompletableFuture<Void> all = CompletableFuture.allOf(starts);
    for (CompletableFuture<?> start : starts) {
      var _ = start.whenComplete((done, failure) -> failFast(all, failure));
    }
    try {
      all.get();
    } catch (ExecutionException failed) {
      switch (failed.getCause()) {
        case Exception exception -> throw exception;
        case Error error -> throw error;
        case null, default -> throw failed;
      }
    }
  }

  private static void failFast(CompletableFuture<Void> all, @Nullable Throwable failure) {
    if (failure != null) {
      all.completeExceptionally(failure);
    }
  }

  @Override
  public void close() {
    closed.countDown();
    workers.forEach(Worker::close);
    boolean isInterrupted = false;
    for (Worker worker : workers) {
      isInterrupted |= worker.thread.equals(Thread.currentThread()) ? worker.end() : join(worker);
    }
    synchronized (this) {
      pending.clear(); // its items may be views of the inputs, whose memory keeps this
    }
    Region inputs = this.inputs;
    if (inputs != null) {
      inputs.retire();
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits for the end of a worker; returns whether this thread was interrupted meanwhile. */
  private static boolean join(Worker worker) {
    boolean isInterrupted = false;
    while (true) {
      try {
        worker.thread.join();
        return isInterrupted;
      } catch (InterruptedException e) {
        isInterrupted = true;
        worker.kill("the flow is shut down");
      }
    }
  }

  @Override
  public List<WorkerStatus> workers() {
    return workers.stream().map(Worker::status).toList();
  }

  boolean isClosed() {
    return closed.getCount() == 0;
  }

  /** Waits for the end of the pool; returns whether it was closed within a time. */
  boolean awaitClose(long nanos) throws InterruptedException {
    return closed.await(nanos, TimeUnit.NANOSECONDS);
  }

  /** A worker has a process that can be given batches, unless it is one too many by now. */
  void join(Worker worker, WorkerProcess process) {
    synchronized (this) {
      (worker.isRetired ? retired : ready).add(process);
      consolidation.reset();
    }
    dispatch();
  }

  /** A process gets no batches anymore, and is going to end behind those that it has. */
  synchronized void retire(WorkerProcess process) {
    if (ready.remove(process)) {
      retired.add(process);
      consolidation.reset();
      alone = null;
    }
  }

  /** A worker that was one too many has ended. */
  void forget(Worker worker) {
    workers.remove(worker);
  }

  /** Something has happened to a process of a worker. */
  void report(String worker, long pid, Observer.WorkerEvent.Kind kind, @Nullable Death death) {
    Placement.Host host = this.host;
    if (host != null) {
      host.report(
          new Observer.WorkerEvent(
              step.service(),
              step.step(),
              worker,
              pid,
              kind,
              death == null ? null : death.reason(),
              death == null ? "" : death.text()));
    }
  }

  // Batches.

  @Override
  public CompletionStage<? extends List<?>> execute(List<?> items) {
    Execution execution = new Execution(items, Contexts.captured(settings.carrier));
    dispatch(execution);
    return execution;
  }

  /** Gives batches to processes as long as there are both. */
  void dispatch() {
    dispatch(null);
  }

  /** A fresh one comes after those that wait. */
  private void dispatch(@Nullable Execution fresh) {
    while (true) {
      Execution execution;
      WorkerProcess process;
      int place;
      int wishes;
      boolean isLast;
      synchronized (this) {
        if (isClosed()) {
          pending.clear(); // nobody waits for what is left
          return;
        }
        if (fresh != null) {
          pending.addLast(fresh);
          fresh = null;
        }
        process = next();
        execution = process == null ? null : nextPending();
        if (process == null || execution == null) {
          return;
        }
        place = process.takePlace();
        wishes = wishes();
        isLast = pending.isEmpty();
      }
      WorkerProcess.Sent sent = send(execution, process, place, wishes);
      if (sent == WorkerProcess.Sent.FULL || (isLast && sent == WorkerProcess.Sent.YES)) {
        return;
      }
    }
  }

  private @Nullable WorkerProcess next() {
    WorkerProcess alone = this.alone;
    if (alone != null && alone.hasPlace()) {
      return alone;
    }
    WorkerProcess freest = null;
    for (WorkerProcess process : ready) {
      if (process.hasPlace() && (freest == null || process.room() > freest.room())) {
        freest = process;
      }
    }
    return freest;
  }

  private @Nullable Execution nextPending() {
    Execution execution = pending.poll();
    while (execution != null && execution.isDone()) {
      execution = pending.poll(); // nobody waits for it anymore
    }
    return execution;
  }

  /** With the lock. */
  private int wishes() {
    boolean isMeasured = requireNonNull(host).isObserved();
    boolean isCounted = ready.size() > 1; // else nobody asks whether one process is enough
    return (isMeasured ? Shipment.MEASURED : 0) | (isCounted ? Shipment.COUNTED : 0);
  }

  /** FULL if it makes no sense to go on: somebody comes again. */
  private WorkerProcess.Sent send(
      Execution execution, WorkerProcess process, int place, int wishes) {
    Region inputs = this.inputs;
    try {
      WorkerProcess.Sent sent =
          process.send(execution, place, wishes, requireNonNull(inputs), largeInputs);
      switch (sent) {
        case YES -> execution.lacksRoom(false);
        case FAILED -> {
          synchronized (this) {
            process.givePlace(place);
          }
        }
        case OVER, FULL -> giveBack(execution, process, place);
      }
      return sent;
    } catch (NoRoomException none) {
      return findRoom(execution, process, place)
          ? WorkerProcess.Sent.FAILED
          : WorkerProcess.Sent.FULL;
    } catch (CorruptMemoryException nonsense) {
      process.kill(nonsense);
      giveBack(execution, process, place);
      return WorkerProcess.Sent.FULL; // its thread goes on when it has ended
    } catch (RuntimeException | Error failure) {
      synchronized (this) {
        process.givePlace(place);
      }
      execution.completeExceptionally(failure);
      return WorkerProcess.Sent.FAILED;
    }
  }

  /**
   * A batch has found no room. If nothing is going to free any, its items go one by one, and one
   * alone with memories of its own. Returns whether it makes sense to go on.
   */
  private boolean findRoom(Execution execution, WorkerProcess process, int place) {
    Region inputs = requireNonNull(this.inputs);
    boolean isAllFree = inputs.blockCount() == 0 && largeInputs.usedBytes() == 0;
    if (!isAllFree && !hasWaited(execution)) {
      execution.lacksRoom(true);
      giveBack(execution, process, place);
      wantsRoom = true; // who takes this finds the batch
      BooleanSupplier isComing = () -> inputs.isSent() || largeInputs.isSent();
      if (inputs.isViewed()) {
        search.begin(execution, isComing, inputs::narrowViews);
      } else if (largeInputs.isViewed()) {
        search.begin(execution, isComing, () -> {});
      } else if (!isAnyBusy()) { // else a batch has the room, or tells of its end
        search.begin(false);
      }
      return false;
    }
    synchronized (this) {
      process.givePlace(place);
      if (execution.items.size() > 1) {
        split(execution);
        return true;
      }
      if (!execution.needsMemories) {
        execution.needsMemories = true;
        execution.looksBefore = -1;
        pending.addFirst(execution);
        return true;
      }
    }
    execution.completeExceptionally(
        new IllegalArgumentException(
            "the values of an item take more shared memory than there is, or than values that are"
                + " kept leave, of "
                + settings.inputBytes
                + " bytes for small ones and "
                + settings.largeBytes
                + " for large ones: set inputMemoryBytes and largeMemoryBytes"
                + Garbage.remedy()));
    return true;
  }

  /**
   * Whether what takes the room is held by somebody who may keep it for ever: no process has a
   * batch, and room was looked for since this one found none.
   */
  private boolean hasWaited(Execution execution) {
    if (execution.looksBefore < 0) {
      execution.looksBefore = search.looks();
    }
    int enough = execution.needsMemories ? LOOKS_BEFORE_REFUSAL : LOOKS_BEFORE_STUCK;
    return search.looks() - execution.looksBefore >= enough && !isAnyBusy();
  }

  private synchronized boolean isAnyBusy() {
    return Stream.concat(ready.stream(), retired.stream()).anyMatch(WorkerProcess::isBusy);
  }

  private synchronized void giveBack(Execution execution, WorkerProcess process, int place) {
    process.givePlace(place);
    if (!isClosed()) { // else nobody waits for it, and it would be kept
      pending.addFirst(execution);
    }
  }

  /**
   * The thread of a process has its answer, so that a place is free; returns whether the process
   * has another batch.
   */
  boolean answered(WorkerProcess process, int place) {
    boolean isBusy;
    boolean isWaitedFor;
    synchronized (this) {
      process.givePlace(place);
      lookWhetherOneIsEnough(process);
      isBusy = process.hasBatch();
      isWaitedFor = !pending.isEmpty();
    }
    if (isWaitedFor) {
      dispatch();
    }
    return isBusy;
  }

  private long busyNanos() {
    return ready.stream().mapToLong(WorkerProcess::busyNanos).sum();
  }

  private void lookWhetherOneIsEnough(WorkerProcess answering) {
    if (ready.size() < 2) {
      return;
    }
    WorkerProcess first = ready.getFirst();
    consolidation.answered(answering.equals(first), first.isQuick(), this::busyNanos);
    WorkerProcess enough = consolidation.isFirstAlone() ? first : null;
    if (enough != alone) {
      alone = enough;
    }
  }

  /** Whether a process is given all batches. Any thread. */
  boolean isAlone(WorkerProcess process) {
    return process.equals(alone);
  }

  /** The process that is given all batches has not answered for a while. */
  void useAll() {
    synchronized (this) {
      consolidation.reset();
      alone = null;
    }
    requireNonNull(host).wantsMore();
  }

  /**
   * What waits may have found a ring full, and the thread of the process that is alone may be held
   * up by somebody who was told of a result.
   */
  void lookAgain() {
    boolean isWaitedFor;
    boolean isHeldUp;
    synchronized (this) {
      isWaitedFor = !pending.isEmpty();
      isHeldUp = consolidation.isFirstSilent() && ready.getFirst().hasBatch();
    }
    if (isWaitedFor) {
      dispatch();
    }
    if (isHeldUp) {
      useAll();
    }
  }

  /** A batch has come back. */
  void transferred(String worker, long nanos, long[] itemBytes) {
    requireNonNull(host)
        .report(new Observer.TransferEvent(step.service(), step.step(), worker, nanos, itemBytes));
  }

  // Room in shared memory.

  /** A process needs room in its common memory, and has none to give back itself. */
  void needsRoom(Region common) {
    search.begin(common);
  }

  /**
   * A process needs a memory of its own.
   *
   * @param isViewed whether there are values that a collection may find
   */
  void needsMemory(boolean isViewed) {
    search.begin(isViewed);
  }

  /** How often room was looked for because there was none. */
  long looks() {
    return search.looks();
  }

  /** How often garbage was collected for that. */
  long collections() {
    return search.collections();
  }

  private void roomFreed() {
    if (wantsRoom) {
      wantsRoom = false;
      Thread.startVirtualThread(this::dispatch);
    }
  }

  // Death.

  /** A process gets no batches anymore, and answers none. */
  void leave(WorkerProcess process) {
    synchronized (this) {
      if (!ready.remove(process) && !retired.remove(process)) {
        return; // its own thread has closed the pool
      }
      consolidation.reset();
      alone = null;
    }
    wants(window.size() - process.windowSize());
  }

  /** Returns the batches that were tried often enough. */
  List<Execution> queueAgain(WorkerProcess process) {
    List<Shipment> left = process.leftOver();
    List<Execution> toFail = new ArrayList<>();
    int retried = 0;
    synchronized (this) {
      for (Shipment shipment : left.reversed()) {
        if (!process.mayHaveBegun(shipment)) {
          pending.addFirst(shipment.execution);
        } else if (tryAgain(shipment.execution)) {
          retried += shipment.execution.items.size();
        } else {
          toFail.add(shipment.execution);
        }
      }
    }
    if (retried > 0) {
      requireNonNull(host).retried(retried);
    }
    dispatch();
    return toFail;
  }

  /**
   * Queues a batch again of which a worker has died; returns false if it was tried often enough.
   */
  private boolean tryAgain(Execution execution) {
    int deaths = execution.died();
    if (deaths >= settings.maxTries) {
      return false;
    }
    if (deaths < DEATHS_BEFORE_SINGLE || execution.items.size() == 1) {
      pending.addFirst(execution);
      return true;
    }
    split(execution);
    return true;
  }

  /** Queues the items of a batch one by one. */
  private void split(Execution execution) {
    execution.split().reversed().forEach(pending::addFirst);
  }

  /** A worker is given up. If it was the last one, nothing can be executed anymore. */
  void gaveUp(Worker worker, String death) {
    synchronized (this) {
      worker.isGivenUp = true;
      lastDeath = death;
    }
    failIfNoneIsAlive();
  }

  private void failIfNoneIsAlive() {
    List<Execution> toFail;
    String death;
    synchronized (this) {
      death = lastDeath;
      if (isLost || death == null || workers.stream().anyMatch(Worker::isAlive)) {
        return;
      }
      isLost = true;
      toFail = List.copyOf(pending);
      pending.clear();
    }
    WorkerDiedException reason =
        new WorkerDiedException(
            "no worker of step " + step.step() + " can be kept alive; the last one: " + death);
    toFail.forEach(execution -> execution.completeExceptionally(reason));
    Placement.Host host = this.host;
    if (host != null) {
      host.fail(reason);
    }
  }
}
