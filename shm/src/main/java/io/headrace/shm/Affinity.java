package io.headrace.shm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * On which processors the threads of this process run. On Linux only.
 *
 * <p><b>Thread safety.</b> Safe for all threads.
 */
public final class Affinity {
  /*
   * The kernel knows the affinity of threads, not of processes; a new thread has that of the one
   * that has started it. So all threads of the process are told, again and again until there is
   * none that was not. What the kernel has made of it is read back, for it leaves out processors
   * that it does not allow and says nothing.
   */

  /** The numbers of processors are lower. */
  private static final int LIMIT = 8192;

  private static final int OF_CALLER = 0;
  private static final String THREADS = "/proc/self/task";
  private static final String OWN_STATUS = "/proc/thread-self/status";
  private static final Pattern ALLOWED = Pattern.compile("Cpus_allowed_list:\\s*(\\S+)");

  private Affinity() {}

  /**
   * Whether this system has it.
   *
   * @return true on Linux on x86-64 or AArch64
   * @throws IllegalCallerException if the JVM denies native access
   */
  public static boolean isAvailable() {
    return Linux.isAvailable();
  }

  /**
   * The processors on which the calling thread may run.
   *
   * @return their numbers
   * @throws IllegalStateException if this system has no affinity
   */
  public static SortedSet<Integer> current() {
    checkAvailable();
    try {
      Matcher matcher = ALLOWED.matcher(Files.readString(Path.of(OWN_STATUS)));
      if (!matcher.find()) {
        throw new IllegalStateException(OWN_STATUS + " does not tell the allowed processors");
      }
      return parse(matcher.group(1));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** Numbers and ranges, as in {@code 0-2,5}. */
  static SortedSet<Integer> parse(String list) {
    SortedSet<Integer> numbers = new TreeSet<>();
    for (String range : list.split(",", -1)) {
      String[] ends = range.split("-", 2);
      int last = Integer.parseInt(ends[ends.length - 1]);
      for (int number = Integer.parseInt(ends[0]); number <= last; number++) {
        numbers.add(number);
      }
    }
    return numbers;
  }

  /**
   * Checks that threads of this process can be made to run on some processors, and changes nothing.
   *
   * @param processors their numbers
   * @throws IllegalArgumentException if there are none, or the system does not allow one of them
   * @throws IllegalStateException if this system has no affinity
   */
  public static void check(Collection<Integer> processors) {
    checkAvailable();
    RuntimeException[] refusal = new RuntimeException[1];
    Thread thread =
        Thread.ofPlatform()
            .name("headrace-affinity")
            .start(
                () -> {
                  try {
                    set(OF_CALLER, processors);
                    checkCurrent(processors);
                  } catch (RuntimeException refused) {
                    refusal[0] = refused;
                  }
                });
    boolean isInterrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        isInterrupted = true; // it ends at once
      }
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
    if (refusal[0] != null) {
      throw refusal[0];
    }
  }

  /**
   * Lets all threads of this process, and those that they start, run on some processors only.
   *
   * @param processors their numbers
   * @throws IllegalArgumentException if there are none, or the system does not allow one of them
   * @throws IllegalStateException if this system has no affinity
   */
  public static void restrict(Collection<Integer> processors) {
    checkAvailable();
    set(OF_CALLER, processors);
    checkCurrent(processors);
    Set<Integer> told = new HashSet<>();
    boolean isAnyNew;
    do {
      isAnyNew = false;
      for (int thread : threads()) {
        if (told.add(thread)) {
          isAnyNew = true;
          set(thread, processors);
        }
      }
    } while (isAnyNew);
  }

  private static Set<Integer> threads() {
    Set<Integer> threads = new HashSet<>();
    try (DirectoryStream<Path> names = Files.newDirectoryStream(Path.of(THREADS))) {
      names.forEach(name -> threads.add(Integer.valueOf(name.getFileName().toString())));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    return threads;
  }

  /**
   * A failure is not looked at: a thread may have ended, and what has become of it is read back.
   */
  private static void set(int thread, Collection<Integer> processors) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment mask = arena.allocate(LIMIT / Byte.SIZE, Long.BYTES);
      for (int number : processors) {
        if (number < 0 || number >= LIMIT) {
          throw new IllegalArgumentException(
              "processor is " + number + ", it has to be from 0 to " + (LIMIT - 1));
        }
        long word = mask.getAtIndex(JAVA_LONG, number / Long.SIZE);
        mask.setAtIndex(JAVA_LONG, number / Long.SIZE, word | 1L << (number % Long.SIZE));
      }
      var _ = (int) Function.SET.invokeExact(thread, mask.byteSize(), mask);
    } catch (Throwable failure) {
      throw Linux.unchecked(failure);
    }
  }

  private static void checkCurrent(Collection<Integer> processors) {
    SortedSet<Integer> wanted = new TreeSet<>(processors);
    SortedSet<Integer> current = current();
    if (!wanted.equals(current)) {
      wanted.removeAll(current);
      throw new IllegalArgumentException(
          "processors "
              + processors
              + " are not all allowed to this process"
              + (wanted.isEmpty() ? "" : ", " + wanted + " are not")
              + ": see Cpus_allowed_list in /proc/self/status and the limits of its container");
    }
  }

  private static void checkAvailable() {
    if (!isAvailable()) {
      throw new IllegalStateException(
          "processors can be chosen on Linux on x86-64 or AArch64 only, this is "
              + System.getProperty("os.name")
              + " on "
              + System.getProperty("os.arch"));
    }
  }

  /** Made when it is first used. */
  private static final class Function {
    static final MethodHandle SET =
        Linux.handle(
            "sched_setaffinity", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));
  }
}
