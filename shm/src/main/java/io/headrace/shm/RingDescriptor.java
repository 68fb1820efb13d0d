package io.headrace.shm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Where the parts of a ring are.
 *
 * <pre>
 *    0        8         12         16
 *    +--------+---------+----------+------------+
 *    | magic  | version | capacity | slot bytes |  written once, when the ring is made
 *    +--------+---------+----------+------------+
 *  128
 *    +--------+
 *    |  tail  |  how many messages were published; of the producer
 *    +--------+
 *  256
 *    +--------+
 *    |  head  |  how many messages were released; of the consumer
 *    +--------+
 *  384
 *    +--------+--------+-- ... --+
 *    | slot 0 | slot 1 |         |
 *    +--------+--------+-- ... --+
 * </pre>
 *
 * <p>Message i is in slot i modulo the capacity. Words that different processes write are 128 bytes
 * apart, because processors fetch two lines of their caches at once.
 */
final class RingDescriptor {
  static final long MAGIC = 0x4845_4144_5249_4e47L;
  static final int VERSION = 1;

  private static final int APART = 128;
  private static final int MAGIC_OFFSET = 0;
  private static final int VERSION_OFFSET = MAGIC_OFFSET + Long.BYTES;
  private static final int CAPACITY_OFFSET = VERSION_OFFSET + Integer.BYTES;
  private static final int SLOT_BYTES_OFFSET = CAPACITY_OFFSET + Integer.BYTES;
  static final int TAIL_OFFSET = APART;
  static final int HEAD_OFFSET = TAIL_OFFSET + APART;
  private static final int SLOTS_OFFSET = HEAD_OFFSET + APART;

  static final VarHandle POSITION = JAVA_LONG.varHandle();

  private RingDescriptor() {}

  static long sizeBytes(int capacity, int slotBytes) {
    check(capacity, slotBytes);
    return SLOTS_OFFSET + (long) capacity * slotBytes;
  }

  private static void check(int capacity, int slotBytes) {
    if (capacity < 1) {
      throw new IllegalArgumentException("capacity is " + capacity + ", it has to be at least 1");
    }
    if (slotBytes < APART || slotBytes % APART != 0) {
      throw new IllegalArgumentException(
          "slotBytes is " + slotBytes + ", it has to be a multiple of " + APART);
    }
  }

  /** Makes a ring of a part of a memory that is zero. */
  static void create(MemorySegment ring, int capacity, int slotBytes) {
    long sizeBytes = sizeBytes(capacity, slotBytes);
    if (ring.byteSize() < sizeBytes) {
      throw new IllegalArgumentException(
          "ring has " + ring.byteSize() + " bytes, " + sizeBytes + " are needed");
    }
    ring.set(JAVA_INT, VERSION_OFFSET, VERSION);
    ring.set(JAVA_INT, CAPACITY_OFFSET, capacity);
    ring.set(JAVA_INT, SLOT_BYTES_OFFSET, slotBytes);
    POSITION.setRelease(ring, (long) MAGIC_OFFSET, MAGIC);
  }

  /** The slots of a ring that was made, perhaps by another process. */
  static MemorySegment[] slots(MemorySegment ring) {
    if (ring.byteSize() < SLOTS_OFFSET) {
      throw new CorruptMemoryException("a ring in " + ring.byteSize() + " bytes");
    }
    long magic = (long) POSITION.getAcquire(ring, (long) MAGIC_OFFSET);
    int version = ring.get(JAVA_INT, VERSION_OFFSET);
    int capacity = ring.get(JAVA_INT, CAPACITY_OFFSET);
    int slotBytes = ring.get(JAVA_INT, SLOT_BYTES_OFFSET);
    if (magic != MAGIC || version != VERSION) {
      throw new CorruptMemoryException(
          "a ring of magic %x, version %d; %x, %d are expected"
              .formatted(magic, version, MAGIC, VERSION));
    }
    if (capacity < 1
        || slotBytes < 1
        || slotBytes % APART != 0
        || sizeBytes(capacity, slotBytes) > ring.byteSize()) {
      throw new CorruptMemoryException(
          "a ring of " + capacity + " slots of " + slotBytes + " bytes in " + ring.byteSize());
    }
    MemorySegment[] slots = new MemorySegment[capacity];
    for (int i = 0; i < capacity; i++) {
      slots[i] = ring.asSlice(SLOTS_OFFSET + (long) i * slotBytes, slotBytes);
    }
    return slots;
  }
}
