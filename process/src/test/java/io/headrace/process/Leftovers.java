package io.headrace.process;

import io.headrace.shm.OwnFolder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/**
 * What a test must not leave behind.
 *
 * @param descriptors how many files are open; 0 where the system does not tell
 */
record Leftovers(long descriptors) {
  /** Threads that poll for virtual ones are made when they are needed, with a file each. */
  private static final int OPENED_BY_JVM = 8;

  private static final String MEMORY_FILES = "/memfd:headrace";

  static void awaitNone() {
    await("the ends of all worker processes")
        .until(() -> ProcessHandle.current().children().findAny().isEmpty());
    await("all shared memory to be given back")
        .until(
            () -> {
              if (Memories.ALL.count() > 0) {
                System.gc();
              }
              return Memories.ALL.count() == 0;
            });
    await("all memory files to be closed").until(() -> open("self", MEMORY_FILES) == 0);
    await("all files to be deleted").until(Leftovers::hasNoFiles);
  }

  private static boolean hasNoFiles() throws IOException {
    try (Stream<Path> files = Files.list(OwnFolder.get())) {
      return files.findAny().isEmpty();
    }
  }

  /** What there is now, for who comes back to it later. */
  static Leftovers now() {
    awaitNone();
    return new Leftovers(openFiles());
  }

  /** As {@link #awaitNone}, and there are hardly more files than there were, and no threads. */
  void awaitAgain(String flow) {
    awaitNone();
    await("about as few open files as before, %d".formatted(descriptors))
        .until(() -> openFiles() <= descriptors + OPENED_BY_JVM);
    await("the ends of all threads").until(() -> !hasThreads(flow));
  }

  /** Waits until nobody uses a block of shared memory. */
  static void awaitNoBlocks() {
    await("all blocks to be free")
        .until(
            () -> {
              if (Memories.ALL.blockCount() > 0) {
                System.gc();
              }
              return Memories.ALL.blockCount() == 0;
            });
  }

  private static ConditionFactory await(String what) {
    return Awaitility.await(what)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(10))
        .atMost(Duration.ofSeconds(30));
  }

  static long openFiles() {
    return open("self", "");
  }

  /** How many events this process has, those of selectors with them. */
  static long events() {
    return open("self", "anon_inode:[eventfd]");
  }

  /** How many memory files another process has open; 0 where the system does not tell. */
  static long memoryFiles(long pid) {
    return open(Long.toString(pid), MEMORY_FILES);
  }

  /** How many open files a process has whose name begins in some way. */
  private static long open(String process, String prefix) {
    Path folder = Path.of("/proc", process, "fd");
    if (!Files.isDirectory(folder)) {
      return 0;
    }
    try (Stream<Path> descriptors = Files.list(folder)) {
      return descriptors.filter(descriptor -> leadsTo(descriptor, prefix)).count();
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static boolean leadsTo(Path descriptor, String prefix) {
    try {
      return Files.readSymbolicLink(descriptor).toString().startsWith(prefix);
    } catch (IOException closed) {
      return false;
    }
  }

  /** The threads of workers begin with the name of their flow. */
  static boolean hasThreads(String flow) {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().startsWith(flow + "-"));
  }
}
