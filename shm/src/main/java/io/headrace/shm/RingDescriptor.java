package io.headrace.shm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

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

  /**
   * Of a word of a ring. The JVM makes it of method handles, which takes it milliseconds that the
   * start of a worker does not wait for: it is used by who sends or receives, and not by who opens
   * a ring.
   */
  static final class Position {
    static final VarHandle LONG = JAVA_LONG.varHandle();

    private Position() {}
  }

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

  /** What stands before the slots. */
  static ByteBuffer words(MemorySegment ring) {
    if (!ring.isNative()) {
      throw new IllegalArgumentException("ring is " + ring + ", it has to be native memory");
    }
    if (ring.byteSize() < SLOTS_OFFSET) {
      throw new CorruptMemoryException("a ring in " + ring.byteSize() + " bytes");
    }
    return ring.asSlice(0, SLOTS_OFFSET).asByteBuffer().order(ByteOrder.nativeOrder());
  }

  /** Makes a ring of a part of a memory that is zero. */
  static void create(MemorySegment ring, int capacity, int slotBytes) {
    long sizeBytes = sizeBytes(capacity, slotBytes);
    if (ring.byteSize() < sizeBytes) {
      throw new IllegalArgumentException(
          "ring has " + ring.byteSize() + " bytes, " + sizeBytes + " are needed");
    }
    ByteBuffer words = words(ring);
    words.putInt(VERSION_OFFSET, VERSION);
    words.putInt(CAPACITY_OFFSET, capacity);
    words.putInt(SLOT_BYTES_OFFSET, slotBytes);
    VarHandle.releaseFence();
    words.putLong(MAGIC_OFFSET, MAGIC);
  }

  /** The slots of a ring that was made, perhaps by another process. */
  static MemorySegment[] slots(MemorySegment ring) {
    ByteBuffer words = words(ring);
    long magic = words.getLong(MAGIC_OFFSET);
    VarHandle.acquireFence();
    int version = words.getInt(VERSION_OFFSET);
    int capacity = words.getInt(CAPACITY_OFFSET);
    int slotBytes = words.getInt(SLOT_BYTES_OFFSET);
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
