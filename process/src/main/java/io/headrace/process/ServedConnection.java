package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.CallOptions;
import io.headrace.StoppedException;
import io.headrace.TimeSource;
import io.headrace.shm.CorruptMemoryException;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A client of a {@link FlowServer}, as the server sees it. */
final class ServedConnection {
  /*
   * One thread receives calls and submits them. Whichever thread completes one queues its answer,
   * which a third one encodes and writes. A client that does not read its answers is not read
   * either, once so many calls are unanswered; what it wrote waits in its own memory. That it has
   * ended shows only when something is written to it then.
   *
   * What a call was lent is given back when its answer is encoded, and no worker has the call
   * anymore. What an answer lends is read by the client before it completes the call. If the
   * connection ends meanwhile the client is told by the probe, before the memory is used again, not
   * to believe what it reads. The connection is ended if nothing comes back for long, for others
   * wait for that memory.
   */

  private static final long PROBE_SECONDS = 1;
  private static final long MAX_LOAN_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** How long a client may take to say hello, and to read what is left when it is refused. */
  private static final long MAX_SILENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final FlowServer server;
  private final SocketChannel socket;
  private final Wire wire;
  private final Semaphore places = new Semaphore(Frame.MAX_UNANSWERED);
  private final Map<Long, Served> calls = new ConcurrentHashMap<>();
  private final Borrowed borrowed = new Borrowed(this::giveBack);
  private final Lending lending = new Lending();
  private final Probe probe;
  private final AtomicBoolean isProbed = new AtomicBoolean();
  private volatile boolean isEnded;

  /** As long as something is lent; guarded by this. */
  private TimeSource.@Nullable Alarm alarm;

  /** How many bytes a frame may have that the client receives, and that is sent by this. */
  private volatile int mostBytes;

  /** Whether the client reaches the memory of this process. */
  private volatile boolean isReached;

  /** A call, and what it was lent. */
  private record Served(CompletableFuture<?> future, Borrowed.@Nullable Call lent) {
    void endLoan() {
      if (lent != null) {
        lent.end();
      }
    }
  }

  ServedConnection(FlowServer server, SocketChannel socket) {
    this.server = server;
    this.socket = socket;
    wire = new Wire(socket); // before what has to be closed: there may be no memory for it
    mostBytes = server.maxFrameBytes();
    probe = Probe.create();
  }

  /** Serves the client until it ends. */
  void run() {
    Thread writer = Thread.ofVirtual().name("headrace-answers").start(this::write);
    TimeSource.Alarm greeting = closeLater("it has not said hello");
    try {
      String objection = Peer.objection(socket);
      if (objection != null) {
        throw new IOException(objection);
      }
      greet(greeting);
      while (true) {
        receive(wire.receive(server.maxFrameBytes()));
      }
    } catch (EOFException ended) {
      wire.close();
    } catch (CorruptMemoryException nonsense) {
      refuse(new IOException(nonsense.getMessage(), nonsense));
    } catch (IOException failure) {
      refuse(failure);
    } catch (InterruptedException e) {
      wire.close();
    } catch (RuntimeException | Error failure) { // such as no memory for a frame
      refuse(new IOException("the server has failed: " + failure, failure));
    } finally {
      greeting.cancel();
      calls.values().forEach(call -> call.future.cancel(true));
      awaitEnd(writer);
      wire.close();
      endLoans();
      isEnded = true;
      changed();
      server.ended(this);
    }
  }

  /** The client is disconnected unless the alarm is cancelled. */
  private TimeSource.Alarm closeLater(String because) {
    return server
        .time()
        .schedule(MAX_SILENCE_NANOS, () -> server.time().execute(() -> close(because)));
  }

  private void close(String because) {
    server.refused(new IOException(because + " within " + Duration.ofNanos(MAX_SILENCE_NANOS)));
    wire.close();
  }

  /** A client that is to be told why it is refused need not read that, nor what is before it. */
  private void awaitEnd(Thread writer) {
    TimeSource.Alarm reading = closeLater("it has not read what it was sent");
    try {
      writer.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      reading.cancel();
    }
  }

  /** Nothing is written anymore. A service may keep futures of calls, and with them this. */
  private void endLoans() {
    calls.values().forEach(Served::endLoan);
    calls.clear();
    borrowed.close();
    probe.end();
    lending.close();
    endWatch();
    probe.close();
  }

  /** Says why, and writes no more; the connection is closed after that. */
  private void refuse(IOException reason) {
    try {
      if (socket.isOpen()) {
        server.refused(reason);
        ValueWriter out = begin(Frame.Kind.REFUSED);
        out.writeString(String.valueOf(reason.getMessage()));
        MemorySegment frame = Frame.end(out);
        wire.send(() -> frame);
      }
    } finally {
      wire.sendEnd();
    }
  }

  private void greet(TimeSource.Alarm greeting) throws IOException {
    ValueReader in = Frame.reader(wire.receive(Frame.MAX_HELLO_BYTES), server.types());
    if (Frame.readKind(in) != Frame.Kind.HELLO || in.readLong() != Frame.MAGIC) {
      throw new IOException("it is no client of a flow server");
    }
    int version = in.readInt();
    if (version != Frame.VERSION) {
      throw new IOException(
          "the client speaks version " + version + ", the server " + Frame.VERSION);
    }
    List<String> names = new ArrayList<>();
    for (int left = in.readCount(); left > 0; left--) {
      names.add(in.readString());
    }
    if (!names.equals(server.types().names())) {
      throw new IOException(
          "the server has registered the classes "
              + server.types().names()
              + ", the client "
              + names
              + ": register the same on both sides, in the same order");
    }
    mostBytes = Math.min(mostBytes, Frame.readMost(in));
    greeting.cancel();
    wire.send(welcome(in));
  }

  private Wire.Outgoing welcome(ValueReader hello) {
    ValueWriter out = begin(Frame.Kind.WELCOME);
    out.writeInt(server.maxFrameBytes());
    try (Probe reached = Probe.read(hello)) {
      out.writeByte((byte) (reached == null ? 0 : 1));
    }
    probe.write(out);
    MemorySegment welcome = Frame.end(out);
    return () -> welcome;
  }

  private ValueWriter begin(Frame.Kind kind) {
    return Frame.begin(kind, server.types(), mostBytes);
  }

  private void receive(MemorySegment frame) throws InterruptedException, IOException {
    ValueReader in = Frame.reader(frame, server.types());
    Frame.Kind kind = Frame.readKind(in);
    if (kind == Frame.Kind.REACHED) {
      isReached = true;
      return;
    }
    long id = in.readLong();
    switch (kind) {
      case CALL -> call(id, in, frame);
      case CANCEL -> {
        Served call = calls.get(id);
        if (call != null) {
          call.future.cancel(true);
        }
      }
      case MAP -> borrowed.map(id, in.readLong(), in.readString());
      case UNMAP -> borrowed.unmap(id);
      case RETURNED -> {
        lending.returned(id);
        changed();
      }
      default -> throw new CorruptMemoryException("a client has sent " + kind);
    }
  }

  private void call(long id, ValueReader in, MemorySegment frame)
      throws InterruptedException, IOException {
    CallOptions options = CallOptions.DEFAULT;
    long timeoutNanos = in.readLong();
    int priority = in.readInt();
    int flags = in.readByte();
    if (timeoutNanos < 0 || priority < 0 || calls.containsKey(id)) {
      throw new CorruptMemoryException(
          "call " + id + " with timeout " + timeoutNanos + " and priority " + priority);
    }
    options = options.withPriority(priority);
    if (timeoutNanos > 0) {
      options = options.withTimeout(Duration.ofNanos(timeoutNanos));
    }
    awaitPlace();
    Borrowed.Call lent = (flags & Frame.LENT) == 0 ? null : borrowed.new Call(id);
    ValueReader rest = lent == null ? in : reader(frame, lent);
    CompletableFuture<?> future;
    try {
      future = submit(rest, (flags & Frame.WITH_CONTEXT) != 0, options);
    } catch (CorruptMemoryException nonsense) {
      if (lent != null) {
        lent.end();
      }
      throw nonsense;
    }
    calls.put(id, new Served(future, lent));
    var _ = future.whenComplete((result, failure) -> ended(id, result, failure));
  }

  /** Returns when fewer calls are unanswered than may be. */
  private void awaitPlace() throws InterruptedException, IOException {
    while (!places.tryAcquire(PROBE_SECONDS, TimeUnit.SECONDS)) {
      if (!socket.isOpen()) {
        throw new EOFException("the client has ended");
      }
      if (isProbed.compareAndSet(false, true)) {
        wire.send(this::nothing);
      }
    }
  }

  /** A frame that means nothing to a client, and cannot be written to one that has ended. */
  private MemorySegment nothing() {
    isProbed.set(false);
    return returned(0);
  }

  /** A reader of what follows the flags of a call that was lent something. */
  private ValueReader reader(MemorySegment frame, Borrowed.Call lent) {
    ValueReader in = new ValueReader(server.types(), lent, frame);
    in.skip(Frame.FLAGS_OFFSET + 1);
    return in;
  }

  private CompletableFuture<?> submit(ValueReader in, boolean hasContext, CallOptions options) {
    try {
      StoppedException stopped = server.stopped();
      if (stopped != null) {
        throw stopped;
      }
      Map<String, String> context = hasContext ? Contexts.read(in) : Map.of();
      Object item = in.read();
      if (item == null) {
        throw new NullPointerException("item");
      }
      try (ContextCarrier.Scope _ = Contexts.restored(server.carrier(), context)) {
        return requireNonNull(
            server.service().submit(item, options), "the service has returned no future");
      }
    } catch (CorruptMemoryException nonsense) {
      throw nonsense;
    } catch (RuntimeException | Error failure) { // of a codec, or for no such priority
      return CompletableFuture.failedFuture(failure);
    }
  }

  private void ended(long id, @Nullable Object result, @Nullable Throwable failure) {
    wire.send(() -> answer(id, result, failure));
  }

  /** On the thread that writes. */
  private MemorySegment answer(long id, @Nullable Object result, @Nullable Throwable failure) {
    MemorySegment frame = encode(id, result, failure);
    Served call = calls.remove(id);
    if (call != null) {
      call.endLoan();
    }
    places.release();
    changed();
    return frame;
  }

  private MemorySegment encode(long id, @Nullable Object result, @Nullable Throwable failure) {
    if (failure != null) {
      Throwable cause = failure.getCause();
      return failed(id, failure instanceof CompletionException && cause != null ? cause : failure);
    }
    Loans loans = new Loans(mostBytes);
    try {
      HeapSpace space = isReached ? loans : new HeapSpace(mostBytes);
      return answer(id, result, space, loans);
    } catch (RuntimeException | Error cannotTravel) {
      boolean mayBeLent = isReached && loans.isTooLong();
      return mayBeLent ? lent(id, result, cannotTravel) : failed(id, cannotTravel);
    }
  }

  /**
   * A result of a worker process that was copied to the heap is not refused because it is too long,
   * for it would not be if there had been more room for views.
   */
  private MemorySegment lent(long id, @Nullable Object result, Throwable tooLong) {
    Loans loans = new Loans(mostBytes, server.largeResults());
    try {
      return answer(id, result, loans, loans);
    } catch (RuntimeException | Error cannotTravel) {
      return failed(id, tooLong);
    }
  }

  /** If this fails, nothing is lent. */
  private MemorySegment answer(long id, @Nullable Object result, HeapSpace space, Loans loans) {
    try {
      ValueWriter out = Frame.begin(Frame.Kind.ANSWER, server.types(), space);
      out.writeLong(id);
      out.writeByte((byte) 0);
      out.write(result);
      return lend(id, loans.blocks, Frame.end(out));
    } catch (Throwable cannotTravel) {
      loans.release();
      throw cannotTravel;
    }
  }

  private MemorySegment lend(long id, List<Block> blocks, MemorySegment frame) {
    if (blocks.isEmpty()) {
      return lending.lend(id, blocks, frame); // tells what is gone
    }
    frame.set(java.lang.foreign.ValueLayout.JAVA_BYTE, Frame.LENT_IN_ANSWER_OFFSET, (byte) 1);
    long returns = lending.returns();
    MemorySegment frames = lending.lend(id, blocks, frame);
    synchronized (this) {
      if (alarm == null) {
        watchLoans(returns);
      }
    }
    return frames;
  }

  /**
   * Looks later whether something has come back.
   *
   * @param returns how often it had before it was seen that something is lent: what comes back in
   *     between counts
   */
  private synchronized void watchLoans(long returns) {
    alarm =
        server
            .time()
            .schedule(MAX_LOAN_NANOS, () -> server.time().execute(() -> checkLoans(returns)));
  }

  /** A client that gives nothing back must not keep the results of others from being made. */
  private synchronized void checkLoans(long returnsBefore) {
    long returns = lending.returns();
    if (lending.count() == 0) {
      alarm = null;
    } else if (returns == returnsBefore) {
      server.refused(
          new IOException(
              "it has read none of its results in shared memory for "
                  + Duration.ofNanos(MAX_LOAN_NANOS)));
      wire.close();
    } else {
      watchLoans(returns);
    }
  }

  private synchronized void endWatch() {
    if (alarm != null) {
      alarm.cancel();
    }
  }

  private void giveBack(long id) {
    wire.send(() -> returned(id));
  }

  private MemorySegment returned(long id) {
    ValueWriter out = begin(Frame.Kind.RETURNED);
    out.writeLong(id);
    return Frame.end(out);
  }

  private MemorySegment failed(long id, Throwable failure) {
    try {
      return frameOf(id, failure);
    } catch (IllegalArgumentException tooLong) {
      return frameOf(id, new RemoteException(failure.getClass().getName(), tooLong.getMessage()));
    }
  }

  private MemorySegment frameOf(long id, Throwable failure) {
    ValueWriter out = begin(Frame.Kind.FAILED);
    out.writeLong(id);
    Failures.write(failure, out);
    return Frame.end(out);
  }

  private void write() {
    try {
      wire.write();
    } catch (IOException gone) {
      // its reader sees that, too
    } finally {
      wire.close();
    }
  }

  /**
   * Ends the connection when all calls are answered, or waits for so long. A call has its place
   * before it is submitted, so one that takes it too late to be seen here is refused.
   */
  void drain(long endNanos) throws InterruptedException {
    await(
        () -> places.availablePermits() == Frame.MAX_UNANSWERED && lending.count() == 0, endNanos);
    wire.sendEnd();
    await(() -> isEnded, endNanos);
  }

  private synchronized void await(BooleanSupplier condition, long endNanos)
      throws InterruptedException {
    while (!condition.getAsBoolean() && !isEnded) {
      long leftNanos = endNanos - TimeSource.system().nanoTime();
      if (leftNanos <= 0) {
        return;
      }
      TimeUnit.NANOSECONDS.timedWait(this, leftNanos);
    }
  }

  private synchronized void changed() {
    notifyAll();
  }

  void close() {
    wire.close();
  }
}
