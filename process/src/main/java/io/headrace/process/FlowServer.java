package io.headrace.process;

import static io.headrace.process.Checks.atLeast;
import static io.headrace.process.Checks.nonNull;
import static io.headrace.process.Checks.positive;
import static io.headrace.process.Checks.unset;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import io.headrace.Service;
import io.headrace.StoppedException;
import io.headrace.TimeSource;
import io.headrace.shm.Mechanism;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Lets other processes on this machine use a flow, or any other service, through a Unix-domain
 * socket: they have a {@link FlowClient}.
 *
 * {@snippet class="io.headrace.process.SnippetsTest" region="flowServer"}
 *
 * <p><b>Calls.</b> Each is submitted to the service by itself, with the timeout that is left and
 * the priority that its caller gave, and is answered when it is done, in any order. One that its
 * caller cancels, or whose client ends, is cancelled. A result that cannot travel fails its call
 * alone. A client that sends what is no call is refused and disconnected, and one that connects and
 * sends nothing for 10 seconds; others do not notice. So is one that for 10 seconds reads none of
 * the results in shared memory that it was sent, such as one that was stopped: others need that
 * memory.
 *
 * <p><b>Values</b> travel as between {@link WorkerProcesses} and their parent, classes once they
 * are {@link Builder#register registered} on both sides; nothing else is ever instantiated. A value
 * of the client that is in shared memory ({@link SharedValues}) does not move: the service is given
 * a view of it, which is valid until the call is answered or cancelled; what it keeps longer it has
 * to copy. What it writes there the client sees. A result that is in shared memory, as many large
 * ones of worker processes are, is copied once, by the client. All else goes through the socket,
 * and so do these if one process does not reach the memory of the other, because they are in
 * different containers.
 *
 * <p><b>Access.</b> Only processes of the same user are served: the file of the socket is its
 * owner's, and each connection is checked where the system tells who made it.
 *
 * <p><b>Thread safety.</b> Safe for all threads.
 */
public final class FlowServer implements AutoCloseable {
  private static final Logger LOGGER = System.getLogger(FlowServer.class.getName());

  private static final int BACKLOG = 1024;

  /** To connect to a socket that other servers replace. */
  private static final int TRIES = 10;

  private static final long PAUSE_MILLIS = 100;

  /** Of four digits to the base of 36. */
  private static final int MAX_HIDDEN = 36 * 36 * 36 * 36;

  private final Service<Object, Object> service;
  private final Path path;
  private final Types types;
  private final int maxFrameBytes;
  private final LargeMemories largeResults =
      new LargeMemories(WorkerProcesses.Builder.DEFAULT_LARGE_BYTES, Mechanism.best(), () -> {});
  private final Duration closeTimeout;
  private final @Nullable ContextCarrier carrier;
  private final TimeSource time;
  private final ServerSocketChannel socket;
  private final @Nullable Object fileKey;
  private final Set<ServedConnection> connections = ConcurrentHashMap.newKeySet();
  private final CountDownLatch closed = new CountDownLatch(1);

  private FlowServer(Builder builder) throws IOException {
    service = builder.service;
    path = builder.path;
    types = new Types(builder.types);
    maxFrameBytes =
        builder.maxFrameBytes == null ? Builder.DEFAULT_MAX_FRAME_BYTES : builder.maxFrameBytes;
    closeTimeout =
        builder.closeTimeout == null ? Builder.DEFAULT_CLOSE_TIMEOUT : builder.closeTimeout;
    carrier = builder.carrier;
    time = builder.time;
    checkPlace();
    socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      fileKey = bind();
    } catch (Throwable failure) {
      socket.close();
      throw failure;
    }
    Thread.ofVirtual().name("headrace-server " + path).start(this::accept);
  }

  /**
   * Describes a server.
   *
   * @param service answers the calls; it is not closed by the server
   * @param path where the socket will be, in a folder that exists; a socket of a server that is
   *     dead is replaced
   * @return a builder
   */
  @SuppressWarnings("unchecked") // a client with other types gets the failures of the service
  public static Builder builder(Service<?, ?> service, Path path) {
    return new Builder(
        (Service<Object, Object>) requireNonNull(service, "service"),
        requireNonNull(path, "path").toAbsolutePath());
  }

  /** Sets the options. Each can be set once. Not thread safe. */
  public static final class Builder {
    /** The default of {@link #maxFrameBytes}: {@value} bytes. */
    public static final int DEFAULT_MAX_FRAME_BYTES = 64 << 20;

    private static final Duration DEFAULT_CLOSE_TIMEOUT = Duration.ofSeconds(10);

    private final Service<Object, Object> service;
    private final Path path;
    private final List<Class<?>> types = new ArrayList<>();
    private @Nullable Integer maxFrameBytes;
    private @Nullable Duration closeTimeout;
    private TimeSource time = TimeSource.system();
    private @Nullable ContextCarrier carrier;

    private Builder(Service<Object, Object> service, Path path) {
      this.service = service;
      this.path = path;
    }

    /**
     * Adds classes whose values travel, as {@link WorkerProcesses.Builder#register} does. Clients
     * have to have the same, in the same order, or are refused.
     *
     * @param classes records, enums and {@link Codec}s
     * @return this
     */
    public Builder register(Class<?>... classes) {
      types.addAll(List.of(nonNull(classes, "classes")));
      return this;
    }

    /**
     * Submits calls with what their clients have captured, such as the current span of a tracer.
     * Default: without.
     *
     * @param carrier restores what those of the clients capture
     * @return this
     */
    public Builder propagate(ContextCarrier carrier) {
      unset(this.carrier, carrier, "context carrier");
      this.carrier = carrier;
      return this;
    }

    /**
     * How large an item or a result may be, without what is in shared memory. The smaller one of
     * this and what a client says holds for it in both directions; what is larger fails its call
     * alone. But of a result that is larger, tensors, segments, buffers and arrays of a 16th of
     * this and more are put into shared memory for the client. The heap has to have room for what
     * each connection receives. Default: {@value #DEFAULT_MAX_FRAME_BYTES} bytes.
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
     * How long a close waits for calls that are being executed. Default: 10 seconds.
     *
     * @param timeout how long, above zero
     * @return this
     * @throws IllegalArgumentException if the timeout is zero or negative, or above ten years
     */
    public Builder closeTimeout(Duration timeout) {
      unset(closeTimeout, timeout, "closeTimeout");
      closeTimeout = positive(timeout, "closeTimeout");
      return this;
    }

    /** For tests. */
    Builder time(TimeSource time) {
      this.time = time;
      return this;
    }

    /**
     * Starts the server.
     *
     * @return the server, which accepts calls
     * @throws IOException if there is no such folder, the path is too long, or it is that of
     *     another file or of a server that lives
     * @throws IllegalArgumentException if a class that was registered is no record, enum or codec,
     *     or cannot be accessed
     */
    public FlowServer start() throws IOException {
      return new FlowServer(this);
    }
  }

  // The file of the socket.

  /** Another server may take the socket away, or put one there, at any moment. */
  private void checkPlace() throws IOException {
    try {
      BasicFileAttributes file =
          Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      if (!file.isOther()) {
        throw new IOException(path + " exists and is no socket");
      }
    } catch (NoSuchFileException none) {
      return;
    }
    if (isAlive(path)) {
      throw anotherListens();
    }
  }

  private IOException anotherListens() {
    return new IOException("another server listens on " + path);
  }

  private static boolean isAlive(Path path) throws IOException {
    for (int triesLeft = TRIES; ; triesLeft--) {
      try (SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
        return true;
      } catch (ConnectException refused) {
        return false;
      } catch (SocketException failure) {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
          return false;
        } else if (triesLeft == 1) {
          throw failure;
        }
      }
    }
  }

  /**
   * Bound where only the owner gets at it, and given its name when only the owner may connect. Of
   * servers that start at once one gets the name.
   */
  private @Nullable Object bind() throws IOException {
    Path folder = hiddenFolder();
    int more = path.toString().getBytes(UTF_8).length - folder.toString().getBytes(UTF_8).length;
    Path hidden = folder.resolve("s".repeat(Math.max(1, more - 1))); // not shorter than the path
    try {
      socket.bind(UnixDomainSocketAddress.of(hidden), BACKLOG);
      if (Files.getFileStore(hidden).supportsFileAttributeView("posix")) {
        Files.setPosixFilePermissions(hidden, PosixFilePermissions.fromString("rw-------"));
      }
      Object key = key(hidden);
      removeStale(folder.resolve("o"));
      giveName(hidden);
      return key;
    } catch (SocketException tooLong) {
      throw new IOException(
          String.format(
              "no socket can be made at %s: %s. Its path may have 107 bytes on Linux, 103 on macOS,"
                  + " and that of its folder 9 less",
              path, tooLong.getMessage()),
          tooLong);
    } finally {
      Files.deleteIfExists(hidden);
      Files.delete(folder);
    }
  }

  /** A link replaces nothing. Where there are none for sockets, the last one gets the name. */
  private void giveName(Path hidden) throws IOException {
    try {
      var _ = Files.createLink(path, hidden);
    } catch (FileAlreadyExistsException isFaster) {
      throw anotherListens();
    } catch (UnsupportedOperationException | FileSystemException noLinks) {
      Files.move(hidden, path, StandardCopyOption.ATOMIC_MOVE);
    }
  }

  /** Its name is short, for the path of a socket may have about a hundred bytes. */
  private Path hiddenFolder() throws IOException {
    Path parent = requireNonNull(path.getParent());
    FileAttribute<?>[] ownersOnly =
        Files.getFileStore(parent).supportsFileAttributeView("posix")
            ? new FileAttribute<?>[] {
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))
            }
            : new FileAttribute<?>[0];
    while (true) {
      int number = ThreadLocalRandom.current().nextInt(MAX_HIDDEN);
      Path folder = parent.resolve(".h" + Integer.toString(number, Character.MAX_RADIX));
      try {
        return Files.createDirectory(folder, ownersOnly);
      } catch (FileAlreadyExistsException taken) {
        // by another server that starts
      }
    }
  }

  /**
   * Takes it away before it is looked at for the last time: another server may have replaced it.
   */
  private void removeStale(Path taken) throws IOException {
    try {
      Files.move(path, taken, StandardCopyOption.ATOMIC_MOVE);
    } catch (NoSuchFileException none) {
      return;
    }
    try {
      if (isAlive(taken)) {
        giveName(taken);
        throw anotherListens();
      }
    } finally {
      Files.deleteIfExists(taken);
    }
  }

  private static @Nullable Object key(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
        .fileKey();
  }

  private void accept() {
    while (!isClosed()) {
      try {
        serve(socket.accept());
      } catch (IOException | RuntimeException | Error failure) {
        if (!isClosed()) {
          LOGGER.log(Level.ERROR, path + " cannot accept a connection, and tries again", failure);
          pause();
        }
      }
    }
  }

  private void serve(SocketChannel client) throws IOException {
    ServedConnection connection;
    try {
      connection = new ServedConnection(this, client);
    } catch (Throwable noMemory) {
      client.close();
      throw noMemory;
    }
    connections.add(connection);
    Thread.ofVirtual().name("headrace-served " + path).start(connection::run);
    if (isClosed()) {
      connection.close();
    }
  }

  /** Such as when there are too many open files, or no memory for another connection. */
  private void pause() {
    try {
      var _ = closed.await(PAUSE_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isClosed() {
    return closed.getCount() == 0;
  }

  // For the connections.

  Service<Object, Object> service() {
    return service;
  }

  @Nullable ContextCarrier carrier() {
    return carrier;
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

  /** For the values of results that are longer than a frame. */
  LargeMemories largeResults() {
    return largeResults;
  }

  /** Why calls are not accepted; null if they are. */
  @Nullable StoppedException stopped() {
    return isClosed() ? new StoppedException("the flow server at " + path + " is closed") : null;
  }

  void refused(IOException reason) {
    LOGGER.log(Level.WARNING, path + " disconnects a client: " + reason.getMessage());
  }

  void ended(ServedConnection connection) {
    connections.remove(connection);
  }

  /**
   * The path of the socket.
   *
   * @return the path, absolute
   */
  public Path path() {
    return path;
  }

  /**
   * How many connections there are.
   *
   * @return the number at this moment
   */
  public int connections() {
    return connections.size();
  }

  /**
   * Removes the socket, accepts no more calls, waits for those that are being executed, and closes
   * the connections. Those that take longer than the close timeout are cancelled. If the calling
   * thread is interrupted they are cancelled at once, and the thread is interrupted when it
   * returns. A second call does the same.
   */
  @Override
  public void close() {
    closed.countDown();
    try {
      try (socket) {
        if (fileKey != null && Files.exists(path) && fileKey.equals(key(path))) {
          Files.deleteIfExists(path);
        }
      }
    } catch (NoSuchFileException gone) {
      // somebody else has removed it
    } catch (IOException failure) {
      LOGGER.log(Level.WARNING, "cannot remove " + path, failure);
    }
    long endNanos = TimeSource.system().nanoTime() + closeTimeout.toNanos();
    try {
      for (ServedConnection connection : connections) {
        connection.drain(endNanos);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    connections.forEach(ServedConnection::close);
  }
}
