package io.headrace.shm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.Objects.requireNonNull;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/** The functions of the C library to which the JDK has no other way. */
final class Linux {
  private static final int MFD_CLOEXEC = 1;
  private static final int FUTEX_WAIT = 0;
  private static final int FUTEX_WAKE = 1;
  private static final int MADV_POPULATE_WRITE = 23;

  private static final MemoryLayout TIMESPEC = MemoryLayout.sequenceLayout(2, JAVA_LONG);
  private static final long NANOS_PER_SECOND = 1_000_000_000;

  private static final @Nullable Functions FUNCTIONS = Functions.find();

  private Linux() {}

  /** Whether this is a system that has them all. */
  static boolean isAvailable() {
    return FUNCTIONS != null;
  }

  /**
   * A file that has no name in a file system and is gone with the last process that has it open.
   *
   * @return its descriptor
   */
  static int createMemoryFile(String name) {
    MemoryLayout captured = Linker.Option.captureStateLayout();
    VarHandle errno = captured.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(captured);
      int descriptor =
          (int) functions().memfdCreate.invokeExact(state, arena.allocateFrom(name), MFD_CLOEXEC);
      if (descriptor < 0) {
        throw new SharedMemoryException(
            "memfd_create failed with error " + (int) errno.get(state, 0L), null);
      }
      return descriptor;
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  /**
   * Reserves the memory of a file: to use it later cannot fail. The kernel kills processes rather
   * than to refuse it, so there has to be enough of it.
   *
   * @return 0, or the number of the error
   */
  static int reserve(int descriptor, long sizeBytes) {
    try {
      return (int) functions().posixFallocate.invokeExact(descriptor, 0L, sizeBytes);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  static void close(int descriptor) {
    try {
      var _ = (int) functions().close.invokeExact(descriptor);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  /** Maps all pages now, so that the first access to each is as fast as the others. */
  static boolean populate(MemorySegment segment) {
    try {
      return (int) functions().madvise.invokeExact(segment, segment.byteSize(), MADV_POPULATE_WRITE)
          == 0;
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  /** Memory for the timeout of a wait. */
  static MemorySegment newTimeout(Arena arena) {
    return arena.allocate(TIMESPEC);
  }

  /**
   * Blocks the thread while the word has a value, until it is woken, for some time at most, or for
   * no reason. To be called by platform threads: it holds a virtual one's carrier.
   */
  static void await(MemorySegment word, int value, MemorySegment timeout, long timeoutNanos) {
    timeout.setAtIndex(JAVA_LONG, 0, timeoutNanos / NANOS_PER_SECOND);
    timeout.setAtIndex(JAVA_LONG, 1, timeoutNanos % NANOS_PER_SECOND);
    Functions functions = functions();
    try {
      var _ =
          (long)
              functions.futexWait.invokeExact(
                  functions.futexNumber, word, FUTEX_WAIT, value, timeout);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  /** Wakes the thread that waits for a word to change, in whatever process it is. */
  static void wake(MemorySegment word) {
    Functions functions = functions();
    try {
      var _ = (long) functions.futexWake.invokeExact(functions.futexNumber, word, FUTEX_WAKE, 1);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  private static Functions functions() {
    return requireNonNull(FUNCTIONS, "the functions of Linux");
  }

  @SuppressWarnings("restricted") // the reason why this class exists
  static MethodHandle handle(String name, FunctionDescriptor descriptor, Linker.Option... options) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor, options);
  }

  static RuntimeException unchecked(Throwable failure) {
    return switch (failure) {
      case Error error -> throw error;
      case RuntimeException exception -> exception;
      default -> new IllegalStateException(failure);
    };
  }

  /** All of them, or none. */
  private record Functions(
      long futexNumber,
      MethodHandle memfdCreate,
      MethodHandle posixFallocate,
      MethodHandle close,
      MethodHandle madvise,
      MethodHandle futexWait,
      MethodHandle futexWake) {

    static @Nullable Functions find() {
      long number = numberOfFutex();
      if (number < 0) {
        return null;
      }
      Linker.Option variadic = Linker.Option.firstVariadicArg(1);
      try {
        return new Functions(
            number,
            handle(
                "memfd_create",
                FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
                Linker.Option.captureCallState("errno")),
            handle(
                "posix_fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG)),
            handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT)),
            handle("madvise", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT)),
            handle(
                "syscall",
                FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS),
                variadic),
            handle(
                "syscall",
                FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT),
                variadic));
      } catch (RuntimeException | LinkageError missing) {
        return null;
      }
    }

    private static long numberOfFutex() {
      if (!System.getProperty("os.name", "").equals("Linux")) {
        return -1;
      }
      return switch (System.getProperty("os.arch", "")) {
        case "amd64" -> 202;
        case "aarch64" -> 98;
        default -> -1;
      };
    }
  }
}
