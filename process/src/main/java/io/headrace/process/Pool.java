package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.Observer;
import io.headrace.Outcomes;
import io.headrace.Placement;
import io.headrace.TimeSource;
import io.headrace.WorkerDiedException;
import io.headrace.WorkerStatus;
import io.headrace.shm.CorruptMemoryException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
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
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The worker processes of one step: gives them batches, and replaces those that die. */
final class Pool implements Placement.BatchExecutor {
  /*
   * A batch that comes is given to the process with the most free places, or to the first one while that is enough
   * for all of them, by the thread that brings it. There are as many batches at once as places, so one waits in
   * pending only while a process is missing, or there is no room in shared memory for it. Whoever frees a place or
   * room looks at pending again.
   *
   * A process that has died leaves batches. Those that it had not begun are the next for the others. The one
   * that it executed is as well, if its items may be tried again: first as it is, for the process may have died
   * of anything; after the second death each item by itself, so that one that kills does it alone.
   *
   * The thread of a worker completes futures, and so it may be the one that ends the flow and closes the pool.
   * It does for its own process then what it would do afterwards.
   *
   * Lock order: the monitor of a WorkerProcess before that of the pool. Futures are completed with
   * neither.
   */

  private static final Logger LOGGER = System.getLogger(Pool.class.getName());
  private static final long MAX_RESTART_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long LOOK_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  /** Between two collections is so many times what one takes. */
  private static final int COLLECTION_PAUSES = 2;

  private static final int DEATHS_BEFORE_SINGLE = 2;

  /** What is not reachable anymore gives its room back some time after a collection. */
  private static final int LOOKS_BEFORE_STUCK = 3;

  /** Two seconds at least, in which nobody has given back anything. */
  static final int LOOKS_BEFORE_REFUSAL = 40;

  /** A process that is started again may take so many times what its worker took at first. */
  private static final int MAX_RESTART_TIMES = 10;

  /** It may take so long in any case. */
  private static final long MIN_RESTART_LIMIT_NANOS = TimeUnit.MINUTES.toNanos(1);

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
  private final AtomicLong looks = new AtomicLong();
  private final AtomicLong collections = new AtomicLong();
  private final AtomicBoolean isLooking = new AtomicBoolean();
  private volatile Placement.@Nullable Host host;
  private volatile @Nullable Region inputs;
  private final LargeMemories largeInputs;
  private volatile boolean wantsRoom;

  /** The process that is given all batches, if one is enough. */
  private volatile @Nullable WorkerProcess alone;

  // Guarded by this.
  private final ArrayDeque<Execution> pending = new ArrayDeque<>();
  private final List<WorkerProcess> ready = new ArrayList<>();
  private final Consolidation consolidation = new Consolidation(TimeSource.system()::nanoTime);
  private boolean isLost;

  Pool(Placement.PlacedStep step, Settings settings, byte[] factory) {
    this.step = step;
    this.settings = settings;
    this.factory = factory;
    count = settings.count();
    window = settings.window(step.maxSize());
    wantedBatches = new AtomicInteger(count * window.size());
    largeInputs = new LargeMemories(settings.largeBytes(), settings.mechanism(), this::roomFreed);
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
    List<Worker> added = add(count);
    inputs = Memories.ALL.own(settings.inputBytes(), settings.mechanism(), freed -> roomFreed());
    awaitStart(added);
    StartCache.prepare(settings);
  }

  @Override
  public int maxWorkers() {
    return WorkerProcesses.Builder.MAX_COUNT;
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
    List<Worker> added = add(n);
    boolean isDone = false;
    try {
      awaitStart(added);
      isDone = true;
    } finally {
      if (!isDone) {
        added.forEach(Worker::retire);
      }
    }
  }

  /** Starts workers, with the lowest numbers that none has. */
  private List<Worker> add(int n) {
    List<Worker> added = new ArrayList<>();
    for (int number = 0; added.size() < n; number++) {
      int candidate = number;
      if (workers.stream().noneMatch(worker -> worker.number == candidate)) {
        Worker worker = new Worker(number);
        added.add(worker);
        workers.add(worker);
        worker.thread.start();
      }
    }
    return added;
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

  private boolean isClosed() {
    return closed.getCount() == 0;
  }

  // Batches.

  @Override
  public CompletionStage<? extends List<?>> execute(List<?> items) {
    Execution execution = new Execution(items, Contexts.captured(settings.carrier()));
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
        isLast = pending.isEmpty();
      }
      WorkerProcess.Sent sent = send(execution, process, place);
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

  /** FULL if it makes no sense to go on: somebody comes again. */
  private WorkerProcess.Sent send(Execution execution, WorkerProcess process, int place) {
    Region inputs = this.inputs;
    try {
      WorkerProcess.Sent sent =
          process.send(
              execution,
              place,
              requireNonNull(inputs),
              largeInputs,
              requireNonNull(host).isObserved());
      switch (sent) {
        case YES -> {}
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
      giveBack(execution, process, place);
      wantsRoom = true; // who takes this finds the batch
      if (inputs.isViewed()) {
        needsRoom(inputs);
      } else if (largeInputs.isViewed()) {
        var _ = needsRoom(true);
      } else if (!isAnyBusy()) { // else a batch has the room, or tells of its end
        var _ = needsRoom(false);
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
                + settings.inputBytes()
                + " bytes for small ones and "
                + settings.largeBytes()
                + " for large ones: set inputMemory and largeMemory"
                + Garbage.remedy()));
    return true;
  }

  /**
   * Whether what takes the room is held by somebody who may keep it for ever: no process has a
   * batch, and room was looked for since this one found none.
   */
  private boolean hasWaited(Execution execution) {
    if (execution.looksBefore < 0) {
      execution.looksBefore = looks.get();
    }
    int enough = execution.needsMemories ? LOOKS_BEFORE_REFUSAL : LOOKS_BEFORE_STUCK;
    return looks.get() - execution.looksBefore >= enough && !isAnyBusy();
  }

  private synchronized boolean isAnyBusy() {
    return ready.stream().anyMatch(WorkerProcess::isBusy);
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
  void isNotEnough() {
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
      isNotEnough();
    }
  }

  /** A batch has come back. */
  void transferred(String worker, long nanos, long[] itemBytes) {
    requireNonNull(host)
        .report(new Observer.TransferEvent(step.service(), step.step(), worker, nanos, itemBytes));
  }

  // Room in shared memory.

  /** Looks for room in a common memory, of which views take less then. */
  void needsRoom(Region common) {
    boolean isViewed = common.isViewed();
    if (needsRoom(isViewed) && isViewed) {
      common.wasCrowded();
    }
  }

  /**
   * Looks for room. Values that this process does not reach anymore give theirs back when they are
   * found by the garbage collector, which has no other reason to look for them.
   *
   * @param isViewed whether there are values that may be found so
   * @return false if somebody looks already
   */
  boolean needsRoom(boolean isViewed) {
    if (!isLooking.compareAndSet(false, true)) {
      return false;
    }
    Thread.startVirtualThread(
        () -> {
          long tookNanos = isViewed ? collect() : 0;
          looks.incrementAndGet();
          roomFreed();
          pauseLooking(Math.max(LOOK_EVERY_NANOS, COLLECTION_PAUSES * tookNanos));
          isLooking.set(false);
          roomFreed(); // what found no room in the meantime asks again
        });
    return true;
  }

  /** Returns how long that took. */
  private long collect() {
    collections.incrementAndGet();
    return Garbage.collect();
  }

  /** A look that frees nothing is not repeated at once. */
  private void pauseLooking(long nanos) {
    try {
      var _ = closed.await(nanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** How often room was looked for because there was none. */
  long looks() {
    return looks.get();
  }

  /** How often garbage was collected for that. */
  long collections() {
    return collections.get();
  }

  private void roomFreed() {
    if (wantsRoom) {
      wantsRoom = false;
      Thread.startVirtualThread(this::dispatch);
    }
  }

  // Death.

  /** A process gets no batches anymore. */
  private synchronized void isGone(WorkerProcess process) {
    ready.remove(process);
    consolidation.reset();
    alone = null;
  }

  /** Returns the batches that were tried often enough. */
  private List<Execution> queueAgain(WorkerProcess process) {
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
    if (deaths >= settings.maxTries()) {
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
    List<Execution> singles = new ArrayList<>();
    for (int i = 0; i < execution.items.size(); i++) {
      singles.add(new Execution(execution, i));
    }
    var _ =
        CompletableFuture.allOf(singles.toArray(CompletableFuture[]::new))
            .whenComplete((_, _) -> join(singles, execution));
    var _ = execution.whenComplete((_, _) -> singles.forEach(single -> single.cancel(false)));
    singles.reversed().forEach(pending::addFirst);
  }

  private static void join(List<Execution> singles, Execution whole) {
    if (whole.isDone()) {
      return; // it was cancelled, and so were they
    }
    try {
      whole.complete(joined(singles));
    } catch (RuntimeException | Error failure) { // a list of results that is none
      whole.completeExceptionally(failure);
    }
  }

  private static Outcomes<@Nullable Object> joined(List<Execution> singles) {
    Outcomes<@Nullable Object> outcomes = new Outcomes<>(singles.size());
    for (Execution single : singles) {
      if (single.isCompletedExceptionally()) {
        outcomes.addFailure(single.exceptionNow());
        continue;
      }
      List<?> answers = single.resultNow();
      if (answers != null && answers.size() != 1) {
        outcomes.addFailure(Shipment.mismatch(answers.size(), 1));
        continue;
      }
      Throwable failure = answers instanceof Outcomes<?> some ? some.failure(0) : null;
      if (failure != null) {
        outcomes.addFailure(failure);
      } else {
        outcomes.add(answers == null ? null : answers.getFirst());
      }
    }
    return outcomes;
  }

  /** A worker is given up. If it was the last one, nothing can be executed anymore. */
  private void gaveUp(String death) {
    List<Execution> toFail;
    synchronized (this) {
      if (isLost || workers.stream().anyMatch(Worker::isAlive)) {
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

  /** How long a process may take to start again, if the first of its worker has taken so long. */
  static long maxStartNanos(long firstNanos) {
    return Math.max(MIN_RESTART_LIMIT_NANOS, MAX_RESTART_TIMES * firstNanos);
  }

  /**
   * How long to wait before a process is started again.
   *
   * @param firstNanos for the first time, above 0
   * @param failures how often in a row its worker has failed, 1 at least
   */
  static long restartNanos(long firstNanos, int failures) {
    long mostNanos = Math.max(firstNanos, MAX_RESTART_NANOS);
    int doublings = Math.min(failures - 1, Long.SIZE - 2);
    return firstNanos > mostNanos >> doublings ? mostNanos : firstNanos << doublings;
  }

  /** A worker, which has one process after another. */
  private final class Worker {
    final int number;
    final String name;
    final Thread thread;
    final CompletableFuture<Void> started = new CompletableFuture<>();
    private volatile @Nullable WorkerProcess process;
    private final AtomicInteger restarts = new AtomicInteger();

    /** How long a start may take; 0 for the first, for which the flow has its own limit. */
    private long maxStartNanos;

    volatile boolean isGivenUp;

    /** Whether it is one too many: it ends when it has no batch, and is not started again. */
    volatile boolean isRetired;

    private volatile boolean hasEnded;
    private volatile boolean isStarting = true;

    Worker(int number) {
      this.number = number;
      name = step.service() + "-" + step.step() + "-" + number;
      thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
    }

    private void run() {
      try {
        live();
      } finally {
        var _ = started.cancel(false); // if it was told to end before
        hasEnded = true;
        if (isRetired) {
          workers.remove(this);
        }
      }
    }

    private boolean isToEnd() {
      return isRetired || isClosed();
    }

    /** Whether it has a process or is going to have one. */
    boolean isAlive() {
      return !isGivenUp && !isRetired;
    }

    private void live() {
      int failures = 0;
      while (true) {
        var _ = Thread.interrupted(); // of a caller's callback; a close has said so before
        if (isToEnd()) {
          return;
        }
        boolean hasWorked = false;
        @Nullable String death; // null if it has ended as it was told
        try {
          isStarting = true;
          WorkerProcess process = start();
          this.process = process;
          isStarting = false;
          if (isClosed()) {
            close(); // the pool may not have seen the process
          } else if (isRetired) {
            retire();
          }
          death = serve(process);
          hasWorked = process.hasWorked();
        } catch (Throwable failure) {
          if (!started.isDone()) {
            if (!isToEnd()) { // else that is why it has failed
              started.completeExceptionally(failure);
            }
            return;
          }
          death = name + " could not be started again: " + failure;
        }
        if (isClosed() || death == null) {
          return;
        }
        LOGGER.log(Level.ERROR, death);
        failures = hasWorked ? 0 : failures + 1;
        if (failures >= settings.maxFailures()) {
          isGivenUp = true;
          gaveUp(death);
          return;
        }
        pause(Math.max(1, failures));
        restarts.incrementAndGet();
      }
    }

    private WorkerProcess start() throws Exception {
      long beganNanos = TimeSource.system().nanoTime();
      WorkerProcess process =
          WorkerProcess.start(
              name, number, settings, settings.window(step.maxSize()), factory, maxStartNanos);
      if (maxStartNanos == 0) {
        maxStartNanos = Pool.maxStartNanos(TimeSource.system().nanoTime() - beganNanos);
      }
      return process;
    }

    /** Returns how the process has ended; null if it was told to. */
    private @Nullable String serve(WorkerProcess process) {
      boolean isFirst = started.complete(null);
      report(
          process,
          isFirst ? Observer.WorkerEvent.Kind.STARTED : Observer.WorkerEvent.Kind.RESTARTED,
          null);
      synchronized (Pool.this) {
        if (!isRetired) {
          ready.add(process);
        }
        consolidation.reset();
      }
      dispatch();
      process.serve(Pool.this);
      isGone(process);
      wants(window.size() - process.windowSize());
      if (process.isDiscarded()) {
        return null;
      }
      List<Execution> toFail = queueAgain(process);
      var _ = Thread.interrupted(); // of a caller's callback
      Death death = process.death();
      boolean wasTold = isClosed() || (isRetired && process.hasEndedWell());
      if (!wasTold) {
        report(process, Observer.WorkerEvent.Kind.DIED, death);
      }
      WorkerDiedException reason = new WorkerDiedException(death.text());
      toFail.forEach(execution -> execution.completeExceptionally(reason));
      process.discard();
      this.process = null;
      lookAgain(); // there is more room now
      return wasTold ? null : death.text();
    }

    private void report(
        WorkerProcess process, Observer.WorkerEvent.Kind kind, @Nullable Death death) {
      Placement.Host host = Pool.this.host;
      if (host != null) {
        host.report(
            new Observer.WorkerEvent(
                step.service(),
                step.step(),
                name,
                process.pid(),
                kind,
                death == null ? null : death.reason(),
                death == null ? "" : death.text()));
      }
    }

    private void pause(int failures) {
      var _ = Thread.interrupted(); // of a caller's callback
      long nanos = restartNanos(settings.restartNanos(), failures);
      try {
        var _ = closed.await(nanos, TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    /** Lets it end when it has no batch, and tells the others that it has gone. */
    void retire() {
      isRetired = true;
      WorkerProcess process = this.process;
      if (process == null) {
        thread.interrupt(); // a start ends early, and so does the pause before
      } else {
        isGone(process);
        tellToEnd(process);
      }
      if (hasEnded) { // it was given up
        workers.remove(this);
      }
    }

    private void tellToEnd(WorkerProcess process) {
      try {
        process.close();
      } catch (CorruptMemoryException nonsense) {
        process.kill(nonsense);
        LOGGER.log(Level.ERROR, name + " is killed, because " + nonsense.getMessage());
      }
    }

    void close() {
      WorkerProcess process = this.process;
      if (process == null) {
        thread.interrupt(); // a start ends early
      } else if (process.isBusy()) {
        process.kill("the flow is shut down"); // nobody waits for what it does
      } else {
        tellToEnd(process);
        Thread.startVirtualThread(
            () -> {
              try {
                process.awaitEnd();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
      }
    }

    /** On the thread of the worker; returns whether it was interrupted meanwhile. */
    boolean end() {
      WorkerProcess process = this.process;
      boolean isInterrupted = false;
      if (process != null) {
        try {
          process.awaitEnd();
        } catch (InterruptedException e) {
          isInterrupted = true;
        }
        isGone(process);
        process.discard();
        this.process = null;
      }
      return isInterrupted;
    }

    void kill(String reason) {
      WorkerProcess process = this.process;
      if (process != null) {
        process.kill(reason);
      }
    }

    WorkerStatus status() {
      WorkerProcess process = this.process;
      if (process != null) {
        return process.status(restarts.get());
      }
      WorkerStatus.State state =
          isGivenUp || isClosed()
              ? WorkerStatus.State.STOPPED
              : isStarting ? WorkerStatus.State.STARTING : WorkerStatus.State.DEAD;
      return new WorkerStatus(name, 0, state, restarts.get(), 0, java.time.Duration.ZERO);
    }
  }
}
