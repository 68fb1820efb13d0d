package io.headrace.shm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** A process that may do less than others: says how it shares memory, and why it cannot. */
final class Sandbox {
  private static final int PR_SET_SECCOMP = 22;
  private static final int PR_SET_NO_NEW_PRIVS = 38;
  private static final long FILTER = 2;
  private static final int INSTRUCTION_BYTES = 8;
  private static final int LOAD = 0x20;
  private static final int JUMP_IF_EQUAL = 0x15;
  private static final int RETURN = 0x06;
  private static final int ALLOW = 0x7fff_0000;
  private static final int FAIL_WITH_EPERM = 0x0005_0001;

  private static final boolean IS_ARM = System.getProperty("os.arch").equals("aarch64");
  private static final int MEMFD_CREATE = IS_ARM ? 279 : 319;
  private static final int EVENTFD = IS_ARM ? 19 : 290;

  private Sandbox() {}

  /** Runs it after a command of the shell, and returns the lines that it prints. */
  static List<String> run(String command, String what) throws IOException, InterruptedException {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Process process =
        new ProcessBuilder(
                "sh",
                "-c",
                command
                    + "exec '"
                    + java
                    + "' -Xmx64m -XX:-UsePerfData --enable-native-access=ALL-UNNAMED -cp \"$0\" "
                    + Sandbox.class.getName()
                    + " "
                    + what,
                System.getProperty("java.class.path"))
            .redirectErrorStream(true)
            .start();
    try (var lines = process.inputReader(Charset.defaultCharset())) {
      List<String> printed = lines.lines().toList();
      process.waitFor();
      return printed;
    }
  }

  /**
   * Prints the mechanism, and why there is no memory if there is none.
   *
   * @param args whether to forbid memory files or events, or to open all that can be
   */
  public static void main(String[] args) throws Throwable {
    if (args[0].equals("events")) {
      System.out.println(forbids(EVENTFD) ? withoutEvents() : "cannot forbid");
      return;
    }
    if (args[0].equals("forbid") && !forbids(MEMFD_CREATE)) {
      System.out.println("cannot forbid");
      return;
    }
    System.out.println(Mechanism.best());
    explain();
    if (args[0].equals("open")) {
      openAll();
      explain();
    }
  }

  /** Whether two ends have them nevertheless, and what a wait at one of them says. */
  private static String withoutEvents() throws IOException {
    Path inbox = Files.createTempDirectory("headrace-test-").resolve("inbox");
    try (SharedMemory memory = SharedMemory.create(4096, Mechanism.LINUX)) {
      MemorySegment first = memory.segment().asSlice(0, Doorbell.BYTES);
      MemorySegment second = memory.segment().asSlice(Doorbell.BYTES, Doorbell.BYTES);
      try (Doorbell here = Doorbell.futex(first, second, inbox);
          Doorbell there = Doorbell.futex(second, first)) {
        there.offerEvents(inbox);
        AtomicBoolean isRung = new AtomicBoolean();
        Thread ringing =
            Thread.ofPlatform()
                .start(
                    () -> {
                      while (memory.segment().get(JAVA_INT, 0) == 0) {
                        Thread.onSpinWait(); // until the other waits
                      }
                      isRung.set(true);
                      there.ring();
                    });
        while (!here.await(isRung::get)) {
          // it has ended for no reason
        }
        ringing.join();
        return here.hasEvents() + " " + there.hasEvents() + " woken";
      }
    } catch (InterruptedException stopped) {
      return "stopped";
    } finally {
      Files.deleteIfExists(inbox.getParent());
    }
  }

  private static void explain() {
    try {
      SharedMemory.create(1 << 20, Mechanism.LINUX).close();
    } catch (SharedMemoryException failure) {
      System.out.println(failure.getMessage());
    }
  }

  /** All files that the limit allows; what is used afterwards has to be loaded before. */
  private static void openAll() {
    var _ = new SharedMemoryException("", null);
    List<InputStream> opened = new ArrayList<>();
    try {
      while (true) {
        opened.add(new FileInputStream("/dev/null"));
      }
    } catch (IOException all) {
      System.out.println(opened.isEmpty() ? "none" : "all");
    }
  }

  /** By a filter of the system calls of this thread. */
  @SuppressWarnings("restricted")
  private static boolean forbids(int number) throws Throwable {
    Linker linker = Linker.nativeLinker();
    MethodHandle prctl =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("prctl"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG),
            Linker.Option.firstVariadicArg(1));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment filter = arena.allocate(4L * INSTRUCTION_BYTES, Long.BYTES);
      write(filter, 0, LOAD, 0, 0);
      write(filter, 1, JUMP_IF_EQUAL, 1, number);
      write(filter, 2, RETURN, 0, FAIL_WITH_EPERM);
      write(filter, 3, RETURN, 0, ALLOW);
      MemorySegment program = arena.allocate(16, Long.BYTES);
      program.set(JAVA_SHORT, 0, (short) 4);
      program.set(ADDRESS, 8, filter);
      MemorySegment none = MemorySegment.NULL;
      return (int) prctl.invokeExact(PR_SET_NO_NEW_PRIVS, 1L, none, 0L, 0L) == 0
          && (int) prctl.invokeExact(PR_SET_SECCOMP, FILTER, program, 0L, 0L) == 0;
    }
  }

  private static void write(MemorySegment filter, int index, int code, int otherwise, int value) {
    long at = (long) index * INSTRUCTION_BYTES;
    filter.set(JAVA_SHORT, at, (short) code);
    filter.set(JAVA_BYTE, at + 3, (byte) otherwise);
    filter.set(JAVA_INT, at + 4, value);
  }
}
