package io.headrace.process;

import io.headrace.shm.CorruptMemoryException;
import java.lang.foreign.MemorySegment;

/** For messages on the heap, in which nothing is shared, and which have a largest length. */
class HeapSpace implements ValueWriter.Space, ValueReader.Space {
  private final int maxBytes;
  private boolean isTooLong;

  HeapSpace() {
    this(Integer.MAX_VALUE);
  }

  /** For messages that are not longer than the other side takes. */
  HeapSpace(int maxBytes) {
    this.maxBytes = maxBytes;
  }

  @Override
  public MemorySegment grow(MemorySegment full, long neededBytes) {
    if (neededBytes > maxBytes) {
      isTooLong = true;
      throw tooLong(maxBytes);
    }
    long bytes = Math.min(maxBytes, Math.max(neededBytes, 2 * full.byteSize()));
    MemorySegment larger = MemorySegment.ofArray(new byte[(int) bytes]);
    MemorySegment.copy(full, 0, larger, 0, full.byteSize());
    return larger;
  }

  /** Whether a message found no room. */
  boolean isTooLong() {
    return isTooLong;
  }

  static IllegalArgumentException tooLong(int maxBytes) {
    return new IllegalArgumentException(
        "a value takes more than "
            + maxBytes
            + " bytes: set maxFrameBytes of FlowServer and FlowClient");
  }

  @Override
  public boolean shares(MemorySegment bytes) {
    return false;
  }

  @Override
  public ValueWriter.Place place(MemorySegment bytes) {
    throw new IllegalStateException("nothing is shared here");
  }

  @Override
  public MemorySegment at(ValueWriter.Place place, ValueReader.Use use) {
    throw new CorruptMemoryException("nothing is shared here");
  }

  /** A message is not used again, and so needs no copy. */
  @Override
  public MemorySegment inline(MemorySegment bytes) {
    return bytes;
  }
}
