package io.headrace.process;

import static io.headrace.process.Checks.atLeast;
import static io.headrace.process.Checks.nonNull;
import static io.headrace.process.Checks.positive;
import static io.headrace.process.Checks.unset;
import static java.util.Objects.requireNonNull;

import io.headrace.CallOptions;
import io.headrace.Service;
import io.headrace.StoppedException;
import io.headrace.TimeSource;
import io.headrace.shm.Mechanism;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
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
 *       a frame may be: the smaller one of what {@link Builder#maxFrameBytes} says here and at the
 *       server
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
      new LargeMemories(WorkerProcesses.Builder.DEFAULT_LARGE_BYTES, Mechanism.best(), () -> {});

  /** How many bytes a frame may have, as far as the server has said. */
  private volatile int mostBytes;

  /** Those that are not over; guarded by this. */
  private final @Nullable ClientConnection[] connections;

  private boolean isClosed;

  private FlowClient(Builder builder) {
    path = builder.path;
    time = builder.time;
    probe = builder.probe;
    carrier = builder.carrier;
    types = new Types(builder.types);
    maxFrameBytes =
        builder.maxFrameBytes == null
            ? FlowServer.Builder.DEFAULT_MAX_FRAME_BYTES
            : builder.maxFrameBytes;
    mostBytes = maxFrameBytes;
    connectNanos =
        (builder.connectTimeout == null ? Builder.DEFAULT_CONNECT_TIMEOUT : builder.connectTimeout)
            .toNanos();
    connections =
        new @Nullable
            ClientConnection
            [builder.connections == null ? Builder.DEFAULT_CONNECTIONS : builder.connections];
  }

  /**
   * Describes a client.
   *
   * @param path where the socket of the server is or will be
   * @return a builder
   */
  public static Builder builder(Path path) {
    return new Builder(requireNonNull(path, "path").toAbsolutePath());
  }

  /** Sets the options. Each can be set once. Not thread safe. */
  public static final class Builder {
    /** The default of {@link #connections}: {@value}. */
    public static final int DEFAULT_CONNECTIONS = 2;

    private static final Duration DEFAULT_CONNECT_TIMEOUT = Duration.ofSeconds(5);

    private final Path path;
    private final List<Class<?>> types = new ArrayList<>();
    private @Nullable Integer connections;
    private @Nullable Integer maxFrameBytes;
    private @Nullable Duration connectTimeout;
    private TimeSource time = TimeSource.system();
    private Supplier<Probe> probe = Probe::create;
    private @Nullable ContextCarrier carrier;

    private Builder(Path path) {
      this.path = path;
    }

    /**
     * Adds classes whose values travel: the same as those of the server, in the same order.
     *
     * @param classes records, enums and {@link Codec}s
     * @return this
     */
    public Builder register(Class<?>... classes) {
      types.addAll(List.of(nonNull(classes, "classes")));
      return this;
    }

    /**
     * Carries what belongs to the thread that submits a call, such as the current span of a tracer,
     * to the server. Default: nothing.
     *
     * @param carrier captures what that of the server restores
     * @return this
     */
    public Builder propagate(ContextCarrier carrier) {
      unset(this.carrier, carrier, "context carrier");
      this.carrier = carrier;
      return this;
    }

    /**
     * How many connections there are at most. More than one is opened only if calls are on their
     * way. Large values make those behind them on the same connection wait. Default: {@value
     * #DEFAULT_CONNECTIONS}.
     *
     * @param count how many, at least 1
     * @return this
     * @throws IllegalArgumentException if the count is below 1
     */
    public Builder connections(int count) {
      unset(connections, count, "connections");
      connections = atLeast(1, count, "connections");
      return this;
    }

    /**
     * How large an item or a result may be, without what is in shared memory. The smaller one of
     * this and what the server says holds in both directions; what is larger fails its call alone.
     * But of an item that is larger, tensors, segments, buffers and arrays of a 16th of this and
     * more are put into shared memory for a server that reaches it. What the server says is known
     * once it was connected to. Default: {@value FlowServer.Builder#DEFAULT_MAX_FRAME_BYTES} bytes.
     *
     * @param bytes how large, with some bytes for what is around it, at least 65536
     * @return this
     * @throws IllegalArgumentException if it is less
     */
    public Builder maxFrameBytes(int bytes) {
      unset(maxFrameBytes, bytes, "maxFrameBytes");
      maxFrameBytes = atLeast(Frame.MAX_HELLO_BYTES, bytes, "maxFrameBytes");
      return this;
    }

    /**
     * How long a connection is tried to be made. Default: 5 seconds. A call that comes meanwhile
     * waits for what is left of that.
     *
     * @param timeout how long, above zero
     * @return this
     * @throws IllegalArgumentException if the timeout is zero or negative, or above ten years
     */
    public Builder connectTimeout(Duration timeout) {
      unset(connectTimeout, timeout, "connectTimeout");
      connectTimeout = positive(timeout, "connectTimeout");
      return this;
    }

    /** For tests. */
    Builder probe(Supplier<Probe> probe) {
      this.probe = probe;
      return this;
    }

    /** For tests. */
    Builder time(TimeSource time) {
      this.time = time;
      return this;
    }

    /**
     * Builds the client. No connection is made before the first call.
     *
     * @return the client
     * @param <I> the type of an item
     * @param <O> the type of a result
     * @throws IllegalArgumentException if a class that was registered is no record, enum or codec,
     *     or cannot be accessed
     */
    public <I, O extends @Nullable Object> FlowClient<I, O> build() {
      return new FlowClient<>(this);
    }
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
