package io.headrace.process;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** For messages on the heap that name values which are in shared memory, and keep their blocks. */
final class Loans extends HeapSpace {
  /** A value is large that takes such a part of a message, so that there are few of them. */
  private static final int LARGE_PART = 16;

  /** What the other side may read when it is told; each has a user for that. */
  final List<Block> blocks = new ArrayList<>(0);

  /** Where large values go that are on the heap; null if they stay in the message. */
  private final @Nullable LargeMemories large;

  private final int largeBytes;

  Loans(int maxBytes) {
    super(maxBytes);
    large = null;
    largeBytes = 0;
  }

  /** For a message that is too long otherwise. */
  Loans(int maxBytes, LargeMemories large) {
    super(maxBytes);
    this.large = large;
    largeBytes = maxBytes / LARGE_PART;
  }

  @Override
  public boolean shares(MemorySegment bytes) {
    return isShared(bytes) || (large != null && bytes.byteSize() >= largeBytes);
  }

  private static boolean isShared(MemorySegment bytes) {
    return bytes.byteSize() > 0 && Memories.ALL.hasBytes(bytes);
  }

  @Override
  public ValueWriter.Place place(MemorySegment bytes) {
    if (large != null && !isShared(bytes)) {
      Block copy = large.allocate(bytes.byteSize());
      blocks.add(copy);
      copy.segment().copyFrom(bytes);
      return new ValueWriter.Place(copy.handle, 0, bytes.byteSize());
    }
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
