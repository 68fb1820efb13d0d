package io.headrace.process;

import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Handle;
import io.headrace.shm.SharedMemory;
import io.headrace.shm.Slab;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A shared memory as the parent sees it: of its own, for what it sends, or of a worker, for what
 * that answers. Thread safe.
 */
final class Region {
  /*
   * The parent knows every block that anybody may still read, whoever has allocated it: a block is
   * known from when it is filled here, or a worker first names it, until its last user is done with
   * it. Then the owner is told: the slab of this process, or the worker.
   *
   * A region that is retired, because its worker has ended or its pool is closed, is unmapped after
   * its last block, and when no view can be reached anymore: whoever reads one that was released
   * before sees other bytes, but the JVM does not crash.
   *
   * Most values that are viewed are simply dropped, and the garbage collector has no reason to look
   * for them. So views take a part of a common memory only: what comes when that is taken is copied
   * to the heap, and its block is free at once. To copy 64 KiB takes microseconds, and a collection
   * of the whole heap milliseconds to seconds. If there is no room nevertheless, because the values
   * of a batch need more than the rest, a collection is the last resort, and views take half of
   * what they did from then on. They take twice as much again each time that there was none for
   * some minutes, for a burst must not make a service copy for ever; where it is no burst there is
   * one collection in so many minutes.
   */

  /** Views take one part of so many at most; the rest is for what is on its way. */
  private static final int VIEWS_PART = 2;

  /** How long it takes until views may take more again. */
  static final long RECOVERY_NANOS = TimeUnit.MINUTES.toNanos(5);

  /**
   * Values that are larger are viewed in any case. Whoever has them has made the memory larger than
   * the default for them, and not the heap.
   */
  static final long MAX_COPY_BYTES = WorkerProcessesBuilder.DEFAULT_RESULT_MEMORY_BYTES;

  final int number;
  final SharedMemory memory;

  /** Hands out the blocks, if the region is the parent's own. */
  final @Nullable Slab slab;

  private final Consumer<Handle> toOwner;
  private final Consumer<Region> whenClosed;
  private final Memories memories;
  private final LongSupplier clock;

  /** How much views may take at most. */
  private final long mostViewedBytes;

  /** By their offsets. */
  private final ConcurrentSkipListMap<Long, Block> blocks = new ConcurrentSkipListMap<>();

  /** How many views can be reached, those included whose block is free. */
  private final AtomicLong views = new AtomicLong();

  /** How much the blocks take of which views are users. */
  private final AtomicLong viewedBytes = new AtomicLong();

  // Guarded by this.

  /** How much they may take now. */
  private long maxViewedBytes;

  /** When that has changed. */
  private long changedNanos;

  private boolean isRetired;
  private boolean isClosed;

  /**
   * One without blocks.
   *
   * @param mostViewedBytes how much views may take
   * @param toOwner is told of blocks that have no user anymore
   * @param whenClosed is told when the memory is unmapped
   * @param clock says what time it is, in nanoseconds
   */
  Region(
      Memories memories,
      int number,
      SharedMemory memory,
      @Nullable Slab slab,
      long mostViewedBytes,
      Consumer<Handle> toOwner,
      Consumer<Region> whenClosed,
      LongSupplier clock) {
    this.memories = memories;
    this.number = number;
    this.memory = memory;
    this.slab = slab;
    this.toOwner = toOwner;
    this.whenClosed = whenClosed;
    this.mostViewedBytes = mostViewedBytes;
    this.clock = clock;
    maxViewedBytes = mostViewedBytes;
  }

  /** How much of a memory views may take whose values come and go. */
  static long mostViewedBytes(long sizeBytes) {
    return sizeBytes / VIEWS_PART;
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

  /** A block has a view that is a user of it. */
  void blockViewed(long lengthBytes) {
    viewedBytes.addAndGet(Slab.takenBytes(lengthBytes));
  }

  /** It has none anymore. */
  void blockUnviewed(long lengthBytes) {
    viewedBytes.addAndGet(-Slab.takenBytes(lengthBytes));
  }

  /** Whether there may be views of one more block. */
  synchronized boolean mayView(Handle block) {
    if (maxViewedBytes < mostViewedBytes && clock.getAsLong() - changedNanos >= RECOVERY_NANOS) {
      maxViewed(Math.min(mostViewedBytes, VIEWS_PART * maxViewedBytes));
    }
    return block.length() > MAX_COPY_BYTES
        || viewedBytes.get() + Slab.takenBytes(block.length()) <= maxViewedBytes;
  }

  /** Garbage had to be collected because there was no room. */
  synchronized void narrowViews() {
    maxViewed(Math.max(Slab.PAGE_BYTES, maxViewedBytes / VIEWS_PART));
  }

  private void maxViewed(long bytes) {
    maxViewedBytes = bytes;
    changedNanos = clock.getAsLong();
  }

  int blockCount() {
    return blocks.size();
  }

  /** Whether a block is kept by a view, which may be one that cannot be reached anymore. */
  boolean isViewed() {
    return viewedBytes.get() > 0;
  }

  /** Whether a block is kept by batches alone, and so is free when they have ended. */
  boolean isSent() {
    return slab != null && slab.usedBytes() > viewedBytes.get();
  }

  /** Whether the memory is kept by a view, of which its block may be free. */
  boolean hasViews() {
    return views.get() > 0;
  }

  /** The last user of a block is done with it. */
  void forget(Block block) {
    blocks.remove(block.handle.offset());
    if (slab != null) {
      slab.release(block.handle);
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
