package io.headrace.process;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** For messages on the heap that name values which are in shared memory, and keep their blocks. */
final class Loans extends HeapSpace {
  /** What the other side may read when it is told; each has a user for that. */
  final List<Block> blocks = new ArrayList<>(0);

  Loans(int maxBytes) {
    super(maxBytes);
  }

  @Override
  public boolean shares(MemorySegment bytes) {
    return bytes.byteSize() > 0 && Memories.ALL.hasBytes(bytes);
  }

  @Override
  public ValueWriter.Place place(MemorySegment bytes) {
    Block block = Memories.ALL.findBlock(bytes);
    if (block == null || !block.retain(bytes.scope())) {
      throw new IllegalStateException("a shared value was released before");
    }
    blocks.add(block);
    long offset = bytes.address() - block.segment().address();
    return new ValueWriter.Place(block.handle, offset, bytes.byteSize());
  }

  void release() {
    blocks.forEach(Block::release);
    blocks.clear();
  }
}
