package io.headrace.process;

import java.lang.foreign.MemorySegment;

/** For messages on the heap, in which nothing is shared. */
final class HeapSpace implements ValueWriter.Space, ValueReader.Space {
  @Override
  public MemorySegment grow(MemorySegment full, long neededBytes) {
    byte[] larger = new byte[Math.toIntExact(Math.max(neededBytes, 2 * full.byteSize()))];
    MemorySegment place = MemorySegment.ofArray(larger);
    MemorySegment.copy(full, 0, place, 0, full.byteSize());
    return place;
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
    throw new IllegalStateException("nothing is shared here");
  }

  @Override
  public MemorySegment inline(MemorySegment bytes) {
    return bytes;
  }
}
