package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.TimeSource;
import io.headrace.WorkerStatus;
import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Doorbell;
import io.headrace.shm.Handle;
import io.headrace.shm.Mechanism;
import io.headrace.shm.RingConsumer;
import io.headrace.shm.RingProducer;
import io.headrace.shm.SharedMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/** One process of a worker, from its start to its end, as its parent sees it. */
final class WorkerProcess {
  /*
   * Any thread sends (send), under the monitor of this, which guards the ends of the rings to the process. The
   * thread of the worker, which has started the process, receives its answers (serve). The pool says which place
   * a batch takes, and gets it back when the batch is answered.
   *
   * The parent believes only what it has written itself. What comes from the process is checked, and at the first
   * nonsense the process is killed: what it had in hand is then treated as after any other death.
   */

  /** What else there is to look at is looked at so often at least, even if nobody rings. */
  private static final long BELT_NANOS = 250_000_000;

  private static final long MIN_BELT_NANOS = 1_000_000;

  /** What there is once the process was started. */
  private record Link(Process process, Output output, Doorbell doorbell, Hearing hearing) {}

  private final String name;
  private final Settings settings;
  private final TimeSource time = TimeSource.system();
  private final SharedMemory memory;
  private final Channel channel;
  private final Region results;
  private final RingProducer requests;
  private final RingProducer releases;
  private final RingConsumer responses;
  private @Nullable Link link;

  /** What the process has, by places. */
  private final AtomicReferenceArray<@Nullable Shipment> inFlight;

  /** Blocks of the worker that are free, and of which it has not been told. */
  private final Queue<Handle> freed = new ConcurrentLinkedQueue<>();

  // Guarded by this.
  private final Set<Integer> mapped = new HashSet<>();
  private long lastNumber;
  private boolean isOver;

  // Of the thread of the worker.
  private long seenBeats;
  private long seenBeatNanos;
  private boolean hasWorked;
  private volatile boolean isDiscarded;

  private volatile boolean hasExited;
  private volatile boolean needsRoom;
  private volatile @Nullable String killedBecause;

  /** The places without a batch; of the pool, under its lock. */
  private final int[] freePlaces;

  private int freeCount;

  private WorkerProcess(String name, Settings settings, int places) {
    this.name = name;
    this.settings = settings;
    freePlaces = new int[places];
    inFlight = new AtomicReferenceArray<>(places);
    for (int place = 0; place < places; place++) {
      givePlace(place);
    }
    memory = SharedMemory.create(Channel.sizeBytes(places), settings.mechanism());
    channel = Channel.create(memory.segment(), places, settings.heartbeatNanos() != 0);
    requests = Channel.newProducer(channel.requests());
    releases = Channel.newProducer(channel.releases());
    responses = Channel.newConsumer(channel.responses());
    results = Memories.ALL.foreign(settings.resultBytes(), settings.mechanism(), this::freed);
  }

  /**
   * Starts a process and waits until its handler is ready.
   *
   * @throws Exception what the handler has thrown when it was made or started; or an IOException
   *     that says how the process has ended before
   */
  static WorkerProcess start(String name, Settings settings, int places, byte[] factory)
      throws Exception {
    WorkerProcess worker = new WorkerProcess(name, settings, places);
    try (Launch launch = new Launch(settings)) {
      worker.launch(launch, factory);
      return worker;
    } catch (Throwable failure) {
      worker.discard();
      throw failure;
    }
  }

  private void launch(Launch launch, byte[] factory) throws Exception {
    Process process =
        launch.start(
            new Orders(
                name,
                settings.mechanism(),
                launch.socket(),
                memory.path(),
                channel.places(),
                new Orders.Mapped(results.number, settings.resultBytes(), results.memory.path()),
                settings.types().names(),
                settings.shareBytes(),
                factory));
    Output output = new Output(process.getInputStream(), name, line -> Hearing.printed(name, line));
    try {
      connect(launch, process, output).awaitReady();
    } catch (Hearing.EndedException ended) {
      throw endedBefore(process, output, ended);
    } catch (Throwable failure) {
      process.destroyForcibly();
      throw failure;
    }
    seenBeatNanos = time.nanoTime();
  }

  private Hearing connect(Launch launch, Process process, Output output)
      throws Hearing.EndedException {
    try {
      Hearing hearing = new Hearing(launch.accept(), name);
      link = new Link(process, output, doorbell(launch), hearing);
      var _ = process.onExit().thenRun(this::exited);
      return hearing;
    } catch (IOException ended) {
      throw new Hearing.EndedException(ended);
    }
  }

  private IOException endedBefore(Process process, Output output, IOException ended)
      throws InterruptedException {
    if (!process.waitFor(settings.closeNanos(), TimeUnit.NANOSECONDS)) {
      process.destroyForcibly();
      return ended;
    }
    String death = Death.of(name, process, killedBecause, output, settings.folder());
    return new IOException("before it was ready " + death, ended);
  }

  private Doorbell doorbell(Launch launch) throws IOException {
    if (settings.mechanism() == Mechanism.LINUX) {
      return Doorbell.futex(channel.parentBell(), channel.workerBell());
    }
    SocketChannel socket = launch.accept();
    return Doorbell.socket(socket, channel.parentBell(), channel.workerBell());
  }

  private Link link() {
    return requireNonNull(link, "the process has not been started");
  }

  // The pool, under its lock.

  int freeCount() {
    return freeCount;
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
    FAILED
  }

  /**
   * Sends a batch.
   *
   * @throws NoRoomException if there is no room for it now
   * @throws CorruptMemoryException if the process has written nonsense
   */
  synchronized Sent send(Execution execution, int place, Region inputs) {
    if (isOver) {
      return Sent.OVER;
    }
    var shipment = new Shipment(execution, ++lastNumber, place, settings, inputs, results);
    Envelope envelope = shipment.pack(channel.request(place));
    if (envelope == null) {
      execution.complete(shipment.unpacked());
      return Sent.FAILED;
    }
    try {
      map(inputs);
      shipment.regions().forEach(this::map);
      inFlight.set(place, shipment);
      put(envelope);
    } catch (NoRoomException | CorruptMemoryException notSent) {
      inFlight.set(place, null);
      shipment.release();
      throw notSent;
    }
    tellFreed();
    link().doorbell.ring();
    return Sent.YES;
  }

  private void map(Region region) {
    if (!mapped.contains(region.number)) {
      put(Envelope.map(region.number, region.memory.sizeBytes(), region.memory.path()));
      mapped.add(region.number);
    }
  }

  private void put(Envelope envelope) {
    if (!offer(envelope)) {
      throw new NoRoomException();
    }
  }

  /** Returns false if the ring is full. */
  private boolean offer(Envelope envelope) {
    MemorySegment slot = requests.claim();
    if (slot == null) {
      return false;
    }
    envelope.write(slot);
    requests.publish();
    return true;
  }

  /** Tells the process to end when it has done what it has. */
  synchronized void close() {
    if (isOver) {
      return;
    }
    if (offer(Envelope.of(Envelope.Kind.CLOSE))) {
      link().doorbell.ring();
    } else {
      kill("it reads nothing that it is told");
    }
  }

  void kill(String reason) {
    killedBecause = reason;
    var _ = link().process.destroyForcibly();
  }

  boolean isBusy() {
    return !inFlight().isEmpty();
  }

  /** A block of the worker is free. No lock may be taken here. */
  private void freed(Handle block) {
    freed.add(block);
    Link link = this.link;
    if (needsRoom && link != null) {
      link.doorbell.wake();
    }
  }

  /** With the monitor. What finds no room in the ring follows later. */
  private void tellFreed() {
    MemorySegment slot;
    while (!freed.isEmpty() && (slot = releases.claim()) != null) {
      Envelope.release(requireNonNull(freed.poll())).write(slot);
      releases.publish();
    }
  }

  private void exited() {
    hasExited = true;
    link().doorbell.wake();
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
        handle.info().totalCpuDuration().orElse(java.time.Duration.ZERO));
  }

  long pid() {
    return link().process.pid();
  }

  // The thread of the worker.

  /** Receives answers until the process has ended. */
  void serve(Pool pool) {
    Doorbell doorbell = link().doorbell;
    long beltNanos =
        beltNanos(settings.batchNanos(), beltNanos(settings.heartbeatNanos(), BELT_NANOS));
    try {
      while (!hasExited && !isDiscarded) {
        if (!doorbell.await(() -> hasExited || !responses.isEmpty(), beltNanos)) {
          lookAround();
        }
        receive(pool);
      }
      receive(pool);
    } catch (CorruptMemoryException nonsense) {
      kill("it has written what cannot be: " + nonsense.getMessage());
      link().process.onExit().join();
    }
  }

  /** How often to look for what may take some time; that is 0 if it may take any. */
  private static long beltNanos(long limitNanos, long otherwiseNanos) {
    return limitNanos == 0
        ? otherwiseNanos
        : Math.min(otherwiseNanos, Math.max(MIN_BELT_NANOS, limitNanos / 4));
  }

  private void receive(Pool pool) {
    MemorySegment slot;
    while (!isDiscarded && (slot = responses.poll()) != null) {
      Envelope envelope = Envelope.read(slot);
      responses.release();
      switch (envelope.kind()) {
        case ANSWER, FAILURE -> answered(envelope, pool);
        case NEEDS_ROOM -> {
          needsRoom = true;
          pool.needsRoom();
        }
        default -> throw new CorruptMemoryException("it has sent " + envelope);
      }
    }
    if (!freed.isEmpty() && !isDiscarded) {
      synchronized (this) {
        tellFreed();
      }
      if (needsRoom) {
        link().doorbell.ring();
      }
    }
  }

  private void answered(Envelope envelope, Pool pool) {
    int place = envelope.place();
    Shipment shipment = place < 0 || place >= inFlight.length() ? null : inFlight.get(place);
    if (shipment == null || shipment.number != envelope.number()) {
      throw new CorruptMemoryException("it has answered batch " + envelope.number());
    }
    needsRoom = false;
    hasWorked = true;
    Block block =
        envelope.block().equals(Envelope.NO_BLOCK) ? null : results.named(envelope.block());
    try {
      MemorySegment whole = block == null ? channel.response(place) : block.segment();
      if (envelope.length() < 0 || envelope.length() > whole.byteSize()) {
        throw new CorruptMemoryException("a message of " + envelope.length() + " bytes");
      }
      MemorySegment message = whole.asSlice(0, envelope.length());
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
      } catch (RuntimeException ofCodec) {
        failure = ofCodec;
      }
      inFlight.set(place, null);
      shipment.release();
      pool.answered(this, place);
      if (failure == null) {
        shipment.execution.complete(answers);
      } else {
        shipment.execution.completeExceptionally(failure);
      }
    } finally {
      if (block != null) {
        block.release();
      }
    }
  }

  private void lookAround() {
    long nowNanos = time.nanoTime();
    Shipment begun = begunShipment();
    if (begun != null) {
      if (begun.begunNanos == 0) {
        begun.begunNanos = nowNanos;
      } else if (settings.batchNanos() != 0
          && nowNanos - begun.begunNanos > settings.batchNanos()) {
        kill("a batch took longer than " + java.time.Duration.ofNanos(settings.batchNanos()));
      }
    }
    long beats = channel.beatCount();
    if (beats != seenBeats) {
      seenBeats = beats;
      seenBeatNanos = nowNanos;
    } else if (settings.heartbeatNanos() != 0
        && nowNanos - seenBeatNanos > settings.heartbeatNanos()) {
      kill("it gave no sign of life for " + java.time.Duration.ofNanos(settings.heartbeatNanos()));
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

  /** What finds no room in the ring follows later. */
  private synchronized void unmap() {
    for (Integer number : List.copyOf(mapped)) {
      if (!Memories.ALL.has(number) && offer(Envelope.unmap(number))) {
        mapped.remove(number);
      }
    }
  }

  /** The batches that the process has not answered, those that came first first. */
  List<Shipment> leftOver() {
    synchronized (this) {
      isOver = true;
    }
    hasWorked |= channel.begun() != 0;
    List<Shipment> left = inFlight();
    for (Shipment shipment : left) {
      inFlight.set(shipment.place, null);
      shipment.release();
    }
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

  /** The number of the batch that it executes or was executing when it ended; 0 if none. */
  long begun() {
    return channel.begun();
  }

  /** Whether it has begun a batch at least. */
  boolean hasWorked() {
    return hasWorked;
  }

  /** How it has ended. */
  String death() {
    Link link = link();
    return Death.of(name, link.process, killedBecause, link.output, settings.folder());
  }

  /** Waits for the end of the process, and kills it if it takes too long. */
  void awaitEnd() throws InterruptedException {
    Process process = link().process;
    if (!process.waitFor(settings.closeNanos(), TimeUnit.NANOSECONDS)) {
      kill("it did not end when it was told to");
    }
  }

  boolean isDiscarded() {
    return isDiscarded;
  }

  /** Releases everything; the process has ended, or is killed. */
  void discard() {
    synchronized (this) {
      isOver = true;
    }
    isDiscarded = true;
    Link link = this.link;
    if (link != null) {
      link.process.destroyForcibly().onExit().join();
      link.hearing.close();
      link.doorbell.close();
    }
    memory.close();
    results.retire();
  }
}
