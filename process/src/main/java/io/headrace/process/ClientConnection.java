package io.headrace.process;

import static java.util.Objects.requireNonNullElse;

import io.headrace.HeadraceException;
import io.headrace.RejectedException;
import io.headrace.StoppedException;
import io.headrace.TimeSource;
import io.headrace.WorkerDiedException;
import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.SharedMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A connection of a {@link FlowClient}, from before it is made to its end. */
final class ClientConnection {
  /*
   * Calls may enter before the connection is made; what they send waits in the queue of the wire.
   * One thread connects, and receives answers then; another writes.
   *
   * A call is in the map from its entry to its answer. Whoever takes it out owns what follows: the
   * receiver completes it; a caller who needs no answer anymore tells the server; the end fails it.
   * After the end nothing enters.
   *
   * With as many calls as the server takes before it answers one, further ones wait here: it reads
   * nothing then, and would not learn what is cancelled, nor what is given back.
   *
   * Values of a call that are in shared memory are lent to the server until it gives them back, or
   * the connection ends. Those of an answer are copied before the call is completed; the server may
   * use their memory again when it is told, or has set the end in its probe, which is therefore
   * looked at after.
   */

  private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long MAX_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final FlowClient<?, ?> client;
  private final TimeSource time;
  private final Map<Long, ClientCall> calls = new ConcurrentHashMap<>();
  private final CountDownLatch ending = new CountDownLatch(1);
  private final List<Wire.Outgoing> early = new ArrayList<>();
  private final Lending lending = new Lending();

  /** Whether the server reaches the memory of this process; set before any call is written. */
  private volatile boolean isReached;

  /** How many bytes a frame may have that the server receives; set before any call is written. */
  private volatile int mostBytes;

  // Of the thread that receives.
  private final Map<Long, Supplier<SharedMemory>> announced = new HashMap<>();
  private final Map<Long, SharedMemory> mapped = new HashMap<>();
  private @Nullable Probe ofServer;

  // Guarded by this.
  private @Nullable Wire wire;
  private final Queue<ClientCall> waiting = new ArrayDeque<>();
  private int unanswered;
  private boolean isOpen;
  private boolean isOver;

  ClientConnection(FlowClient<?, ?> client) {
    this.client = client;
    time = client.time();
  }

  void start() {
    Thread.ofVirtual().name("headrace-client " + client.path()).start(this::run);
  }

  /** How many calls wait for an answer. */
  int calls() {
    return calls.size();
  }

  /** Takes a call; returns false if it is too late for that. */
  boolean enter(ClientCall call) {
    synchronized (this) {
      if (isOver) {
        return false;
      }
      calls.put(call.id, call);
      send(() -> takePlace(call) ? frame(call) : null);
    }
    call.watchDeadline();
    var _ = call.whenComplete((result, failure) -> left(call));
    return true;
  }

  private synchronized void send(Wire.Outgoing frame) {
    Wire wire = this.wire;
    if (wire != null && isOpen) {
      wire.send(frame);
    } else {
      early.add(frame);
    }
  }

  /** On the thread that writes; a call that gets no place waits for one. */
  private synchronized boolean takePlace(ClientCall call) {
    if (unanswered == Frame.MAX_UNANSWERED) {
      waiting.add(call);
      return false;
    }
    unanswered++;
    return true;
  }

  /** Gives the place of a call to the one that waits longest. */
  private synchronized void leavePlace() {
    ClientCall next = waiting.poll();
    if (next == null) {
      unanswered--;
    } else {
      send(() -> frame(next));
    }
  }

  /** On the thread that writes, for a call that has a place. */
  private @Nullable MemorySegment frame(ClientCall call) {
    MemorySegment frame = frameWithLoans(call);
    if (frame == null) {
      leavePlace();
    }
    return frame;
  }

  private @Nullable MemorySegment frameWithLoans(ClientCall call) {
    List<Block> blocks = call.takeBlocks();
    if (!isReached && blocks != null) {
      call.copyValues();
    }
    MemorySegment frame = call.frame(mostBytes);
    if (isReached && frame != null) {
      return lending.lend(call.id, blocks == null ? List.of() : blocks, frame);
    }
    if (blocks != null) {
      blocks.forEach(Block::release);
    }
    return frame;
  }

  /** A call is completed. If it was not answered, the server need not go on with it. */
  private void left(ClientCall call) {
    call.forgetItem();
    if (calls.remove(call.id) != null) {
      send(() -> call.isSent() ? cancel(call.id) : null);
    }
  }

  private MemorySegment cancel(long id) {
    ValueWriter out = begin(Frame.Kind.CANCEL);
    out.writeLong(id);
    return Frame.end(out);
  }

  private ValueWriter begin(Frame.Kind kind) {
    return Frame.begin(kind, client.types(), client.maxFrameBytes());
  }

  private void run() {
    Wire wire = null;
    try {
      wire = connect();
      open(wire);
      while (true) {
        receive(wire.receive(client.maxFrameBytes()));
      }
    } catch (HeadraceException reason) {
      end(reason, reason);
    } catch (IOException | RuntimeException | Error failure) {
      String text =
          "the connection to the flow server at "
              + client.path()
              + " has ended: "
              + requireNonNullElse(failure.getMessage(), failure.toString());
      end(
          new StoppedException(text),
          new WorkerDiedException(text + "; the call may have been executed"));
    } catch (InterruptedException e) {
      end(client.closed(), client.closed());
    } finally {
      if (wire != null) {
        wire.close();
      }
      mapped.values().forEach(SharedMemory::close);
      if (ofServer != null) {
        ofServer.close();
      }
    }
  }

  private Wire connect() throws InterruptedException {
    long beginNanos = time.nanoTime();
    long pauseNanos = FIRST_PAUSE_NANOS;
    while (true) {
      try {
        return tryToConnect(client.connectNanos() - (time.nanoTime() - beginNanos));
      } catch (IOException failure) {
        long leftNanos = client.connectNanos() - (time.nanoTime() - beginNanos);
        if (leftNanos <= 0) {
          throw new StoppedException(
              "there is no flow server at " + client.path() + ": " + reason(failure));
        }
        if (ending.await(Math.min(pauseNanos, leftNanos), TimeUnit.NANOSECONDS)) {
          throw client.closed();
        }
        pauseNanos = Math.min(2 * pauseNanos, MAX_PAUSE_NANOS);
      }
    }
  }

  /** What has closed the socket, at the end of the time or of all, gives no reason. */
  private String reason(IOException failure) {
    return requireNonNullElse(
        failure.getMessage(),
        "it has not answered within the connect timeout of "
            + Duration.ofNanos(client.connectNanos()));
  }

  /** Waits no longer for a server that does not answer; a full backlog is a failure at once. */
  private Wire tryToConnect(long leftNanos) throws IOException {
    SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(client.path()));
    Wire wire = new Wire(socket);
    AtomicBoolean isDecided =
        new AtomicBoolean(); // the alarm may be under way when it is cancelled
    TimeSource.Alarm alarm =
        time.schedule(
            Math.max(leftNanos, FIRST_PAUSE_NANOS), // the last try is one, too
            () -> {
              if (isDecided.compareAndSet(false, true)) {
                time.execute(wire::close);
              }
            });
    try {
      check(socket);
      hold(wire);
      greet(wire);
      if (!isDecided.compareAndSet(false, true)) {
        throw new ClosedChannelException();
      }
      return wire;
    } catch (Throwable failure) {
      wire.close();
      throw failure;
    } finally {
      alarm.cancel();
    }
  }

  private void check(SocketChannel socket) throws IOException {
    String objection = Peer.objection(socket);
    if (objection != null) {
      throw new RejectedException(
          "the server at " + client.path() + " is refused: " + objection, null);
    }
  }

  /** From now on an end closes it. */
  private synchronized void hold(Wire wire) {
    if (isOver) {
      throw client.closed();
    }
    this.wire = wire;
  }

  /** Says hello and waits for the answer. */
  private void greet(Wire wire) throws IOException {
    ValueWriter out = begin(Frame.Kind.HELLO);
    out.writeLong(Frame.MAGIC);
    out.writeInt(Frame.VERSION);
    List<String> names = client.types().names();
    out.writeInt(names.size());
    names.forEach(out::writeString);
    out.writeInt(client.maxFrameBytes());
    try (Probe probe = client.probe()) {
      probe.write(out);
      MemorySegment hello = Frame.end(out);
      wire.send(() -> hello);
      Thread.ofVirtual().name("headrace-calls " + client.path()).start(() -> write(wire));
      welcomed(wire, Frame.reader(wire.receive(Frame.MAX_HELLO_BYTES), client.types()));
    }
  }

  private void welcomed(Wire wire, ValueReader in) {
    Frame.Kind kind = Frame.readKind(in);
    if (kind != Frame.Kind.WELCOME) {
      throw refused(kind, in);
    }
    mostBytes = Frame.readMost(in);
    client.welcomed(mostBytes);
    isReached = in.readByte() != 0;
    ofServer = Probe.read(in);
    if (ofServer != null) {
      MemorySegment reached = Frame.end(begin(Frame.Kind.REACHED));
      wire.send(() -> reached);
    }
  }

  private RejectedException refused(Frame.Kind kind, ValueReader in) {
    String reason = kind == Frame.Kind.REFUSED ? in.readString() : "it has sent " + kind;
    return new RejectedException(
        "the flow server at " + client.path() + " refuses this client: " + reason, null);
  }

  private void write(Wire wire) {
    try {
      wire.write();
    } catch (IOException gone) {
      // who receives sees that, too, after the answers that are left
    } catch (RuntimeException | Error failure) {
      wire.close();
      throw failure;
    }
  }

  /** From now on calls are sent at once. */
  private synchronized void open(Wire wire) {
    early.forEach(wire::send);
    early.clear();
    isOpen = true;
  }

  private void receive(MemorySegment frame) throws IOException {
    ValueReader in = Frame.reader(frame, client.types());
    Frame.Kind kind = Frame.readKind(in);
    switch (kind) {
      case ANSWER -> {
        leavePlace();
        answer(in.readLong(), in.readByte() != 0, frame);
      }
      case FAILED -> {
        leavePlace();
        ClientCall call = calls.remove(in.readLong());
        if (call != null) {
          call.completeExceptionally(failure(in));
        }
      }
      case MAP -> map(in.readLong(), in.readLong(), in.readString());
      case UNMAP -> {
        long number = in.readLong();
        announced.remove(number);
        SharedMemory gone = mapped.remove(number);
        if (gone != null) {
          gone.close();
        }
      }
      case RETURNED -> lending.returned(in.readLong());
      case REFUSED -> throw new IOException(in.readString());
      default -> throw new CorruptMemoryException("the server has sent " + kind);
    }
  }

  private static Throwable failure(ValueReader in) {
    try {
      return Failures.read(in);
    } catch (RuntimeException | Error ofCodec) {
      return ofCodec;
    }
  }

  private void answer(long id, boolean isLent, MemorySegment frame) throws IOException {
    ClientCall call = calls.get(id);
    if (call != null) {
      Object result = null;
      Throwable failure = null;
      try {
        ValueReader in = new ValueReader(client.types(), new Copies(), frame);
        in.skip(Frame.LENT_IN_ANSWER_OFFSET + 1);
        result = in.read();
      } catch (RuntimeException | Error ofCodec) {
        failure = ofCodec;
      }
      if (isLent && (ofServer == null || ofServer.isEnded())) {
        throw new IOException("the server has closed it while an answer was read");
      }
      complete(call, result, failure);
    }
    if (isLent) {
      send(() -> returned(id));
    }
  }

  private void complete(ClientCall call, @Nullable Object result, @Nullable Throwable failure) {
    if (calls.remove(call.id) == null) {
      return; // somebody else has completed it
    }
    if (failure == null) {
      call.complete(result);
    } else {
      call.completeExceptionally(failure);
    }
  }

  private MemorySegment returned(long id) {
    ValueWriter out = begin(Frame.Kind.RETURNED);
    out.writeLong(id);
    return Frame.end(out);
  }

  private void map(long number, long sizeBytes, String path) {
    if (announced.put(number, () -> SharedMemory.open(path, sizeBytes)) != null) {
      throw new CorruptMemoryException("the server has announced memory " + number + " twice");
    }
  }

  /** Mapped for the first result that is there; if that fails the next one tries again. */
  private SharedMemory memory(long number) {
    SharedMemory memory = mapped.get(number);
    if (memory == null) {
      Supplier<SharedMemory> opening = announced.get(number);
      if (opening == null) {
        throw new CorruptMemoryException("there is no memory " + number);
      }
      memory = Borrowed.open(opening, "the client");
      mapped.put(number, memory);
    }
    return memory;
  }

  /** Reads results in shared memory: copies them, for the server is to have them back. */
  private final class Copies extends HeapSpace {
    Copies() {
      super(0);
    }

    @Override
    public MemorySegment at(ValueWriter.Place place, ValueReader.Use use) {
      SharedMemory memory = memory(place.block().memory());
      MemorySegment block = place.block().in(memory.segment());
      if (place.offset() < 0
          || place.length() < 0
          || place.length() > block.byteSize() - place.offset()) {
        throw new CorruptMemoryException(place + " is not within its block");
      }
      MemorySegment bytes = block.asSlice(place.offset(), place.length());
      if (use == ValueReader.Use.COPIED) {
        return bytes;
      }
      if (use == ValueReader.Use.KEPT && place.length() <= Region.MAX_COPY_BYTES) {
        return Shipment.onHeap(bytes);
      }
      return Arena.ofAuto().allocate(place.length(), Tag.ALIGNMENT).copyFrom(bytes);
    }
  }

  /** Fails what waits for an answer; nothing enters anymore. */
  void end(HeadraceException reasonOfUnsent, HeadraceException reasonOfSent) {
    Wire wire;
    synchronized (this) {
      isOver = true;
      wire = this.wire;
    }
    ending.countDown();
    lending.close();
    client.ended(this);
    List<ClientCall> failed = new ArrayList<>(); // before others see that the wire is closed
    for (Long id : List.copyOf(calls.keySet())) {
      ClientCall call = calls.remove(id);
      if (call != null) {
        failed.add(call);
      }
    }
    if (wire != null) {
      wire.close();
    }
    for (ClientCall call : failed) {
      call.completeExceptionally(call.isSent() ? reasonOfSent : reasonOfUnsent);
    }
  }
}
