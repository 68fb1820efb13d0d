package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.Observer.WorkerEvent.Reason;
import io.headrace.TimeSource;
import io.headrace.WorkerStatus;
import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Doorbell;
import io.headrace.shm.Handle;
import io.headrace.shm.Mechanism;
import io.headrace.shm.RingConsumer;
import io.headrace.shm.SharedMemory;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/** One process of a worker, from its start to its end, as its parent sees it. */
final class WorkerProcess {
  /*
   * Any thread sends (send), under the monitor of this, which guards the ends of the rings to the
   * process. The thread of the worker, which has started the process, receives its answers (serve).
   * The pool says which place a batch takes, and gets it back when the batch is answered.
   *
   * The parent believes only what it has written itself. What comes from the process is checked,
   * and at the first nonsense the process is killed: what it had in hand is then treated as after
   * any other death.
   *
   * A death is seen in two ways. The lifeline tells first, that the thread which executes batches
   * is gone: what it has answered and begun is final, and its batches can be queued again. The
   * system takes the process apart then, which takes milliseconds; other threads of the handler may
   * run that long, so memory is used again only after that.
   */

  private static final String NOT_ENDED = "it did not end when it was told to";

  /** What there is once the process was started. */
  private record Link(Process process, Output output, Doorbell doorbell, Hearing hearing) {}

  private final String name;
  private final Settings settings;
  private final TimeSource time = TimeSource.system();
  private final SharedMemory memory;
  private final Channel channel;
  private final Region results;

  private final LargeResults largeResults;

  /** What goes to the process; guarded by this. */
  private final Outbox outbox;

  private final RingConsumer responses;
  private @Nullable Link link;

  private final LoopWatch loopWatch;

  /** What the process has, by places. */
  private final AtomicReferenceArray<@Nullable Shipment> inFlight;

  // Guarded by this.

  private long lastNumber;

  /** Changed with the monitor only. */
  private volatile boolean isOver;

  /** Kills it; set when it has nothing more to do than to end. */
  private TimeSource.@Nullable Alarm closeTimeout;

  // Of the thread of the worker.
  private final Heartbeat heartbeat;
  private final Belt belt;
  private boolean hasWorked;
  private int seenRemovals;

  /** Set under {@link #waking}: whoever has that looks into memory that is there. */
  private volatile boolean isDiscarded;

  private final Object waking = new Object();

  /** There may be something to do other than answers. */
  private volatile boolean isWoken;

  private volatile boolean hasEnded;
  private volatile boolean isCorrupt;
  private volatile boolean needsRoom;
  private volatile Death.@Nullable Killing killing;

  /** What it has not answered, and may read as long as it lives; of the thread of the worker. */
  private List<Shipment> left = List.of();

  private final Window window;

  /** The places without a batch; of the pool, under its lock. */
  private final int[] freePlaces;

  private int freeCount;

  private WorkerProcess(String name, Settings settings, Window window) {
    this.name = name;
    this.settings = settings;
    this.window = window;
    int places = window.most();
    freePlaces = new int[places];
    inFlight = new AtomicReferenceArray<>(places);
    for (int place = 0; place < places; place++) {
      givePlace(place);
    }
    memory = SharedMemory.create(Channel.sizeBytes(places), settings.mechanism);
    channel = Channel.create(memory.segment(), places, settings.heartbeatNanos != 0);
    loopWatch = new LoopWatch(name, channel.lifeline(), settings.mechanism, this::ended);
    outbox =
        new Outbox(channel.newProducer(channel.requests()), channel.newProducer(channel.news()));
    responses = channel.newConsumer(channel.responses());
    try {
      results = Memories.ALL.foreign(settings.resultBytes, settings.mechanism, this::freed);
    } catch (RuntimeException | Error none) {
      memory.close();
      throw none;
    }
    largeResults = new LargeResults(settings, this::wake);
    heartbeat = new Heartbeat(settings.heartbeatNanos, time.nanoTime());
    belt = new Belt(settings, this::wake);
  }

  /**
   * Starts a process and waits until its handler is ready.
   *
   * @param maxNanos how long that may take; 0 for any time
   * @throws Exception what the handler has thrown when it was made or started; or an IOException
   *     that says how the process has ended before
   */
  static WorkerProcess start(
      String name, int number, Settings settings, Window window, byte[] factory, long maxNanos)
      throws Exception {
    try (Launch launch = new Launch(settings)) {
      Process process = launch.start(settings.processorsOf(number));
      Output output =
          new Output(
              process.getInputStream(),
              name,
              settings.isTraining ? line -> {} : line -> Hearing.printed(name, line));
      WorkerProcess worker = null;
      try {
        worker = new WorkerProcess(name, settings, window); // while the JVM starts
        worker.launch(launch, process, output, number, factory, maxNanos);
        return worker;
      } catch (Throwable failure) {
        kill(process);
        if (worker != null) {
          worker.discard();
        }
        throw failure;
      }
    }
  }

  private void launch(
      Launch launch, Process process, Output output, int number, byte[] factory, long maxNanos)
      throws Exception {
    Orders orders =
        new Orders(
            name,
            settings.processorsOf(number),
            settings.mechanism,
            launch.entrance(),
            memory.path(),
            channel.places(),
            new Orders.Mapped(results.number, settings.resultBytes, results.memory.path()),
            settings.largeBytes,
            settings.types.names(),
            LogLevels.here(),
            factory);
    try (StartWatch _ =
        new StartWatch(
            settings,
            maxNanos,
            this::beatCount,
            (reason, because) -> kill(process, reason, because))) {
      Thread.ofPlatform().daemon().name(name + "-orders").start(() -> write(orders, process));
      connect(launch, process, output).awaitReady();
    } catch (Hearing.EndedException ended) {
      throw endedBefore(process, output, ended);
    }
  }

  /** On a thread of its own: more than the pipe takes waits until the process reads. */
  private static void write(Orders orders, Process process) {
    try {
      orders.write(new DataOutputStream(process.getOutputStream()));
    } catch (IOException ended) {
      // the wait for its connection says so
    }
  }

  private long beatCount() {
    synchronized (waking) {
      return isDiscarded ? 0 : channel.beatCount();
    }
  }

  private Hearing connect(Launch launch, Process process, Output output)
      throws Hearing.EndedException {
    try {
      Hearing hearing = new Hearing(launch.reports(), name, () -> closeInput(process));
      link = new Link(process, output, doorbell(launch), hearing);
      Proc.whenExited(process, this::ended);
      return hearing;
    } catch (IOException ended) {
      throw new Hearing.EndedException(ended);
    }
  }

  /** A worker that has said its last waits for this before it exits. */
  private static void closeInput(Process process) {
    try {
      process.getOutputStream().close();
    } catch (IOException ended) {
      // it has exited
    }
  }

  private IOException endedBefore(Process process, Output output, IOException ended)
      throws InterruptedException {
    try {
      if (!process.waitFor(settings.closeNanos, TimeUnit.NANOSECONDS)) {
        return ended;
      }
      Death death = Death.of(name, process, killing, output, settings.folder);
      return new IOException("before it was ready " + death.text(), ended);
    } finally {
      kill(process); // also if this is interrupted
    }
  }

  private Doorbell doorbell(Launch launch) throws IOException {
    if (settings.mechanism == Mechanism.LINUX) {
      Path inbox = Launch.inbox(launch.entrance());
      return Doorbell.futex(channel.parentBell(), channel.workerBell(), inbox);
    }
    SocketChannel socket = launch.accept();
    return Doorbell.socket(socket, channel.parentBell(), channel.workerBell());
  }

  private Link link() {
    return requireNonNull(link, "the process has not been started");
  }

  // The pool, under its lock.

  /** How many batches more it is to have. */
  int room() {
    return window.size() - (freePlaces.length - freeCount);
  }

  /** Whether its last batches were over in some microseconds each. */
  boolean isQuick() {
    return window.isQuick();
  }

  /** How long it has executed batches so far, as it says. */
  long busyNanos() {
    synchronized (waking) {
      return isDiscarded ? 0 : channel.busyNanos();
    }
  }

  boolean hasPlace() {
    return freeCount > 0;
  }

  boolean hasBatch() {
    return freeCount < freePlaces.length;
  }

  int takePlace() {
    return freePlaces[--freeCount];
  }

  void givePlace(int place) {
    freePlaces[freeCount++] = place;
  }

  // Any thread.

  /** What has become of a batch that was to be sent. */
  enum Sent {
    /** It is on its way, and has its place until it is answered. */
    YES,
    /** The process has ended or is going to. */
    OVER,
    /** None of its items can travel: each has failed, and nothing was sent. */
    FAILED,
    /** The process has not read what it was sent before; nothing was sent. */
    FULL
  }

  /**
   * Sends a batch.
   *
   * @param wishes what the process is to do beside executing it, of those of a {@link Shipment}
   * @throws NoRoomException if there is no room for it now
   * @throws CorruptMemoryException if the process has written nonsense
   */
  Sent send(Execution execution, int place, int wishes, Region inputs, LargeMemories largeInputs) {
    Shipment shipment;
    synchronized (this) {
      if (isOver) {
        return Sent.OVER;
      }
      if (outbox.hasRest()) {
        return Sent.FULL;
      }
      shipment =
          new Shipment(
              execution,
              ++lastNumber,
              place,
              wishes,
              settings,
              inputs,
              largeInputs,
              this::ofWorker);
      if (shipment.itemBytes != null) {
        shipment.sentNanos = time.nanoTime();
      }
      Envelope envelope = shipment.pack(channel.request(place));
      if (envelope != null) {
        send(shipment, envelope, inputs);
        return Sent.YES;
      }
    }
    execution.complete(shipment.unpacked()); // runs code of callers
    return Sent.FAILED;
  }

  /** With the monitor. What fails here was not sent. */
  private void send(Shipment shipment, Envelope envelope, Region inputs) {
    boolean isSent = false;
    try {
      inFlight.set(shipment.place, shipment);
      outbox.tellFreed();
      outbox.map(inputs);
      shipment.regions().forEach(outbox::map);
      outbox.order(envelope);
      isSent = true;
    } finally {
      if (!isSent) {
        outbox.forgetRest();
        inFlight.set(shipment.place, null);
        shipment.release();
      }
    }
    link().doorbell.ring();
  }

  /** Returns whether something was sent and nothing is left. */
  private synchronized boolean sendRest() {
    if (!outbox.sendRest()) {
      return false;
    }
    link().doorbell.ring();
    return !outbox.hasRest();
  }

  private boolean canSendRest() {
    if (!outbox.hasRest()) {
      return false;
    }
    synchronized (this) {
      return outbox.canSend();
    }
  }

  /** Tells the process to end when it has done what it has. */
  synchronized void close() {
    if (isOver) {
      return;
    }
    isOver = true; // it reads nothing that is behind this
    if (outbox.close()) {
      link().doorbell.ring();
    } else {
      kill("it reads nothing that it is told");
    }
    setCloseTimeout();
  }

  /** If it was told to end, and has no batch anymore. */
  private synchronized void setCloseTimeout() {
    if (isOver && closeTimeout == null && !isBusy()) {
      closeTimeout = time.schedule(settings.closeNanos, this::killIfNotEnded);
    }
  }

  /** The thread of the worker may not have seen the end yet, held up by a caller's callback. */
  private void killIfNotEnded() {
    if (link().process.isAlive()) {
      kill(NOT_ENDED);
    }
  }

  void kill(String because) {
    kill(Reason.OTHER, because);
  }

  private void kill(Reason reason, String because) {
    kill(link().process, reason, because);
  }

  private void kill(Process process, Reason reason, String because) {
    killing = new Death.Killing(reason, because);
    kill(process);
  }

  /** {@link Process#destroyForcibly} would also close its output, before all of it is read. */
  private static void kill(Process process) {
    var _ = process.toHandle().destroyForcibly();
  }

  /** Kills it because it has written nonsense. */
  void kill(CorruptMemoryException nonsense) {
    isCorrupt = true;
    kill(Reason.CORRUPT, "it has written what cannot be: " + nonsense.getMessage());
  }

  boolean isBusy() {
    return !inFlight().isEmpty();
  }

  /** A block of the worker is free. No lock may be taken here that is held for long. */
  private void freed(Handle block) {
    outbox.freed(block);
    if (needsRoom) {
      wake();
    }
  }

  /** Wakes the thread of the worker. */
  private void wake() {
    isWoken = true; // it may be about to wait
    synchronized (waking) {
      if (!isDiscarded) {
        link().doorbell.wake();
      }
    }
  }

  private void ended() {
    hasEnded = true;
    wake();
  }

  /** Also when it was discarded: the channel must not be looked into. */
  WorkerStatus status(int restarts) {
    ProcessHandle handle = link().process.toHandle();
    return new WorkerStatus(
        name,
        handle.pid(),
        isBusy() ? WorkerStatus.State.BUSY : WorkerStatus.State.IDLE,
        restarts,
        Proc.residentBytes(handle.pid()),
        handle.info().totalCpuDuration().orElse(Duration.ZERO));
  }

  long pid() {
    return link().process.pid();
  }

  // The thread of the worker.

  /** Receives answers until there are no more. */
  void serve(Pool pool) {
    Doorbell doorbell = link().doorbell;
    try {
      while (!hasEnded && !isDiscarded) {
        var _ = Thread.interrupted(); // of a caller's callback
        boolean isAlone = pool.isAlone(this);
        long maxNanos = isAlone ? Consolidation.PATIENCE_NANOS : Long.MAX_VALUE;
        if (!belt.await(doorbell, this::isReady, maxNanos)) {
          lookAround();
          if (isAlone) {
            pool.useAll(); // this and the next may discard the process
          }
          pool.lookAgain();
        }
        receive(pool);
      }
      receive(pool);
    } catch (CorruptMemoryException nonsense) {
      kill(nonsense);
      Proc.awaitExit(link().process);
    } catch (RuntimeException | Error failure) {
      kill("its answers cannot be received: " + failure);
      Proc.awaitExit(link().process);
    }
  }

  private boolean isReady() {
    return isWoken || !responses.isEmpty() || canSendRest();
  }

  private void receive(Pool pool) {
    if (isWoken) {
      isWoken = false;
    }
    MemorySegment slot;
    while (!isDiscarded && (slot = responses.poll()) != null) {
      var _ = Thread.interrupted(); // of the callback of a caller before
      Envelope envelope = Envelope.read(slot);
      switch (envelope.kind()) {
        case ANSWER, FAILURE -> answered(envelope, pool);
        case NEEDS_ROOM -> {
          responses.release();
          needsRoom = true;
          if (knowsAllFreed(envelope.number())) { // else it finds some when it is told
            pool.needsRoom(results);
          }
        }
        case NEEDS_MEMORY -> {
          responses.release();
          largeResults.want(envelope.length(), pool.looks());
        }
        default -> throw new CorruptMemoryException("it has sent " + envelope);
      }
    }
    if (outbox.hasRest() && !isDiscarded && sendRest()) {
      pool.dispatch();
    }
    if (largeResults.isWanted() && !isDiscarded) {
      answerWish(pool);
    }
    if (outbox.hasFreed() && !isDiscarded) {
      synchronized (this) {
        outbox.tellFreed();
      }
      if (needsRoom) {
        link().doorbell.ring();
      }
    }
  }

  private synchronized boolean knowsAllFreed(long heardCount) {
    return !outbox.hasFreed() && outbox.toldCount() == heardCount;
  }

  private void answerWish(Pool pool) {
    Envelope answer = largeResults.answer(pool.looks());
    if (answer == null) {
      pool.needsMemory(largeResults.isViewed());
    } else if (tell(answer)) {
      link().doorbell.ring();
    } else {
      kill("it reads nothing that it is told");
    }
  }

  private synchronized boolean tell(Envelope answer) {
    return outbox.tell(answer);
  }

  private @Nullable Region ofWorker(int memory) {
    return memory == results.number ? results : largeResults.at(memory);
  }

  private Block named(Handle block) {
    Region region = ofWorker(block.memory());
    if (region == null) {
      throw new CorruptMemoryException(block + " is in no memory of it");
    }
    return region.named(block);
  }

  private void answered(Envelope envelope, Pool pool) {
    int place = envelope.place();
    Shipment shipment = place < 0 || place >= inFlight.length() ? null : inFlight.get(place);
    if (shipment == null || shipment.number != envelope.number()) {
      throw new CorruptMemoryException("it has answered batch " + envelope.number());
    }
    needsRoom = false;
    hasWorked = true;
    loopWatch.begin();
    Block block = envelope.hasBlock() ? named(envelope.block()) : null;
    try {
      MemorySegment message = message(envelope, block);
      List<?> answers = null;
      Throwable failure = null;
      try {
        if (envelope.kind() == Envelope.Kind.ANSWER) {
          answers = shipment.unpack(message);
        } else {
          failure = shipment.unpackFailure(message);
        }
      } catch (CorruptMemoryException nonsense) {
        throw nonsense;
      } catch (RuntimeException | Error ofCodec) {
        failure = ofCodec;
      }
      responses.release();
      try {
        settle(shipment, pool);
      } finally { // an answer that was read counts, whatever else the process has written
        if (failure == null) {
          shipment.execution.complete(answers);
        } else {
          shipment.execution.completeExceptionally(failure);
        }
      }
    } finally {
      if (block != null) {
        block.release();
      }
      largeResults.retire();
    }
  }

  /** What an answer says: in the envelope itself, at its place, or in a block. */
  private MemorySegment message(Envelope envelope, @Nullable Block block) {
    MemorySegment whole = envelope.message();
    if (whole == null) {
      whole = block == null ? channel.response(envelope.place()) : block.segment();
    }
    if (envelope.length() < 0 || envelope.length() > whole.byteSize()) {
      throw new CorruptMemoryException("a message of " + envelope.length() + " bytes");
    }
    return whole.asSlice(0, envelope.length());
  }

  /** A batch has its answer, of which its caller has not been told. */
  private void settle(Shipment shipment, Pool pool) {
    shipment.release();
    inFlight.set(shipment.place, null); // until then the pool waits for the room
    if (isOver) {
      setCloseTimeout();
    }
    if (seenRemovals != Memories.ALL.removals()) {
      unmap();
    }
    if (shipment.itemBytes != null) {
      pool.transferred(name, shipment.transferNanos(time.nanoTime()), shipment.itemBytes);
    }
    boolean isStillBusy = pool.answered(this, shipment.place);
    if (window.isElastic()) {
      pool.wants(window.answered(time::nanoTime, isStillBusy));
    }
  }

  private void lookAround() {
    long nowNanos = time.nanoTime();
    Shipment begun = begunShipment();
    if (begun != null) {
      if (begun.begunNanos == 0) {
        begun.begunNanos = nowNanos;
      } else if (settings.batchNanos != 0 && nowNanos - begun.begunNanos > settings.batchNanos) {
        kill(
            Reason.BATCH_TIMEOUT,
            "a batch took longer than " + Duration.ofNanos(settings.batchNanos));
      }
    }
    if (heartbeat.isOverdue(channel.beatCount(), nowNanos)) {
      kill(Reason.HEARTBEAT, Heartbeat.silence(settings.heartbeatNanos));
    }
    if (isBusy()) {
      link().doorbell.ring(); // in case a thread whose stack ended has sent something and not rung
    }
    unmap();
  }

  private @Nullable Shipment begunShipment() {
    long begun = channel.begun();
    for (int place = 0; begun != 0 && place < inFlight.length(); place++) {
      Shipment shipment = inFlight.get(place);
      if (shipment != null && shipment.number == begun) {
        return shipment;
      }
    }
    return null;
  }

  private synchronized void unmap() {
    seenRemovals = Memories.ALL.removals();
    if (outbox.unmap()) {
      link().doorbell.ring();
    }
  }

  /** The batches that the process has not answered, those that came first first. */
  List<Shipment> leftOver() {
    synchronized (this) {
      isOver = true;
    }
    hasWorked |= channel.begun() != 0;
    left = inFlight();
    left.forEach(shipment -> inFlight.set(shipment.place, null));
    return left;
  }

  /** Those that came first first. */
  private List<Shipment> inFlight() {
    List<Shipment> found = new ArrayList<>();
    for (int place = 0; place < inFlight.length(); place++) {
      Shipment shipment = inFlight.get(place);
      if (shipment != null) {
        found.add(shipment);
      }
    }
    found.sort(Comparator.comparingLong(shipment -> shipment.number));
    return found;
  }

  /**
   * Whether it may have executed a batch that it has not answered. One that has written nonsense is
   * not believed that it has not.
   */
  boolean mayHaveBegun(Shipment shipment) {
    return isCorrupt || shipment.number == channel.begun();
  }

  int windowSize() {
    return window.size();
  }

  /** Whether it has begun a batch at least. */
  boolean hasWorked() {
    return hasWorked;
  }

  /** Waits until it has ended, so that what it had in memory can be used again, and says how. */
  Death death() {
    Link link = link();
    kill(link.process); // it has ended, or is about to
    Proc.awaitExit(link.process);
    link.hearing.awaitLast(); // what it has logged is in the log before anybody learns of its end
    left.forEach(Shipment::release);
    return Death.of(name, link.process, killing, link.output, settings.folder);
  }

  /** Waits for the end of the process, and kills it if it takes too long. */
  void awaitEnd() throws InterruptedException {
    Process process = link().process;
    if (!process.waitFor(settings.closeNanos, TimeUnit.NANOSECONDS)) {
      kill(NOT_ENDED);
    }
  }

  /** Whether it has ended, by itself and without an error. */
  boolean hasEndedWell() {
    return killing == null && link().process.exitValue() == 0;
  }

  boolean isDiscarded() {
    return isDiscarded;
  }

  /**
   * Releases everything, also what the process has not answered; it has ended, or is killed. On the
   * thread of the worker.
   */
  void discard() {
    synchronized (this) {
      isOver = true;
      if (closeTimeout != null) {
        closeTimeout.cancel();
      }
    }
    synchronized (waking) {
      isDiscarded = true;
    }
    Link link = this.link;
    if (link != null) {
      kill(link.process);
      Proc.awaitExit(link.process);
      link.hearing.awaitLast();
      link.doorbell.close();
    }
    left.forEach(Shipment::release);
    left = List.of(); // its items may be views of the results, whose memory keeps this
    for (Shipment shipment : inFlight()) {
      shipment.release();
      inFlight.set(shipment.place, null);
    }
    loopWatch.end();
    memory.close();
    results.retire();
    largeResults.retire();
  }
}
