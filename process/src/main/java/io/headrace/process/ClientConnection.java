package io.headrace.process;

import io.headrace.HeadraceException;
import io.headrace.RejectedException;
import io.headrace.StoppedException;
import io.headrace.TimeSource;
import io.headrace.WorkerDiedException;
import io.headrace.shm.CorruptMemoryException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A connection of a {@link FlowClient}, from before it is made to its end. */
final class ClientConnection {
  /*
   * Calls may enter before the connection is made; what they send waits in the queue of the wire. One thread
   * connects, and receives answers then; another writes.
   *
   * A call is in the map from its entry to its answer. Whoever takes it out owns what follows: the
   * receiver completes it; a caller who needs no answer anymore tells the server; the end fails it. After the
   * end nothing enters.
   */

  private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long MAX_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final FlowClient<?, ?> client;
  private final TimeSource time = TimeSource.system();
  private final Map<Long, ClientCall> calls = new ConcurrentHashMap<>();
  private final CountDownLatch ending = new CountDownLatch(1);
  private final List<Wire.Outgoing> early = new ArrayList<>();

  // Guarded by this.
  private @Nullable Wire wire;
  private boolean isOpen;
  private boolean isOver;

  ClientConnection(FlowClient<?, ?> client) {
    this.client = client;
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
      send(call);
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

  /** A call is completed. If it was not answered, the server need not go on with it. */
  private void left(ClientCall call) {
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
              + failure.getMessage();
      end(
          new StoppedException(text),
          new WorkerDiedException(text + "; the call may have been executed"));
    } catch (InterruptedException e) {
      end(client.closed(), client.closed());
    } finally {
      if (wire != null) {
        wire.close();
      }
    }
  }

  private Wire connect() throws InterruptedException {
    long beginNanos = time.nanoTime();
    long pauseNanos = FIRST_PAUSE_NANOS;
    while (true) {
      try {
        return tryToConnect();
      } catch (IOException failure) {
        long leftNanos = client.connectNanos() - (time.nanoTime() - beginNanos);
        if (leftNanos <= 0) {
          throw new StoppedException(
              "there is no flow server at " + client.path() + ": " + failure.getMessage());
        }
        if (ending.await(Math.min(pauseNanos, leftNanos), TimeUnit.NANOSECONDS)) {
          throw client.closed();
        }
        pauseNanos = Math.min(2 * pauseNanos, MAX_PAUSE_NANOS);
      }
    }
  }

  private Wire tryToConnect() throws IOException {
    SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(client.path()));
    Wire wire = new Wire(socket);
    try {
      check(socket);
      hold(wire);
      greet(wire);
      return wire;
    } catch (Throwable failure) {
      wire.close();
      throw failure;
    }
  }

  private void check(SocketChannel socket) {
    try {
      Peer.check(socket);
    } catch (IOException stranger) {
      throw new RejectedException(
          "the server at " + client.path() + " is refused: " + stranger.getMessage(), stranger);
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
    MemorySegment hello = Frame.end(out);
    wire.send(() -> hello);
    Thread.ofVirtual().name("headrace-calls " + client.path()).start(() -> write(wire));
    ValueReader in = Frame.reader(wire.receive(Frame.MAX_HELLO_BYTES), client.types());
    Frame.Kind kind = Frame.readKind(in);
    if (kind != Frame.Kind.WELCOME) {
      throw refused(kind, in);
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
      // who receives sees that, too
    } finally {
      wire.close();
    }
  }

  /** From now on calls are sent at once. */
  private synchronized void open(Wire wire) {
    early.forEach(wire::send);
    early.clear();
    isOpen = true;
  }

  private void receive(MemorySegment frame) {
    ValueReader in = Frame.reader(frame, client.types());
    Frame.Kind kind = Frame.readKind(in);
    switch (kind) {
      case ANSWER, FAILED -> {
        ClientCall call = calls.remove(in.readLong());
        if (call != null) {
          answer(call, kind, in);
        }
      }
      case REFUSED -> throw refused(kind, in);
      default -> throw new CorruptMemoryException("the server has sent " + kind);
    }
  }

  private static void answer(ClientCall call, Frame.Kind kind, ValueReader in) {
    try {
      if (kind == Frame.Kind.ANSWER) {
        call.complete(in.read());
      } else {
        call.completeExceptionally(Failures.read(in));
      }
    } catch (RuntimeException | Error ofCodec) {
      call.completeExceptionally(ofCodec);
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
    client.ended(this);
    if (wire != null) {
      wire.close();
    }
    for (Long id : List.copyOf(calls.keySet())) {
      ClientCall call = calls.remove(id);
      if (call != null) {
        call.completeExceptionally(call.isSent() ? reasonOfSent : reasonOfUnsent);
      }
    }
  }
}
