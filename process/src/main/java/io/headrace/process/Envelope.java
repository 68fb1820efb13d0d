package io.headrace.process;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Handle;
import java.lang.foreign.MemorySegment;

/**
 * What stands in a slot of a ring between a worker and its parent.
 *
 * <pre>
 *   0      4       8        16       24      48            52
 *   +------+-------+--------+--------+-------+-------------+-------+
 *   | kind | place | number | length | block | path length | path  |
 *   +------+-------+--------+--------+-------+-------------+-------+
 * </pre>
 *
 * @param kind what this is about
 * @param place of the batch; -1 if this is not about one
 * @param number of a batch or of a memory
 * @param length of the message or of the memory, in bytes
 * @param block where the message is, if it is not at the place of the batch
 * @param path of a memory, or a reason; else empty
 */
record Envelope(Kind kind, int place, long number, long length, Handle block, String path) {
  /** What an envelope is about. */
  enum Kind {
    NONE,
    /** To the worker: execute the batch in the message. */
    EXECUTE,
    /** To the worker: a block of its memory is free. */
    RELEASE,
    /** To the worker: there is a memory that it will need. */
    MAP,
    /** To the worker: a memory is not used anymore. */
    UNMAP,
    /** To the worker: end when all is done. */
    CLOSE,
    /** To the parent: the results of a batch are in the message. */
    ANSWER,
    /** To the parent: the handler has failed; why is in the message. */
    FAILURE,
    /** To the parent: there is no room for a result. */
    NEEDS_ROOM,
    /** To the parent: a result of some length needs a memory of its own. */
    NEEDS_MEMORY,
    /** To the worker: a memory for one result. */
    GRANT,
    /** To the worker: there is none; the path is the reason. */
    DENY
  }

  static final int BYTES = 512;
  static final int NO_PLACE = -1;
  static final Handle NO_BLOCK = new Handle(0, 0, 0, 0);

  private static final int PLACE_OFFSET = Integer.BYTES;
  private static final int NUMBER_OFFSET = PLACE_OFFSET + Integer.BYTES;
  private static final int LENGTH_OFFSET = NUMBER_OFFSET + Long.BYTES;
  private static final int BLOCK_OFFSET = LENGTH_OFFSET + Long.BYTES;
  private static final int PATH_LENGTH_OFFSET = BLOCK_OFFSET + Handle.BYTES;
  private static final int PATH_OFFSET = PATH_LENGTH_OFFSET + Integer.BYTES;
  private static final int MAX_PATH_BYTES = BYTES - PATH_OFFSET;
  private static final Kind[] KINDS = Kind.values();

  static Envelope of(Kind kind) {
    return new Envelope(kind, NO_PLACE, 0, 0, NO_BLOCK, "");
  }

  /** A message at the place of its batch, or in a block if there is one. */
  static Envelope message(Kind kind, int place, long number, long length, Handle block) {
    return new Envelope(kind, place, number, length, block, "");
  }

  static Envelope map(int memory, long sizeBytes, String path) {
    return new Envelope(Kind.MAP, NO_PLACE, memory, sizeBytes, NO_BLOCK, path);
  }

  static Envelope needsMemory(long sizeBytes) {
    return new Envelope(Kind.NEEDS_MEMORY, NO_PLACE, 0, sizeBytes, NO_BLOCK, "");
  }

  static Envelope grant(int memory, long sizeBytes, String path) {
    return new Envelope(Kind.GRANT, NO_PLACE, memory, sizeBytes, NO_BLOCK, path);
  }

  /** A reason that is too long for an envelope is cut. */
  static Envelope deny(String reason) {
    String text = reason.substring(0, Math.min(reason.length(), MAX_PATH_BYTES / 3));
    return new Envelope(Kind.DENY, NO_PLACE, 0, 0, NO_BLOCK, text);
  }

  static Envelope unmap(int memory) {
    return new Envelope(Kind.UNMAP, NO_PLACE, memory, 0, NO_BLOCK, "");
  }

  static Envelope release(Handle block) {
    return new Envelope(Kind.RELEASE, NO_PLACE, 0, 0, block, "");
  }

  /** Whether it is anything but {@link #NO_BLOCK}; the first equals of a record is slow. */
  boolean hasBlock() {
    return (block.memory() | block.generation() | block.offset() | block.length()) != 0;
  }

  @SuppressWarnings("EnumOrdinal") // both processes have the same classes
  void write(MemorySegment slot) {
    slot.set(JAVA_INT, 0, kind.ordinal());
    slot.set(JAVA_INT, PLACE_OFFSET, place);
    slot.set(JAVA_LONG, NUMBER_OFFSET, number);
    slot.set(JAVA_LONG, LENGTH_OFFSET, length);
    block.write(slot, BLOCK_OFFSET);
    if (path.isEmpty()) { // it nearly always is
      slot.set(JAVA_INT, PATH_LENGTH_OFFSET, 0);
      return;
    }
    byte[] bytes = path.getBytes(UTF_8);
    if (bytes.length > MAX_PATH_BYTES) {
      throw new IllegalArgumentException(
          "the path " + path + " is longer than " + MAX_PATH_BYTES + " bytes, set java.io.tmpdir");
    }
    slot.set(JAVA_INT, PATH_LENGTH_OFFSET, bytes.length);
    MemorySegment.copy(bytes, 0, slot, JAVA_BYTE, PATH_OFFSET, bytes.length);
  }

  static Envelope read(MemorySegment slot) {
    int kind = slot.get(JAVA_INT, 0);
    if (kind <= 0 || kind >= KINDS.length) {
      throw new CorruptMemoryException("an envelope of kind " + kind);
    }
    int pathLength = slot.get(JAVA_INT, PATH_LENGTH_OFFSET);
    if (pathLength < 0 || pathLength > MAX_PATH_BYTES) {
      throw new CorruptMemoryException("an envelope with a path of " + pathLength + " bytes");
    }
    return new Envelope(
        KINDS[kind],
        slot.get(JAVA_INT, PLACE_OFFSET),
        slot.get(JAVA_LONG, NUMBER_OFFSET),
        slot.get(JAVA_LONG, LENGTH_OFFSET),
        Handle.read(slot, BLOCK_OFFSET),
        pathLength == 0 ? "" : path(slot, pathLength));
  }

  private static String path(MemorySegment slot, int length) {
    byte[] path = new byte[length];
    MemorySegment.copy(slot, JAVA_BYTE, PATH_OFFSET, path, 0, length);
    return new String(path, UTF_8);
  }
}
