package io.headrace.process;

import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Handle;
import io.headrace.shm.SharedMemory;
import io.headrace.shm.Slab;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A shared memory as the parent sees it: of its own, for what it sends, or of a worker, for what
 * that answers. Thread safe.
 */
final class Region {
  /*
   * The parent knows every block that anybody may still read, whoever has allocated it: a block is known
   * from when it is filled here, or a worker first names it, until its last user is done with it. Then the
   * owner is told: the slab of this process, or the worker.
   *
   * A region that is retired, because its worker has ended or its pool is closed, is unmapped after its
   * last block, and when no view can be reached anymore: whoever reads one that was released before sees
   * other bytes, but the JVM does not crash.
   */

  final int number;
  final SharedMemory memory;

  /** Hands out the blocks, if the region is the parent's own. */
  final @Nullable Slab slab;

  private final Consumer<Handle> toOwner;
  private final Consumer<Region> whenClosed;
  private final Memories memories;

  /** By their offsets. */
  private final ConcurrentSkipListMap<Long, Block> blocks = new ConcurrentSkipListMap<>();

  /** How many views can be reached, those included whose block is free. */
  private final AtomicLong views = new AtomicLong();

  // Guarded by this.
  private boolean isRetired;
  private boolean isClosed;

  Region(
      Memories memories,
      int number,
      SharedMemory memory,
      @Nullable Slab slab,
      Consumer<Handle> toOwner,
      Consumer<Region> whenClosed) {
    this.memories = memories;
    this.number = number;
    this.memory = memory;
    this.slab = slab;
    this.toOwner = toOwner;
    this.whenClosed = whenClosed;
  }

  MemorySegment segment() {
    return memory.segment();
  }

  /** A block for some bytes, with one user; null if there is no room. */
  @Nullable Block allocate(long lengthBytes) {
    Slab slab = this.slab;
    Handle handle = slab == null ? null : slab.allocate(lengthBytes);
    return handle == null ? null : add(handle);
  }

  /**
   * A block that a worker names for the first time, with one user.
   *
   * @throws CorruptMemoryException if there is no such block, or it overlaps one that is known
   */
  Block named(Handle handle) {
    var _ = handle.in(segment()); // checks that it is within the memory
    Map.Entry<Long, Block> before = blocks.floorEntry(handle.offset());
    Map.Entry<Long, Block> after = blocks.ceilingEntry(handle.offset());
    if (slab != null
        || handle.memory() != number
        || handle.length() < 1
        || (before != null && before.getValue().endOffset() > handle.offset())
        || (after != null && after.getKey() < handle.offset() + handle.length())) {
      throw new CorruptMemoryException(handle + " is no new block of a worker");
    }
    return add(handle);
  }

  private Block add(Handle handle) {
    Block block = new Block(this, handle);
    blocks.put(handle.offset(), block);
    return block;
  }

  /** The block that has the byte at an offset, if one is known. */
  @Nullable Block at(long offset) {
    Map.Entry<Long, Block> entry = blocks.floorEntry(offset);
    return entry == null || entry.getValue().endOffset() <= offset ? null : entry.getValue();
  }

  /** There is one more view. */
  void viewed() {
    views.incrementAndGet();
  }

  /** A view cannot be reached anymore. */
  void viewLost() {
    if (views.decrementAndGet() == 0) {
      closeIfUnused();
    }
  }

  int blockCount() {
    return blocks.size();
  }

  /** Whether a block is kept by a view, which may be one that cannot be reached anymore. */
  boolean isViewed() {
    return blocks.values().stream().anyMatch(Block::isViewed);
  }

  /** Whether the memory is kept by a view, of which its block may be free. */
  boolean hasViews() {
    return views.get() > 0;
  }

  /** The last user of a block is done with it. */
  void forget(Block block) {
    blocks.remove(block.handle.offset());
    if (slab != null) {
      var _ = slab.release(block.handle);
    }
    toOwner.accept(block.handle);
    closeIfUnused();
  }

  /** Nothing is allocated here anymore. */
  void retire() {
    synchronized (this) {
      isRetired = true;
    }
    closeIfUnused();
  }

  private void closeIfUnused() {
    synchronized (this) {
      if (!isRetired || isClosed || !blocks.isEmpty() || views.get() > 0) {
        return;
      }
      isClosed = true;
    }
    memories.remove(this);
    memory.close();
    whenClosed.accept(this);
  }
}
