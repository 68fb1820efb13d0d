package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Handle;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What stands in a slot of a ring between a worker and its parent.
 *
 * <pre>
 *   0      2                    4       8        16       24      48
 *   +------+--------------------+-------+--------+--------+-------+-----------------+
 *   | kind | length of the rest | place | number | length | block | path or message |
 *   +------+--------------------+-------+--------+--------+-------+-----------------+
 * </pre>
 *
 * <p>A short message is here, not at the place of its batch: that one cache line fewer goes from
 * one processor to the other, and a small item with all that is said of it is in one line.
 *
 * @param kind what this is about
 * @param place of the batch; -1 if this is not about one
 * @param number of a batch or of a memory; of a process that needs room, how many blocks it has
 *     been told of that are free
 * @param length of the message or of the memory, in bytes
 * @param block where the message is, if it is too long for the place of the batch
 * @param path of a memory, or a reason; else empty
 * @param message the message, if it is short; until the slot is released
 */
record Envelope(
    Kind kind,
    int place,
    long number,
    long length,
    Handle block,
    String path,
    @Nullable MemorySegment message) {
  /** What an envelope is about. */
  enum Kind {
    NONE,
    /** To the worker: execute the batch in the message. */
    EXECUTE(true),
    /** To the worker: a block of its memory is free. */
    RELEASE,
    /** To the worker: there is a memory that it will need. */
    MAP,
    /** To the worker: a memory is not used anymore. */
    UNMAP,
    /** To the worker: end when all is done. */
    CLOSE,
    /** To the parent: the results of a batch are in the message. */
    ANSWER(true),
    /** To the parent: the handler has failed; why is in the message. */
    FAILURE(true),
    /** To the parent: there is no room for a result. */
    NEEDS_ROOM,
    /** To the parent: a result of some length needs a memory of its own. */
    NEEDS_MEMORY,
    /** To the worker: a memory for one result. */
    GRANT,
    /** To the worker: there is none; the path is the reason. */
    DENY;

    final boolean hasMessage;

    Kind() {
      this(false);
    }

    Kind(boolean hasMessage) {
      this.hasMessage = hasMessage;
    }
  }

  static final int BYTES = 512;
  static final int NO_PLACE = -1;
  static final Handle NO_BLOCK = new Handle(0, 0, 0, 0);

  private static final int REST_LENGTH_OFFSET = Short.BYTES;
  private static final int PLACE_OFFSET = REST_LENGTH_OFFSET + Short.BYTES;
  private static final int NUMBER_OFFSET = PLACE_OFFSET + Integer.BYTES;
  private static final int LENGTH_OFFSET = NUMBER_OFFSET + Long.BYTES;
  private static final int BLOCK_OFFSET = LENGTH_OFFSET + Long.BYTES;
  private static final int REST_OFFSET = BLOCK_OFFSET + Handle.BYTES;
  private static final int REST_BYTES = BYTES - REST_OFFSET;
  private static final Kind[] KINDS = Kind.values();

  static Envelope of(Kind kind) {
    return new Envelope(kind, NO_PLACE, 0, 0, NO_BLOCK, "", null);
  }

  /**
   * What is about a batch.
   *
   * @param block where the message is; null if it is at the place of the batch
   * @param message the message itself
   */
  static Envelope message(
      Kind kind,
      int place,
      long number,
      long length,
      @Nullable Handle block,
      MemorySegment message) {
    if (block != null) {
      return new Envelope(kind, place, number, length, block, "", null);
    }
    boolean isShort = length <= REST_BYTES;
    return new Envelope(kind, place, number, length, NO_BLOCK, "", isShort ? message : null);
  }

  static Envelope map(int memory, long sizeBytes, String path) {
    return ofMemory(Kind.MAP, memory, sizeBytes, path);
  }

  static Envelope needsRoom(long heardCount) {
    return new Envelope(Kind.NEEDS_ROOM, NO_PLACE, heardCount, 0, NO_BLOCK, "", null);
  }

  static Envelope needsMemory(long sizeBytes) {
    return ofMemory(Kind.NEEDS_MEMORY, 0, sizeBytes, "");
  }

  static Envelope grant(int memory, long sizeBytes, String path) {
    return ofMemory(Kind.GRANT, memory, sizeBytes, path);
  }

  /** A reason that is too long for an envelope is cut. */
  static Envelope deny(String reason) {
    String text = reason.substring(0, Math.min(reason.length(), REST_BYTES / 3));
    return ofMemory(Kind.DENY, 0, 0, text);
  }

  static Envelope unmap(int memory) {
    return ofMemory(Kind.UNMAP, memory, 0, "");
  }

  private static Envelope ofMemory(Kind kind, int number, long sizeBytes, String path) {
    return new Envelope(kind, NO_PLACE, number, sizeBytes, NO_BLOCK, path, null);
  }

  static Envelope release(Handle block) {
    return new Envelope(Kind.RELEASE, NO_PLACE, 0, 0, block, "", null);
  }

  /** Whether it is anything but {@link #NO_BLOCK}; the first equals of a record is slow. */
  boolean hasBlock() {
    return (block.memory() | block.generation() | block.offset() | block.length()) != 0;
  }

  @SuppressWarnings("EnumOrdinal") // both processes have the same classes
  void write(MemorySegment slot) {
    slot.set(JAVA_SHORT, 0, (short) kind.ordinal());
    slot.set(JAVA_SHORT, REST_LENGTH_OFFSET, (short) writeRest(slot));
    slot.set(JAVA_INT, PLACE_OFFSET, place);
    slot.set(JAVA_LONG, NUMBER_OFFSET, number);
    slot.set(JAVA_LONG, LENGTH_OFFSET, length);
    block.write(slot, BLOCK_OFFSET);
  }

  /** Returns how many bytes it takes. */
  private long writeRest(MemorySegment slot) {
    if (message != null) {
      for (long at = 0; at < length; at += Long.BYTES) { // what is behind the end does not matter
        slot.set(JAVA_LONG, REST_OFFSET + at, message.get(JAVA_LONG, at));
      }
      return length;
    }
    if (path.isEmpty()) { // it nearly always is
      return 0;
    }
    byte[] bytes = path.getBytes(UTF_8);
    if (bytes.length > REST_BYTES) {
      throw new IllegalArgumentException(
          "the path " + path + " is longer than " + REST_BYTES + " bytes, set java.io.tmpdir");
    }
    MemorySegment.copy(bytes, 0, slot, JAVA_BYTE, REST_OFFSET, bytes.length);
    return bytes.length;
  }

  static Envelope read(MemorySegment slot) {
    int kind = slot.get(JAVA_SHORT, 0);
    if (kind <= 0 || kind >= KINDS.length) {
      throw new CorruptMemoryException("an envelope of kind " + kind);
    }
    int restLength = slot.get(JAVA_SHORT, REST_LENGTH_OFFSET);
    if (restLength < 0 || restLength > REST_BYTES) {
      throw new CorruptMemoryException("an envelope with " + restLength + " bytes behind it");
    }
    boolean isMessage = KINDS[kind].hasMessage && restLength > 0;
    return new Envelope(
        KINDS[kind],
        slot.get(JAVA_INT, PLACE_OFFSET),
        slot.get(JAVA_LONG, NUMBER_OFFSET),
        slot.get(JAVA_LONG, LENGTH_OFFSET),
        Handle.read(slot, BLOCK_OFFSET),
        isMessage || restLength == 0 ? "" : path(slot, restLength),
        isMessage ? slot.asSlice(REST_OFFSET, restLength) : null);
  }

  private static String path(MemorySegment slot, int length) {
    byte[] path = new byte[length];
    MemorySegment.copy(slot, JAVA_BYTE, REST_OFFSET, path, 0, length);
    return new String(path, UTF_8);
  }
}
