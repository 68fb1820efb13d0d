package io.headrace.shm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Memory that several processes map. One creates it, the others open it by its {@link #path}; what
 * one writes the others read.
 *
 * {@snippet class="io.headrace.shm.SnippetsTest" region="memory"}
 *
 * <p>All of it is reserved and touched when it is created: later accesses neither fail nor wait for
 * memory. On Linux it has no name in a file system and is gone with the last process that maps it,
 * however that ends. Elsewhere it is a file that only its owner can read, in the {@link OwnFolder
 * folder} of its process, deleted when it is closed or its process ends.
 *
 * <p><b>Thread safety.</b> Safe for all threads, but whoever closes it makes sure that no other
 * thread accesses it anymore; what does gets an {@link IllegalStateException}.
 */
public final class SharedMemory implements AutoCloseable {
  private static final int PAGE_BYTES = 4096;
  private static final int ENOMEM = 12;
  private static final int EFBIG = 27;
  private static final int ENOSPC = 28;
  private static final double BYTES_PER_MIB = 1 << 20;

  private static final AtomicLong LINKS = new AtomicLong();

  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment;
  private final Path path;
  private final Runnable release;
  private final AtomicBoolean isClosed = new AtomicBoolean();

  private SharedMemory(Path path, long sizeBytes, Runnable release) {
    this.path = path;
    this.release = release;
    boolean isInterrupted = Thread.interrupted(); // that would close the file
    try (FileChannel file = new RandomAccessFile(path.toFile(), "rw").getChannel()) {
      if (file.size() < sizeBytes) {
        throw new SharedMemoryException(
            path + " has " + file.size() + " bytes, " + sizeBytes + " are to be mapped", null);
      }
      segment = file.map(FileChannel.MapMode.READ_WRITE, 0, sizeBytes, arena);
    } catch (IOException | RuntimeException failure) {
      arena.close();
      release.run();
      throw failure instanceof SharedMemoryException known
          ? known
          : new SharedMemoryException("cannot map " + path + ": " + failure, failure);
    } finally {
      if (isInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Creates memory, all zero.
   *
   * @param sizeBytes how much, at least 1
   * @param mechanism how other processes get at it
   * @return the memory
   * @throws SharedMemoryException if there is not as much, or none can be shared; the message says
   *     what helps
   * @throws IllegalArgumentException if the size is below 1
   * @throws IllegalCallerException if the JVM denies native access
   */
  public static SharedMemory create(long sizeBytes, Mechanism mechanism) {
    if (sizeBytes < 1) {
      throw new IllegalArgumentException("sizeBytes is " + sizeBytes + ", it has to be at least 1");
    }
    Linux.checkAccess();
    SharedMemory memory =
        switch (requireNonNull(mechanism, "mechanism")) {
          case LINUX -> createNameless(sizeBytes);
          case PORTABLE -> createFile(sizeBytes);
        };
    memory.touch(mechanism);
    return memory;
  }

  /**
   * Opens memory that another process has created.
   *
   * @param path its {@link #path}
   * @param sizeBytes how much of it to map
   * @return the memory
   * @throws SharedMemoryException if it is not there or smaller
   * @throws IllegalCallerException if the JVM denies native access
   */
  public static SharedMemory open(String path, long sizeBytes) {
    Linux.checkAccess();
    return new SharedMemory(Path.of(path), sizeBytes, () -> {});
  }

  /**
   * Opens memory that another process has created, so that further ones can open it from this one:
   * its {@link #path} is valid as long as this process has not closed it, whether or not the one
   * that has created it lives.
   *
   * @param path its {@link #path} in the other process
   * @param sizeBytes how much of it to map
   * @return the memory
   * @throws SharedMemoryException if it is not there or smaller
   * @throws IllegalCallerException if the JVM denies native access
   */
  public static SharedMemory adopt(String path, long sizeBytes) {
    Linux.checkAccess();
    if (!path.startsWith("/proc/") || Mechanism.best() != Mechanism.LINUX) {
      Path own = link(Path.of(path));
      return new SharedMemory(own, sizeBytes, () -> delete(own));
    }
    int descriptor = Linux.open(path);
    if (descriptor < 0) {
      throw new SharedMemoryException("cannot open " + path, null);
    }
    return new SharedMemory(ownPath(descriptor), sizeBytes, () -> Linux.close(descriptor));
  }

  /** Another name, which nobody else deletes. */
  private static Path link(Path file) {
    Path link;
    try {
      link = OwnFolder.get().resolve(file.getFileName() + "." + LINKS.incrementAndGet());
      var _ = Files.createLink(link, file);
    } catch (IOException | UnsupportedOperationException failure) {
      throw new SharedMemoryException("cannot link " + file + ": " + failure, failure);
    }
    link.toFile().deleteOnExit();
    return link;
  }

  private static Path ownPath(int descriptor) {
    return Path.of("/proc/" + ProcessHandle.current().pid() + "/fd/" + descriptor);
  }

  private static SharedMemory createNameless(long sizeBytes) {
    if (sizeBytes > AvailableMemory.bytes()) {
      throw new SharedMemoryException(
          tooLittle(sizeBytes, "the memory of this machine or container"), null);
    }
    int descriptor = Linux.createMemoryFile("headrace");
    int error = Linux.reserve(descriptor, sizeBytes);
    if (error != 0) {
      Linux.close(descriptor);
      throw new SharedMemoryException(
          switch (error) {
            case ENOMEM, ENOSPC -> tooLittle(sizeBytes, "the memory of this machine");
            case EFBIG ->
                "cannot reserve "
                    + sizeBytes
                    + " bytes of shared memory: no file of this process may be as large. Raise the"
                    + " limit of its shell (ulimit -f)";
            default ->
                "posix_fallocate of "
                    + sizeBytes
                    + " bytes failed with error "
                    + error
                    + ": "
                    + Linux.USE_FILES;
          },
          null);
    }
    return new SharedMemory(ownPath(descriptor), sizeBytes, () -> Linux.close(descriptor));
  }

  private static SharedMemory createFile(long sizeBytes) {
    Path path;
    try {
      path = Files.createTempFile(OwnFolder.get(), "", ".memory"); // for its owner only
    } catch (IOException failure) {
      throw new SharedMemoryException("cannot create a file: " + failure.getMessage(), failure);
    }
    path.toFile().deleteOnExit();
    try {
      reserve(path, sizeBytes);
    } catch (IOException failure) {
      delete(path);
      throw new SharedMemoryException(tooLittle(sizeBytes, "the folder of " + path), failure);
    }
    return new SharedMemory(path, sizeBytes, () -> delete(path));
  }

  /** A file with holes would fail at an access to one of them, which kills the process. */
  private static void reserve(Path path, long sizeBytes) throws IOException {
    long usableBytes = Files.getFileStore(path).getUsableSpace();
    if (sizeBytes > usableBytes) {
      throw new IOException(usableBytes + " bytes are left");
    }
    byte[] zeros = new byte[1 << 20];
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      for (long at = 0; at < sizeBytes; at += zeros.length) {
        file.write(zeros, 0, (int) Math.min(zeros.length, sizeBytes - at));
      }
    }
  }

  private static void delete(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException stillMapped) {
      // Windows keeps it as long as a process maps it; it is deleted on exit.
    }
  }

  private static String tooLittle(long sizeBytes, String where) {
    return String.format(
        "cannot reserve %.1f MiB of shared memory: %s has not as much left. Ask for less, or give"
            + " it more",
        sizeBytes / BYTES_PER_MIB, where);
  }

  private void touch(Mechanism mechanism) {
    if (mechanism == Mechanism.LINUX && Linux.populate(segment)) {
      return;
    }
    for (long at = 0; at < segment.byteSize(); at += PAGE_BYTES) {
      segment.set(JAVA_BYTE, at, (byte) 0);
    }
  }

  /**
   * The memory as this process sees it.
   *
   * @return a segment that can be accessed by all threads until this is closed
   */
  public MemorySegment segment() {
    return segment;
  }

  /**
   * A part of the memory with a life time of its own. This must not be closed before that is over:
   * whoever accesses the part then would end the JVM.
   *
   * @param offset where it begins
   * @param lengthBytes how long it is
   * @param arena as long as which it can be accessed
   * @param whenOver is given a segment of the part when the arena is closed or unreachable
   * @return the part
   * @throws IndexOutOfBoundsException if it is not within the memory
   */
  @SuppressWarnings("restricted") // it is within the memory
  public MemorySegment view(
      long offset, long lengthBytes, Arena arena, Consumer<MemorySegment> whenOver) {
    return segment.asSlice(offset, lengthBytes).reinterpret(lengthBytes, arena, whenOver);
  }

  /**
   * Where other processes of the same user open it, as long as this one lives and has not closed
   * it.
   *
   * @return a path
   */
  public String path() {
    return path.toString();
  }

  /**
   * How large it is.
   *
   * @return bytes
   */
  public long sizeBytes() {
    return segment.byteSize();
  }

  /**
   * Unmaps it. Other processes keep what they have mapped. A second call does nothing.
   *
   * @throws IllegalStateException if another thread accesses it at this moment
   */
  @Override
  public void close() {
    if (isClosed.compareAndSet(false, true)) {
      arena.close();
      release.run();
    }
  }
}
