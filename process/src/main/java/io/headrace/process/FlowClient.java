package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.CallOptions;
import io.headrace.Service;
import io.headrace.StoppedException;
import io.headrace.TimeSource;
import io.headrace.shm.Mechanism;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Uses a flow of another process on this machine, which offers it with a {@link FlowServer}.
 *
 * {@snippet class="io.headrace.process.SnippetsTest" region="flowClient"}
 *
 * <p><b>Calls</b> share a few connections; each has any number of calls on their way, which are
 * answered in any order. Timeout and priority of a call travel with it; a priority that the service
 * does not have fails the call with an {@link IllegalArgumentException}. Cancelling a future
 * cancels the call in the server. Listeners are not told of anything.
 *
 * <p><b>Errors.</b> Those of the JDK and the {@link io.headrace.HeadraceException}s of the service
 * arrive as what they are, others as {@link RemoteException}. Beside these:
 *
 * <ul>
 *   <li>{@link StoppedException} if no connection could be made within the connect timeout, or this
 *       is closed: the call was not sent
 *   <li>{@link io.headrace.WorkerDiedException} if the connection ended while the call was on its
 *       way, as when the server was killed: it may have been executed
 *   <li>{@link io.headrace.RejectedException} if the server refuses the connection, because it has
 *       registered other classes, or is of another user
 *   <li>{@link IllegalArgumentException} if the item or the result cannot travel, or is larger than
 *       a frame may be: the smaller one of what {@link FlowClientBuilder#maxFrameBytes} says here
 *       and at the server
 * </ul>
 *
 * <p><b>Connections</b> are made when they are needed, so a client can start before its server;
 * after the end of a server the next call connects to the next one. A try that fails is repeated,
 * first after 10 ms, then after twice the time, until the connect timeout of the calls that wait is
 * over.
 *
 * <p><b>Values</b> travel as {@link FlowServer} says. A large one that comes back is valid as long
 * as it is reachable. Shared memory that an item is in is not used again before its call is
 * answered, or the connection has ended.
 *
 * <p><b>Thread safety.</b> Safe for all threads; a call to submit encodes the item and does not
 * block. Continuations of a future run on the thread that receives answers, and must not block.
 *
 * @param <I> the type of an item
 * @param <O> the type of a result
 */
public final class FlowClient<I, O extends @Nullable Object>
    implements Service<I, O>, AutoCloseable {
  private final Path path;
  private final Types types;
  private final int maxFrameBytes;
  private final long connectNanos;
  private final TimeSource time;
  private final Supplier<Probe> probe;
  private final @Nullable ContextCarrier carrier;
  private final AtomicLong lastId = new AtomicLong();

  /** For the values of items that are longer than a frame. */
  private final LargeMemories largeItems =
      new LargeMemories(
          WorkerProcessesBuilder.DEFAULT_LARGE_MEMORY_BYTES, Mechanism.best(), () -> {});

  /** How many bytes a frame may have, as far as the server has said. */
  private volatile int mostBytes;

  /** Those that are not over; guarded by this. */
  private final @Nullable ClientConnection[] connections;

  private boolean isClosed;

  FlowClient(FlowClientBuilder builder) {
    path = builder.path;
    time = builder.time;
    probe = builder.probe;
    carrier = builder.carrier;
    types = new Types(builder.types);
    maxFrameBytes = builder.maxFrameBytes;
    mostBytes = maxFrameBytes;
    connectNanos = builder.connectTimeout.toNanos();
    connections = new @Nullable ClientConnection[builder.connections];
  }

  /**
   * Describes a client.
   *
   * @param path where the socket of the server is or will be
   * @return a builder
   */
  public static FlowClientBuilder builder(Path path) {
    return new FlowClientBuilder(requireNonNull(path, "path").toAbsolutePath());
  }

  @Override
  @SuppressWarnings("unchecked") // the service makes an O of an I
  public CompletableFuture<O> submit(I item, CallOptions options) {
    requireNonNull(item, "item");
    requireNonNull(options, "options");
    ClientCall call = new ClientCall(lastId.incrementAndGet(), options.timeout(), time);
    try {
      encode(call, item, options);
    } catch (RuntimeException | Error cannotTravel) {
      call.completeExceptionally(cannotTravel);
      return (CompletableFuture<O>) call;
    }
    enter(call);
    return (CompletableFuture<O>) call;
  }

  /**
   * A result of a worker process of this one that was copied to the heap is not refused because it
   * is too long, for it would not be if there had been more room for views.
   */
  private void encode(ClientCall call, I item, CallOptions options) {
    Map<String, String> context = Contexts.captured(carrier);
    int mostBytes = this.mostBytes;
    Loans loans = new Loans(mostBytes);
    try {
      encode(call, item, context, options, loans);
    } catch (RuntimeException | Error cannotTravel) {
      if (!loans.isTooLong()) {
        throw cannotTravel;
      }
      try {
        encode(call, item, context, options, new Loans(mostBytes, largeItems));
      } catch (RuntimeException | Error noRoom) {
        throw cannotTravel;
      }
    }
  }

  /** If this fails, nothing is lent. */
  private void encode(
      ClientCall call, I item, Map<String, String> context, CallOptions options, Loans loans) {
    try {
      call.encode(
          frame(call.id, item, context, options, loans),
          loans.blocks,
          () -> frame(call.id, item, context, options, new HeapSpace(maxFrameBytes)));
    } catch (Throwable cannotTravel) {
      loans.release();
      throw cannotTravel;
    }
  }

  private MemorySegment frame(
      long id, I item, Map<String, String> context, CallOptions options, HeapSpace space) {
    ValueWriter out = Frame.begin(Frame.Kind.CALL, types, space);
    out.writeLong(id);
    out.writeLong(0); // the timeout, when it is sent
    out.writeInt(options.priority());
    if (context.isEmpty()) {
      out.writeByte((byte) 0);
    } else {
      out.writeByte((byte) Frame.WITH_CONTEXT);
      Contexts.write(context, out);
    }
    out.write(item);
    return Frame.end(out);
  }

  /** A connection may end at the moment at which it is chosen. */
  private void enter(ClientCall call) {
    boolean isEntered = false;
    while (!isEntered) {
      ClientConnection connection = connection();
      if (connection == null) {
        call.forgetItem();
        call.completeExceptionally(closed());
        return;
      }
      isEntered = connection.enter(call);
    }
  }

  /** The connection with the fewest calls; null if this is closed. */
  private synchronized @Nullable ClientConnection connection() {
    if (isClosed) {
      return null;
    }
    ClientConnection best = null;
    int free = -1;
    for (int i = 0; i < connections.length; i++) {
      ClientConnection connection = connections[i];
      if (connection == null) {
        free = i;
      } else if (best == null || connection.calls() < best.calls()) {
        best = connection;
      }
    }
    if (best != null && (free < 0 || best.calls() == 0)) {
      return best;
    }
    ClientConnection fresh = new ClientConnection(this);
    connections[free] = fresh;
    fresh.start();
    return fresh;
  }

  StoppedException closed() {
    return new StoppedException("the client of " + path + " is closed");
  }

  synchronized void ended(ClientConnection connection) {
    for (int i = 0; i < connections.length; i++) {
      if (connections[i] == connection) {
        connections[i] = null;
      }
    }
  }

  /** How many connections there are that have not ended, as far as it knows. For tests. */
  synchronized int connectionCount() {
    return (int) Arrays.stream(connections).filter(Objects::nonNull).count();
  }

  Path path() {
    return path;
  }

  TimeSource time() {
    return time;
  }

  Types types() {
    return types;
  }

  int maxFrameBytes() {
    return maxFrameBytes;
  }

  /** A server has said how many bytes a frame may have that it receives. */
  void welcomed(int mostBytes) {
    this.mostBytes = Math.min(maxFrameBytes, mostBytes);
  }

  Probe probe() {
    return probe.get();
  }

  long connectNanos() {
    return connectNanos;
  }

  /**
   * Closes the connections. Calls on their way fail with {@link StoppedException}, and are
   * cancelled in the server. Does not block. A second call does nothing.
   */
  @Override
  public void close() {
    List<ClientConnection> toClose = new ArrayList<>();
    synchronized (this) {
      isClosed = true;
      for (ClientConnection connection : connections) {
        if (connection != null) {
          toClose.add(connection);
        }
      }
    }
    toClose.forEach(connection -> connection.end(closed(), closed()));
  }

  @Override
  public String toString() {
    return "client of " + path;
  }
}
