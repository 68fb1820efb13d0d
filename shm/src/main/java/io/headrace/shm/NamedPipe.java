package io.headrace.shm;

import static java.util.Objects.requireNonNull;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Takes bytes from other processes to this one. A process needs less to open it than to open a
 * socket, for which the JDK makes a secure random number generator first. On Linux only.
 *
 * {@snippet class="io.headrace.shm.NamedPipeTest" region="pipe"}
 *
 * <p><b>Thread safety.</b> Safe for all threads.
 */
public final class NamedPipe implements AutoCloseable {
  /*
   * A FIFO (mkfifo(3)). Who opens it to read waits for somebody who opens it to write, and reaches
   * its end when the last of these has closed it. This process has it open for both as long as
   * others may come: so nobody waits, and there is no end before. To open and to close exclude each
   * other: else who opens could wait for nobody.
   */

  private final Path path;
  private final RandomAccessFile both;

  private NamedPipe(Path path, RandomAccessFile both) {
    this.path = path;
    this.both = both;
  }

  /**
   * Creates one, for this user only.
   *
   * @param path where there is nothing yet
   * @return the pipe
   * @throws IOException if there is something already, or the folder cannot be written
   * @throws IllegalStateException if {@link Mechanism#LINUX} does not work here
   */
  public static NamedPipe create(Path path) throws IOException {
    requireNonNull(path, "path");
    if (!Linux.isAvailable()) {
      throw new IllegalStateException("named pipes need Linux on x86-64 or AArch64");
    }
    int error = Linux.createNamedPipe(path.toString());
    if (error != 0) {
      throw new IOException("cannot create pipe " + path + ": mkfifo failed with error " + error);
    }
    try {
      return new NamedPipe(path, new RandomAccessFile(path.toFile(), "rw"));
    } catch (IOException failure) {
      Files.deleteIfExists(path);
      throw failure;
    }
  }

  /**
   * Opens the end that reads.
   *
   * @return what other processes write; it ends when this is closed and they have closed it or
   *     ended
   * @throws IOException if this is closed
   */
  public synchronized FileChannel open() throws IOException {
    return FileChannel.open(path, StandardOpenOption.READ);
  }

  /**
   * Opens the end that writes, in another process.
   *
   * @param path of the pipe
   * @return where to write; an interrupt neither ends nor closes it
   * @throws IOException if there is none
   */
  public static OutputStream connect(String path) throws IOException {
    if (!Files.exists(Path.of(path))) { // a file would be made
      throw new NoSuchFileException(path);
    }
    return new FileOutputStream(path);
  }

  /** Nobody can open it anymore, and its name is free. What is open stays open. */
  @Override
  public synchronized void close() throws IOException {
    Files.deleteIfExists(path);
    both.close();
  }
}
