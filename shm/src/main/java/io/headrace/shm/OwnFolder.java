package io.headrace.shm;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The folder of this process for files that are not to outlive it, such as memory with a name. It
 * is in the folder for temporary files, for this user only, and is deleted when the process exits
 * if it is empty then. That of a process which was killed is deleted by {@link #deleteIfAbandoned},
 * or by the next process of the same user that makes its own.
 *
 * <p><b>Thread safety.</b> Safe for all threads. Its methods access files.
 */
public final class OwnFolder {
  /*
   * Beside the folder F there is a file F.lock, which is locked before F is made and until its
   * process has ended: the system lets go of it then, however that ended. So whoever gets the lock
   * knows that nobody needs F, and deletes both. Identifiers of processes would not do: they are
   * given again, and other containers have their own.
   *
   * Another process may find the file before its maker has locked it, and delete it. Then the maker
   * makes another one.
   *
   * A process loses a lock when it closes any channel to the file. So one that finds the lock held
   * by itself, that is by this class of another class loader, leaves its channel open.
   */

  private static final String PREFIX = "headrace-";
  private static final String LOCK = ".lock";

  /** Channels that hold locks. Guarded by the class, as are the others. */
  private static final List<FileChannel> HELD = new ArrayList<>();

  private static final Set<Path> OWN_LOCKS = new HashSet<>();

  private static @Nullable Path folder;

  private OwnFolder() {}

  /**
   * The folder, which is made if it is not there, or the property {@code java.io.tmpdir} has
   * changed since.
   *
   * @return a folder
   * @throws IOException if it cannot be made; the message says what helps
   */
  public static synchronized Path get() throws IOException {
    Path parent = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
    Path folder = OwnFolder.folder;
    if (folder == null || !parent.equals(folder.getParent()) || !Files.isDirectory(folder)) {
      boolean isInterrupted = Thread.interrupted(); // that would close the file
      try {
        folder = make(parent);
        OwnFolder.folder = folder;
        sweep(parent, lockOf(folder));
      } catch (IOException failure) {
        throw new IOException(
            "cannot create a folder in "
                + parent
                + ", set java.io.tmpdir to a folder that is writable: "
                + failure,
            failure);
      } finally {
        if (isInterrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }
    return folder;
  }

  private static Path make(Path parent) throws IOException {
    while (true) {
      Path lock = Files.createTempFile(parent, PREFIX, LOCK); // for its owner only
      OWN_LOCKS.add(lock);
      if (isHeld(lock)) {
        lock.toFile().deleteOnExit();
        Path folder = Files.createDirectory(folderOf(lock), ownerOnly());
        folder.toFile().deleteOnExit();
        return folder;
      }
    }
  }

  /** Locks a file that was just made; returns false if somebody has found and deleted it. */
  private static boolean isHeld(Path lock) throws IOException {
    try {
      FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE);
      HELD.add(channel);
      return channel.tryLock() != null && Files.exists(lock);
    } catch (NoSuchFileException deleted) {
      return false;
    }
  }

  private static FileAttribute<?>[] ownerOnly() {
    return FileSystems.getDefault().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))
        }
        : new FileAttribute<?>[0];
  }

  private static Path lockOf(Path folder) {
    return folder.resolveSibling(folder.getFileName() + LOCK);
  }

  private static Path folderOf(Path lock) {
    String name = lock.getFileName().toString();
    return lock.resolveSibling(name.substring(0, name.length() - LOCK.length()));
  }

  private static void sweep(Path parent, Path own) {
    try (DirectoryStream<Path> locks = Files.newDirectoryStream(parent, PREFIX + "*" + LOCK)) {
      for (Path lock : locks) {
        if (haveSameOwner(lock, own)) {
          var _ = deleteIfAbandoned(folderOf(lock));
        }
      }
    } catch (IOException | DirectoryIteratorException unreadable) {
      // another process may do it
    }
  }

  /** Links count as themselves: others may have made them. */
  private static boolean haveSameOwner(Path one, Path other) {
    try {
      return Files.getOwner(one, LinkOption.NOFOLLOW_LINKS)
          .equals(Files.getOwner(other, LinkOption.NOFOLLOW_LINKS));
    } catch (IOException | UnsupportedOperationException unknown) {
      return false;
    }
  }

  /**
   * Deletes the folder of a process that has ended, with what is in it.
   *
   * @param folder what {@link #get} has given to that process
   * @return false if the process lives, or another one is about to delete the folder
   */
  public static synchronized boolean deleteIfAbandoned(Path folder) {
    Path lock = lockOf(folder);
    if (OWN_LOCKS.contains(lock)) {
      return false;
    }
    FileChannel channel = null;
    try {
      channel = FileChannel.open(lock, StandardOpenOption.WRITE);
      if (channel.tryLock() == null) {
        return false;
      }
      if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS) && haveSameOwner(folder, lock)) {
        delete(folder);
      }
      Files.deleteIfExists(lock);
      return true;
    } catch (NoSuchFileException ended) {
      deleteIfEmpty(folder);
      return true;
    } catch (OverlappingFileLockException ofThisProcess) {
      HELD.add(channel);
      channel = null;
      return false;
    } catch (IOException failure) {
      return false;
    } finally {
      close(channel);
    }
  }

  /** Who has ended could not if there was something in it; without a lock nothing more is safe. */
  private static void deleteIfEmpty(Path folder) {
    try {
      Files.deleteIfExists(folder);
    } catch (IOException remaining) {
      // it may be anybody's
    }
  }

  private static void delete(Path folder) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    } catch (DirectoryIteratorException failure) {
      throw failure.getCause();
    }
    Files.deleteIfExists(folder);
  }

  private static void close(@Nullable FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException useless) {
      // nothing was written
    }
  }
}
