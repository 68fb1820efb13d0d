package io.headrace.shm;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * A block of shared memory, as processes name it to one another.
 *
 * <pre>
 *  0        4             8         16        24
 *  +--------+-------------+---------+---------+
 *  | memory | generation  | offset  | length  |
 *  +--------+-------------+---------+---------+
 * </pre>
 *
 * @param memory the number of the memory that it is in
 * @param generation tells it from blocks that were at the same place before
 * @param offset where it begins, in bytes
 * @param length how long it is, in bytes
 */
public record Handle(int memory, int generation, long offset, long length) {
  /** How many bytes a handle takes in a message. */
  public static final int BYTES = 24;

  private static final int GENERATION_OFFSET = Integer.BYTES;
  private static final int OFFSET_OFFSET = GENERATION_OFFSET + Integer.BYTES;
  private static final int LENGTH_OFFSET = OFFSET_OFFSET + Long.BYTES;

  /**
   * Writes the handle into a message.
   *
   * @param message the message
   * @param at where, in bytes from its begin
   */
  public void write(MemorySegment message, long at) {
    message.set(JAVA_INT_UNALIGNED, at, memory);
    message.set(JAVA_INT_UNALIGNED, at + GENERATION_OFFSET, generation);
    message.set(JAVA_LONG_UNALIGNED, at + OFFSET_OFFSET, offset);
    message.set(JAVA_LONG_UNALIGNED, at + LENGTH_OFFSET, length);
  }

  /**
   * Reads a handle from a message. Whether there is such a block is not checked.
   *
   * @param message the message
   * @param at where, in bytes from its begin
   * @return the handle
   */
  public static Handle read(MemorySegment message, long at) {
    return new Handle(
        message.get(JAVA_INT_UNALIGNED, at),
        message.get(JAVA_INT_UNALIGNED, at + GENERATION_OFFSET),
        message.get(JAVA_LONG_UNALIGNED, at + OFFSET_OFFSET),
        message.get(JAVA_LONG_UNALIGNED, at + LENGTH_OFFSET));
  }

  /**
   * The block itself.
   *
   * @param memory the memory that the handle names
   * @return the part of it that the handle names
   * @throws CorruptMemoryException if it is not within the memory
   */
  public MemorySegment in(MemorySegment memory) {
    if (offset < 0 || length < 0 || length > memory.byteSize() - offset) {
      throw new CorruptMemoryException(
          this + " is not within the memory, which has " + memory.byteSize() + " bytes");
    }
    return memory.asSlice(offset, length);
  }
}
