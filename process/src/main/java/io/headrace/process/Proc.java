package io.headrace.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the system tells of processes. */
final class Proc {
  private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s*(\\d+) kB");
  private static final long BYTES_PER_KB = 1024;

  private Proc() {}

  /** How much memory a process holds; 0 if that cannot be known. */
  static long residentBytes(long pid) {
    try {
      Matcher resident = RESIDENT.matcher(Files.readString(Path.of("/proc/" + pid + "/status")));
      return resident.find() ? Long.parseLong(resident.group(1)) * BYTES_PER_KB : 0;
    } catch (IOException | NumberFormatException unknown) {
      return 0;
    }
  }

  /*
   * Not by the future of a process. The thread that completes it may first close the pipes of the
   * process, for which the JDK waits until nobody reads from them; and whoever reads waits for
   * those whom the process has started.
   */

  /** Waits for the end of a process. An interrupt does not end the wait, and is kept. */
  static void awaitExit(Process process) {
    boolean isInterrupted = false;
    while (true) {
      try {
        process.waitFor();
        break;
      } catch (InterruptedException e) {
        isInterrupted = true;
      }
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Runs something at the end of a process, on a thread of its own. */
  static void whenExited(Process process, Runnable task) {
    Thread.startVirtualThread(
        () -> {
          awaitExit(process);
          task.run();
        });
  }
}
