package io.headrace.process;

import io.headrace.shm.CorruptMemoryException;
import io.headrace.shm.Handle;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A block of shared memory that somebody may read. Its users are the batches that name it and the
 * views that this process has of it. Thread safe.
 */
final class Block {
  final Region region;
  final Handle handle;
  private final AtomicInteger users = new AtomicInteger(1);

  Block(Region region, Handle handle) {
    this.region = region;
    this.handle = handle;
  }

  long endOffset() {
    return handle.offset() + handle.length();
  }

  /** Adds a user; whoever calls this knows of another one. */
  void retain() {
    if (users.getAndIncrement() < 1) {
      throw new IllegalStateException(handle + " has no user");
    }
  }

  void release() {
    int left = users.decrementAndGet();
    if (left == 0) {
      region.forget(this);
    } else if (left < 0) {
      throw new IllegalStateException(handle + " was released too often");
    }
  }

  /** The whole block, for who fills it. */
  MemorySegment segment() {
    return handle.in(region.segment());
  }

  /**
   * A part of the block that is valid as long as it is reachable, and that is a user of the block until then.
   *
   * @throws CorruptMemoryException if it is not within the block
   */
  @SuppressWarnings("restricted") // the part was checked, and the block outlives the view
  MemorySegment view(long offset, long length) {
    if (offset < 0 || length < 0 || length > handle.length() - offset) {
      throw new CorruptMemoryException(
          "a part at " + offset + " of " + length + " bytes is not within " + handle);
    }
    retain();
    return MemorySegment.ofAddress(segment().address() + offset)
        .reinterpret(length, Arena.ofAuto(), view -> release());
  }
}
