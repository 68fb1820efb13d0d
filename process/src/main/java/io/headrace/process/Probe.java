package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.headrace.shm.Mechanism;
import io.headrace.shm.SharedMemory;
import io.headrace.shm.SharedMemoryException;
import java.lang.invoke.VarHandle;
import java.security.SecureRandom;
import org.jspecify.annotations.Nullable;

/**
 * A memory of one end of a connection. Whether the other end can reach it tells whether it can
 * reach others of the same process, which it cannot from another container.
 *
 * <pre>
 *   0       8
 *   +-------+-------+
 *   | nonce | ended |
 *   +-------+-------+
 * </pre>
 */
final class Probe implements AutoCloseable {
  private static final long BYTES = 4096;
  private static final long ENDED_OFFSET = Long.BYTES;
  private static final VarHandle LONG = JAVA_LONG.varHandle();
  private static final SecureRandom RANDOM = new SecureRandom();

  private final @Nullable SharedMemory memory;

  private Probe(@Nullable SharedMemory memory) {
    this.memory = memory;
  }

  /** One that can be reached if memory can be shared at all. */
  static Probe create() {
    try {
      SharedMemory memory = SharedMemory.create(BYTES, Mechanism.best());
      memory.segment().set(JAVA_LONG, 0, RANDOM.nextLong());
      return new Probe(memory);
    } catch (SharedMemoryException none) {
      return new Probe(null);
    }
  }

  /** One that cannot be reached. */
  static Probe none() {
    return new Probe(null);
  }

  /** Tells the other end where it is. */
  void write(ValueWriter out) {
    out.writeString(memory == null ? "" : memory.path());
    out.writeLong(memory == null ? 0 : memory.segment().get(JAVA_LONG, 0));
  }

  /** That of the other end, if this process reaches it; else null. */
  static @Nullable Probe read(ValueReader in) {
    String path = in.readString();
    long nonce = in.readLong();
    try {
      SharedMemory memory = path.isEmpty() ? null : SharedMemory.open(path, BYTES);
      if (memory != null && memory.segment().get(JAVA_LONG, 0) == nonce) {
        return new Probe(memory);
      }
      close(memory);
    } catch (SharedMemoryException | java.nio.file.InvalidPathException unreachable) {
      // it is of another container, say
    }
    return null;
  }

  /** From now on this end may use again what it has lent to the other. */
  void end() {
    if (memory != null) {
      LONG.setVolatile(memory.segment(), ENDED_OFFSET, 1L);
      VarHandle.fullFence();
    }
  }

  /** Whether what this thread has read of memory that was lent may have been something else. */
  boolean isEnded() {
    VarHandle.acquireFence();
    return memory == null || (long) LONG.getVolatile(memory.segment(), ENDED_OFFSET) != 0;
  }

  @Override
  public void close() {
    close(memory);
  }

  private static void close(@Nullable SharedMemory memory) {
    if (memory != null) {
      memory.close();
    }
  }
}
