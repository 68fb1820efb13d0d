package io.headrace.process;

import static java.util.Objects.requireNonNull;

import io.headrace.shm.Mechanism;
import io.headrace.shm.NamedPipe;
import io.headrace.shm.OwnFolder;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Starts a worker process and waits for its connections. The pipe or the socket is there only until
 * this is closed. A worker whose parent was killed deletes the folder of that.
 */
final class Launch implements AutoCloseable {
  private static final Pattern CHOOSES_COLLECTOR = Pattern.compile("-XX:\\+Use\\w+GC");

  private static final Pattern SIZES_HEAP =
      Pattern.compile("-Xm[snx].+|-XX:\\w*(HeapSize|NewSize|RAMPercentage|RAMFraction)=.*");

  /**
   * The JVM's own is a part of the machine's memory, all of which is filled before any is reused.
   */
  private static final String INITIAL_HEAP = "-Xms32m";

  private static final AtomicLong LAST_NUMBER = new AtomicLong();

  private final Settings settings;
  private final Path folder;
  private final Path entrance;
  private final Path arguments;

  /** With the mechanism of Linux. */
  private @Nullable NamedPipe pipe;

  /** With the portable one. */
  private @Nullable ServerSocketChannel server;

  Launch(Settings settings) throws IOException {
    this.settings = settings;
    folder = OwnFolder.get();
    long number = LAST_NUMBER.incrementAndGet();
    entrance = folder.resolve("entrance-" + number);
    arguments = folder.resolve("arguments-" + number);
    try {
      if (settings.mechanism == Mechanism.LINUX) {
        pipe = NamedPipe.create(entrance);
      } else {
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(entrance));
      }
    } catch (Throwable failure) { // such as a path that is too long
      close();
      throw failure;
    }
  }

  /** The path of the pipe, or of the socket. */
  String entrance() {
    return entrance.toString();
  }

  /** The path at which the events for the doorbell of a process arrive that has an entrance. */
  static Path inbox(String entrance) {
    return Path.of(entrance + "-events");
  }

  /**
   * Starts the process, which waits for its orders.
   *
   * @param processors the numbers of the processors that it may use; none for all
   */
  Process start(List<Integer> processors) throws IOException {
    Files.write(arguments, arguments(processors));
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    ProcessBuilder builder = new ProcessBuilder(java, "@" + arguments);
    builder.environment().putAll(settings.environment);
    if (settings.folder != null) {
      builder.directory(settings.folder.toFile());
    }
    Process process = builder.redirectErrorStream(true).start();
    Proc.whenExited(process, this::closeEntrance);
    return process;
  }

  private List<String> arguments(List<Integer> processors) {
    List<String> arguments = new ArrayList<>();
    if (!processors.isEmpty()) {
      arguments.add("-XX:ActiveProcessorCount=" + processors.size());
    }
    if (settings.jvmOptions.stream().noneMatch(CHOOSES_COLLECTOR.asMatchPredicate())) {
      arguments.add("-XX:+UseSerialGC");
    }
    if (settings.jvmOptions.stream().noneMatch(SIZES_HEAP.asMatchPredicate())) {
      arguments.add(INITIAL_HEAP);
    }
    arguments.add("-XX:-UsePerfData"); // a process that is killed would leave its file
    arguments.addAll(StartCache.options(settings));
    arguments.addAll(settings.jvmOptions);
    arguments.addAll(settings.code.arguments(WorkerMain.class));
    arguments.add(folder.toString());
    return arguments.stream().map(Launch::quoted).toList();
  }

  private static String quoted(String argument) {
    return '"'
        + argument
            .replace("\\", "\\\\")
            .replace("\"", "\\\"")
            .replace("\n", "\\n")
            .replace("\r", "\\r")
        + '"';
  }

  /**
   * What the process reports. Blocks until it connects if that is by a socket.
   *
   * @throws IOException if it has ended before
   */
  ReadableByteChannel reports() throws IOException {
    return pipe == null ? accept() : pipe.open();
  }

  /** Blocks until the process connects to the socket; fails if it ends before. */
  SocketChannel accept() throws IOException {
    return requireNonNull(server, "the socket").accept();
  }

  private void closeEntrance() {
    try {
      if (pipe != null) {
        pipe.close();
      }
      if (server != null) {
        server.close();
      }
    } catch (IOException useless) {
      // it is not used anymore
    }
  }

  @Override
  public void close() {
    closeEntrance();
    try {
      Files.deleteIfExists(entrance);
      Files.deleteIfExists(arguments);
    } catch (IOException remaining) {
      // they go with the folder
    }
  }
}
