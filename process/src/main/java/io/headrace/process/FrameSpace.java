package io.headrace.process;

import java.lang.foreign.MemorySegment;

/** For frames, in which nothing is shared, and which are not longer than the other side takes. */
final class FrameSpace implements ValueWriter.Space, ValueReader.Space {
  private final int maxBytes;

  FrameSpace(int maxBytes) {
    this.maxBytes = maxBytes;
  }

  @Override
  public MemorySegment grow(MemorySegment full, long neededBytes) {
    if (neededBytes > maxBytes) {
      throw new IllegalArgumentException(
          "a value takes more than "
              + maxBytes
              + " bytes: set maxFrameBytes of FlowServer and FlowClient");
    }
    long bytes = Math.min(maxBytes, Math.max(neededBytes, 2 * full.byteSize()));
    MemorySegment larger = MemorySegment.ofArray(new byte[(int) bytes]);
    MemorySegment.copy(full, 0, larger, 0, full.byteSize());
    return larger;
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
  public MemorySegment at(ValueWriter.Place place) {
    throw new io.headrace.shm.CorruptMemoryException("nothing is shared here");
  }

  /** A frame is not used again, and so needs no copy; but one of bytes is not aligned. */
  @Override
  public MemorySegment inline(MemorySegment bytes) {
    if (bytes.isNative()) {
      return bytes;
    }
    long[] words = new long[Math.toIntExact((bytes.byteSize() + Long.BYTES - 1) / Long.BYTES)];
    return MemorySegment.ofArray(words).asSlice(0, bytes.byteSize()).copyFrom(bytes);
  }
}
