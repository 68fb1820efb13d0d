package io.headrace.shm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.NoSuchElementException;

/** The functions of the C library to which the JDK has no other way. */
final class Linux {
  private static final int MFD_CLOEXEC = 1;
  private static final int O_RDWR = 2;
  private static final int O_CLOEXEC = 0x80000;
  private static final long FUTEX_WAIT = 0;
  private static final long FUTEX_WAKE = 1;
  private static final int MADV_POPULATE_WRITE = 23;
  private static final int TIMED_OUT = 110;
  private static final int OWNER_DIED = 130;
  private static final int FOR_OWNER_ONLY = 0600;
  private static final int AF_UNIX = 1;
  private static final int SOCK_DGRAM = 2;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_CMSG_CLOEXEC = 0x4000_0000;
  private static final int ENFILE = 23;
  private static final int EMFILE = 24;

  /** What to do where memory without a file is not to be had. */
  static final String USE_FILES =
      "use files instead, by Mechanism.PORTABLE, portable() of worker processes, or the system"
          + " property "
          + Mechanism.PROPERTY
          + "=portable";

  /** More than any C library needs. */
  private static final int MUTEX_ATTRIBUTES_BYTES = 64;

  private static final MemoryLayout TIMESPEC = MemoryLayout.sequenceLayout(2, JAVA_LONG);
  private static final long NANOS_PER_SECOND = 1_000_000_000;
  private static final long NANOS_PER_MILLI = 1_000_000;
  private static final long MILLIS_PER_SECOND = 1_000;

  /** Of the system call; below 0 where it is not known. */
  private static final long FUTEX_NUMBER =
      switch (System.getProperty("os.arch", "")) {
        case "amd64" -> 202;
        case "aarch64" -> 98;
        default -> -1;
      };

  private Linux() {}

  /**
   * Whether this is a system that has them all.
   *
   * @throws IllegalCallerException if the JVM denies native access
   */
  static boolean isAvailable() {
    checkAccess();
    return Probe.HAS_ALL;
  }

  /**
   * Checks that the JVM lets this module use native functions and memory.
   *
   * @throws IllegalCallerException if not; the message says what helps
   */
  @SuppressWarnings("restricted") // nothing is accessed
  static void checkAccess() {
    try {
      var _ = MemorySegment.NULL.reinterpret(0);
    } catch (IllegalCallerException denied) {
      Module own = Linux.class.getModule();
      throw new IllegalCallerException(
          "shared memory needs native access, which this JVM denies: start it with"
              + " --enable-native-access="
              + (own.isNamed() ? own.getName() : "ALL-UNNAMED"),
          denied);
    }
  }

  /**
   * A file that has no name in a file system and is gone with the last process that has it open.
   *
   * @return its descriptor
   */
  static int createMemoryFile(String name) {
    int descriptor = create(FileFunctions.CREATE_MEMORY, name, MFD_CLOEXEC);
    if (descriptor < 0) {
      String failed = "memfd_create failed with error " + -descriptor;
      throw new SharedMemoryException(
          -descriptor == EMFILE || -descriptor == ENFILE
              ? failed + ": too many files are open, raise their limit (ulimit -n)"
              : failed + ": " + USE_FILES,
          null);
    }
    return descriptor;
  }

  /**
   * Whether there are such files here, where {@link #isAvailable} holds: a sandbox may forbid them.
   */
  static boolean hasMemoryFiles() {
    return MemoryFiles.ARE_ALLOWED;
  }

  /**
   * Makes a named pipe that only this user can open.
   *
   * @return 0, or the number of the error
   */
  static int createNamedPipe(String path) {
    return -create(FileFunctions.CREATE_PIPE, path, FOR_OWNER_ONLY);
  }

  /** What the function returns, or the negative number of the error. */
  private static int create(MethodHandle function, String name, int flags) {
    MemoryLayout captured = Linker.Option.captureStateLayout();
    VarHandle errno = captured.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(captured);
      int result = (int) function.invokeExact(state, arena.allocateFrom(name), flags);
      return result < 0 ? -(int) errno.get(state, 0L) : result;
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
      return (int) FileFunctions.RESERVE.invokeExact(descriptor, 0L, sizeBytes);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  /** Opens a file for reading and writing; returns its descriptor, below 0 if there is none. */
  static int open(String path) {
    try (Arena arena = Arena.ofConfined()) {
      return (int) FileFunctions.OPEN.invokeExact(arena.allocateFrom(path), O_RDWR | O_CLOEXEC);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  static void close(int descriptor) {
    var _ = Calls.call(Descriptors.CLOSE, descriptor, MemorySegment.NULL, 0);
  }

  /** Maps all pages now, so that the first access to each is as fast as the others. */
  static boolean populate(MemorySegment segment) {
    try {
      return (int)
              FileFunctions.ADVISE.invokeExact(segment, segment.byteSize(), MADV_POPULATE_WRITE)
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
   *
   * @param timeout memory for the time
   */
  static void await(MemorySegment word, int value, MemorySegment timeout, long timeoutNanos) {
    timeout.setAtIndex(JAVA_LONG, 0, timeoutNanos / NANOS_PER_SECOND);
    timeout.setAtIndex(JAVA_LONG, 1, timeoutNanos % NANOS_PER_SECOND);
    futex(word, FUTEX_WAIT, value, timeout);
  }

  /** The same for as long as it takes, for which the kernel sets no timer. */
  static void await(MemorySegment word, int value) {
    futex(word, FUTEX_WAIT, value, MemorySegment.NULL);
  }

  /** Wakes the thread that waits for a word to change, in whatever process it is. */
  static void wake(MemorySegment word) {
    futex(word, FUTEX_WAKE, 1, MemorySegment.NULL);
  }

  private static void futex(MemorySegment word, long operation, int value, MemorySegment timeout) {
    try {
      var _ = (long) Calls.SYSTEM.invokeExact(FUTEX_NUMBER, word, operation, (long) value, timeout);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  /** A counter in the kernel; returns its descriptor, below 0 if there is none. */
  static int createEvent() {
    return Calls.call("eventfd", 0, MemorySegment.ofAddress(O_CLOEXEC), 0);
  }

  /**
   * Blocks the thread until the event was raised, or for no reason, and takes back what raised it.
   *
   * @param count memory for 8 bytes
   */
  static void awaitEvent(int event, MemorySegment count) {
    transfer(Events.READ, event, count);
  }

  /**
   * Raises the event.
   *
   * @param count memory of 8 bytes with a small number
   */
  static void raiseEvent(int event, MemorySegment count) {
    transfer(Events.WRITE, event, count);
  }

  private static void transfer(MethodHandle function, int event, MemorySegment count) {
    try {
      var _ =
          (long)
              function.invokeExact((long) event, count, (long) Long.BYTES, 0L, MemorySegment.NULL);
    } catch (Throwable failure) {
      throw unchecked(failure);
    }
  }

  /**
   * A socket for messages within this machine; returns its descriptor, below 0 if there is none.
   */
  static int openMessageSocket() {
    return Calls.call("socket", AF_UNIX, MemorySegment.ofAddress(SOCK_DGRAM | O_CLOEXEC), 0);
  }

  /** Gives the socket an address; returns whether it has it. */
  static boolean bind(int socket, MemorySegment address) {
    return Calls.call("bind", socket, address, address.byteSize()) == 0;
  }

  /** Sends a message of which the memory has the header; returns whether it is on its way. */
  static boolean sendMessage(int socket, MemorySegment header) {
    return Calls.call("sendmsg", socket, header, MSG_DONTWAIT) >= 0;
  }

  /** Receives a message, as the header in the memory asks for; returns whether there is one. */
  static boolean receiveMessage(int socket, MemorySegment header) {
    return Calls.call("recvmsg", socket, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) >= 0;
  }

  /**
   * Makes a mutex between processes that a thread gives up when it ends.
   *
   * @param memory zero, large enough
   * @return false if there is no such mutex on this system
   */
  static boolean createRobustMutex(MemorySegment memory) {
    if (!isAvailable()) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attributes = arena.allocate(MUTEX_ATTRIBUTES_BYTES, Long.BYTES);
      MemorySegment yes = MemorySegment.ofAddress(1);
      return Mutexes.call("pthread_mutexattr_init", attributes, MemorySegment.NULL) == 0
          && Mutexes.call("pthread_mutexattr_setpshared", attributes, yes) == 0
          && Mutexes.call("pthread_mutexattr_setrobust", attributes, yes) == 0
          && Mutexes.call("pthread_mutex_init", memory, attributes) == 0;
    } catch (NoSuchElementException missing) {
      return false;
    }
  }

  /** What {@link #lockMutex} has done. */
  enum Locked {
    YES,
    /** Its holder has ended. */
    OWNER_DIED,
    /** It has a holder still. */
    NOT_YET,
    /** It is no mutex. */
    NEVER
  }

  /** Takes the mutex, which has to be free. */
  static void lockMutex(MemorySegment mutex) {
    var _ = Mutexes.call(Mutexes.LOCK, mutex, MemorySegment.NULL);
  }

  /**
   * Blocks until the mutex is free, and takes it.
   *
   * @param timeout memory for it
   * @param untilMillis when to give up, as a time of day
   */
  static Locked lockMutex(MemorySegment mutex, MemorySegment timeout, long untilMillis) {
    timeout.setAtIndex(JAVA_LONG, 0, untilMillis / MILLIS_PER_SECOND);
    timeout.setAtIndex(JAVA_LONG, 1, untilMillis % MILLIS_PER_SECOND * NANOS_PER_MILLI);
    return switch (Mutexes.call(Mutexes.LOCK_UNTIL, mutex, timeout)) {
      case 0 -> Locked.YES;
      case OWNER_DIED -> Locked.OWNER_DIED;
      case TIMED_OUT -> Locked.NOT_YET;
      default -> Locked.NEVER;
    };
  }

  static void unlockMutex(MemorySegment mutex) {
    var _ = Mutexes.call(Mutexes.UNLOCK, mutex, MemorySegment.NULL);
  }

  /**
   * Lets signals do nothing. They are not ignored, which processes that this one starts would
   * inherit, but handled by a function of the C library that does nothing and may be called there.
   */
  static void neutralize(int... signals) {
    MemorySegment nothing = find("getpid");
    for (int signal : signals) {
      var _ = Mutexes.call(Signals.HANDLE, MemorySegment.ofAddress(signal), nothing);
    }
  }

  private static boolean exists(String name) {
    return Linker.nativeLinker().defaultLookup().find(name).isPresent();
  }

  private static MemorySegment find(String name) {
    return Linker.nativeLinker().defaultLookup().findOrThrow(name);
  }

  @SuppressWarnings("restricted") // the reason why this class exists
  static MethodHandle handle(String name, FunctionDescriptor descriptor, Linker.Option... options) {
    return Linker.nativeLinker().downcallHandle(find(name), descriptor, options);
  }

  static RuntimeException unchecked(Throwable failure) {
    return switch (failure) {
      case Error error -> throw error;
      case RuntimeException exception -> exception;
      default -> new IllegalStateException(failure);
    };
  }

  /*
   * To make a function callable takes the JVM some milliseconds, so each class below makes what is
   * needed together when it is first used. A worker process waits and wakes, locks one mutex and
   * sends one message: functions of the same signature take much less, so all of these are called
   * with that of the futex, whose further arguments they do not look at.
   */

  private static final class Calls {
    static final MethodHandle SYSTEM = handle("syscall");

    static MethodHandle handle(String name) {
      return Linux.handle(
          name,
          FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS),
          Linker.Option.firstVariadicArg(1));
    }

    static int call(String function, long first, MemorySegment second, long third) {
      return call(handle(function), first, second, third);
    }

    /** The result is an int, or a number that fits into one. */
    static int call(MethodHandle function, long first, MemorySegment second, long third) {
      try {
        return (int) (long) function.invokeExact(first, second, third, 0L, MemorySegment.NULL);
      } catch (Throwable failure) {
        throw unchecked(failure);
      }
    }
  }

  private static final class Descriptors {
    static final MethodHandle CLOSE = Calls.handle("close");
  }

  private static final class Events {
    static final MethodHandle READ = Calls.handle("read");
    static final MethodHandle WRITE = Calls.handle("write");
  }

  private static final class Mutexes {
    static final MethodHandle LOCK = Calls.handle("pthread_mutex_lock");
    static final MethodHandle LOCK_UNTIL = Calls.handle("pthread_mutex_timedlock");
    static final MethodHandle UNLOCK = Calls.handle("pthread_mutex_unlock");

    static int call(String function, MemorySegment first, MemorySegment second) {
      return call(Calls.handle(function), first, second);
    }

    static int call(MethodHandle function, MemorySegment first, MemorySegment second) {
      return Calls.call(function, first.address(), second, 0);
    }
  }

  private static final class Signals {
    static final MethodHandle HANDLE = Calls.handle("signal");
  }

  private static final class FileFunctions {
    static final MethodHandle CREATE_MEMORY = create("memfd_create");
    static final MethodHandle CREATE_PIPE = create("mkfifo");
    static final MethodHandle RESERVE =
        handle("posix_fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    static final MethodHandle OPEN =
        handle(
            "open",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
            Linker.Option.firstVariadicArg(2));
    static final MethodHandle ADVISE =
        handle("madvise", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

    private static MethodHandle create(String name) {
      return handle(
          name,
          FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
          Linker.Option.captureCallState("errno"));
    }
  }

  private static final class MemoryFiles {
    static final boolean ARE_ALLOWED = areAllowed();

    private static boolean areAllowed() {
      int descriptor = create(FileFunctions.CREATE_MEMORY, "headrace", MFD_CLOEXEC);
      if (descriptor >= 0) {
        close(descriptor);
      }
      return descriptor >= 0 || -descriptor == EMFILE || -descriptor == ENFILE; // for now
    }
  }

  private static final class Probe {
    /** They are looked for and not made callable, for which a worker process has no use. */
    private static final List<String> FUNCTIONS =
        List.of("memfd_create", "mkfifo", "posix_fallocate", "open", "close", "madvise");

    static final boolean HAS_ALL = hasAll();

    private static boolean hasAll() {
      if (!System.getProperty("os.name", "").equals("Linux") || FUTEX_NUMBER < 0) {
        return false;
      }
      try {
        return Calls.SYSTEM != null && FUNCTIONS.stream().allMatch(Linux::exists);
      } catch (RuntimeException | LinkageError missing) {
        return false;
      }
    }
  }
}
