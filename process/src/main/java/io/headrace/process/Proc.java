package io.headrace.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What Linux tells of processes. */
final class Proc {
  private static final long PAGE_BYTES = 4096;
  private static final int RESIDENT_FIELD = 1;

  private Proc() {}

  /** How much memory a process holds; 0 if that cannot be known. */
  static long residentBytes(long pid) {
    try {
      String[] fields = Files.readString(Path.of("/proc/" + pid + "/statm")).split(" ", -1);
      return Long.parseLong(fields[RESIDENT_FIELD]) * PAGE_BYTES;
    } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException unknown) {
      return 0;
    }
  }
}
