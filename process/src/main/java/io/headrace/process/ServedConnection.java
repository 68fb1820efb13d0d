package io.headrace.process;

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
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A client of a {@link FlowServer}, as the server sees it. */
final class ServedConnection {
  /*
   * One thread receives calls and submits them. Whichever thread completes one queues its answer, which a
   * third one encodes and writes. A client that does not read its answers is not read either, once so many
   * calls are unanswered; what it wrote waits in its own memory.
   */

  private static final int MAX_UNANSWERED = 10_000;

  private final FlowServer server;
  private final SocketChannel socket;
  private final Wire wire;
  private final Semaphore places = new Semaphore(MAX_UNANSWERED);
  private final Map<Long, CompletableFuture<?>> calls = new ConcurrentHashMap<>();
  private volatile boolean isEnded;

  ServedConnection(FlowServer server, SocketChannel socket) {
    this.server = server;
    this.socket = socket;
    wire = new Wire(socket);
  }

  /** Serves the client until it ends. */
  void run() {
    Thread writer = Thread.ofVirtual().name("headrace-answers").start(this::write);
    try {
      Peer.check(socket);
      greet();
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
    } finally {
      calls.values().forEach(call -> call.cancel(true));
      try {
        writer.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      wire.close();
      isEnded = true;
      changed();
      server.ended(this);
    }
  }

  /** Says why, and writes no more; the connection is closed after that. */
  private void refuse(IOException reason) {
    if (socket.isOpen()) {
      server.refused(reason);
      ValueWriter out = begin(Frame.Kind.REFUSED);
      out.writeString(String.valueOf(reason.getMessage()));
      MemorySegment frame = Frame.end(out);
      wire.send(() -> frame);
    }
    wire.sendEnd();
  }

  private void greet() throws IOException {
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
    MemorySegment welcome = Frame.end(begin(Frame.Kind.WELCOME));
    wire.send(() -> welcome);
  }

  private ValueWriter begin(Frame.Kind kind) {
    return Frame.begin(kind, server.types(), server.maxFrameBytes());
  }

  private void receive(MemorySegment frame) throws InterruptedException {
    ValueReader in = Frame.reader(frame, server.types());
    Frame.Kind kind = Frame.readKind(in);
    long id = in.readLong();
    switch (kind) {
      case CALL -> call(id, in);
      case CANCEL -> {
        CompletableFuture<?> call = calls.get(id);
        if (call != null) {
          call.cancel(true);
        }
      }
      default -> throw new CorruptMemoryException("a client has sent " + kind);
    }
  }

  private void call(long id, ValueReader in) throws InterruptedException {
    CallOptions options = CallOptions.DEFAULT;
    long timeoutNanos = in.readLong();
    int priority = in.readInt();
    if (timeoutNanos < 0 || priority < 0 || calls.containsKey(id)) {
      throw new CorruptMemoryException(
          "call " + id + " with timeout " + timeoutNanos + " and priority " + priority);
    }
    options = options.withPriority(priority);
    if (timeoutNanos > 0) {
      options = options.withTimeout(Duration.ofNanos(timeoutNanos));
    }
    places.acquire();
    CompletableFuture<?> call = submit(in, options);
    calls.put(id, call);
    var _ = call.whenComplete((result, failure) -> ended(id, result, failure));
  }

  private CompletableFuture<?> submit(ValueReader in, CallOptions options) {
    try {
      StoppedException stopped = server.stopped();
      if (stopped != null) {
        throw stopped;
      }
      Object item = in.read();
      if (item == null) {
        throw new NullPointerException("item");
      }
      return server.service().submit(item, options);
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
    calls.remove(id);
    places.release();
    changed();
    if (failure != null) {
      Throwable cause = failure.getCause();
      return failed(id, failure instanceof CompletionException && cause != null ? cause : failure);
    }
    try {
      ValueWriter out = begin(Frame.Kind.ANSWER);
      out.writeLong(id);
      out.write(result);
      return Frame.end(out);
    } catch (RuntimeException | Error cannotTravel) {
      return failed(id, cannotTravel);
    }
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
    await(() -> places.availablePermits() == MAX_UNANSWERED, endNanos);
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
