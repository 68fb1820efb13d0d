package io.headrace.shm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How much memory can be reserved before the kernel kills processes to get at more. */
final class AvailableMemory {
  private static final Pattern OF_MACHINE = Pattern.compile("MemAvailable:\\s*(\\d+) kB");
  private static final Pattern NUMBER = Pattern.compile("(\\d+)\\s*");

  /** Of files that were read or written, which the kernel drops when it needs the memory. */
  private static final Pattern CACHE = Pattern.compile("(?m)^inactive_file (\\d+)$");

  private static final long BYTES_PER_KB = 1024;

  private AvailableMemory() {}

  static long bytes() {
    return bytes(Path.of("/"));
  }

  /** As the files of proc and cgroup say; the largest number if they say nothing. */
  static long bytes(Path root) {
    long ofMachine =
        find(root.resolve("proc/meminfo"), OF_MACHINE)
            .map(kilobytes -> kilobytes * BYTES_PER_KB)
            .orElse(Long.MAX_VALUE);
    Path container = root.resolve("sys/fs/cgroup");
    long limit = find(container.resolve("memory.max"), NUMBER).orElse(Long.MAX_VALUE);
    long used =
        find(container.resolve("memory.current"), NUMBER).orElse(0L)
            - find(container.resolve("memory.stat"), CACHE).orElse(0L);
    return Math.min(
        ofMachine, limit == Long.MAX_VALUE ? limit : Math.max(0, limit - Math.max(0, used)));
  }

  private static Optional<Long> find(Path file, Pattern pattern) {
    try {
      Matcher matcher = pattern.matcher(Files.readString(file));
      return matcher.find() ? Optional.of(Long.valueOf(matcher.group(1))) : Optional.empty();
    } catch (IOException | NumberFormatException notThere) {
      return Optional.empty();
    }
  }
}
