package io.headrace.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What Linux tells of processes. */
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
}
